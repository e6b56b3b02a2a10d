"""Affinity: the cookie by which a load balancer finds the node that a session is on.

The documents say nothing of it; clients in the field send the cookies of the sign-in back with
every call. Name and form are ours: to a client, a cookie is opaque.
"""

from __future__ import annotations

import re

NAME = "AGWROUTE"

OURS = re.compile(rf"(?:\A|;)[ \t]*{NAME}=node-(?P<node>[1-9][0-9]?)[ \t]*(?=;|\Z)")


def cookie_of(node: int) -> str:
    """The Cookie header that leads to a node."""
    return f"{NAME}=node-{node}"


def set_cookie(node: int) -> tuple[str, str]:
    """The header by which a sign-in names its session's node."""
    return "Set-Cookie", f"{cookie_of(node)}; Path=/agentgateway; Secure; HttpOnly"


def named_node(cookie: str | None, nodes: int) -> int | None:
    """The node that a Cookie header names; None where it names none of so many."""
    found = None if cookie is None else OURS.search(cookie)
    if found is None:
        return None
    node = int(found["node"])
    return node if node <= nodes else None
