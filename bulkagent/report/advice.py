"""What each cause means and what to do about it, in one line each.

What may live here: the table, which the README repeats and a test compares. What this room
must not know: any particular run.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bulkagent.outcome import Cause

__all__ = ["ADVICE"]

ADVICE: Mapping[Cause, tuple[str, str]] = MappingProxyType(
    {
        Cause.NOT_SIGNED_IN: (
            "the gateway has no session of the agent (100-006, 100-008)",
            "have the agent sign in, then run it again",
        ),
        Cause.GUID_REFUSED: (
            "the GUID is stale or another agent's (000-003)",
            "get fresh GUIDs, then run it again",
        ),
        Cause.NO_GUID: (
            "there was no GUID to authenticate the request with",
            "add the agent's GUID to the roster, then run it again",
        ),
        Cause.BAD_PARAMETER: (
            "the gateway calls address or parameter wrong (000-002, 000-006)",
            "check agent ID, --agent-id-range and the gateway's address",
        ),
        Cause.NOT_PERMITTED: (
            "the agent's state or rights do not allow it (100-009 and others)",
            "check the agent's rights at the gateway",
        ),
        Cause.REFUSED: (
            "a retcode that belongs to another interface",
            "look at the message and at the gateway's log",
        ),
        Cause.UNLISTED_RETCODE: (
            "a retcode that no document lists",
            "look it up in the gateway's log; it was not repeated on a guess",
        ),
        Cause.GATEWAY_ERROR: (
            "the gateway is unwell (100-007, 000-000, 5xx); unknown ones may have taken effect",
            "run it again when the gateway is well",
        ),
        Cause.SWITCH_OVER: (
            "the gateway was switching over or lost the session (000-004, 105-...)",
            "wait for the switch-over to end, then run it again",
        ),
        Cause.OVERLOADED: (
            "requests were turned away (429, 503); unknown ones may have taken effect",
            "run it again with a lower --rate",
        ),
        Cause.TIMEOUT: (
            "no complete reply in time: it may have taken effect",
            "run it again; if it stays, look at the gateway or raise --timeout",
        ),
        Cause.CONNECT: (
            "no connection to the gateway, nothing was sent",
            "check address, port, name service and firewall, then run it again",
        ),
        Cause.TLS: (
            "the gateway's certificate or handshake is not acceptable",
            "check --ca-file and --tls-server-name, then run it again",
        ),
        Cause.RESET: (
            "the connection broke before the reply: it may have taken effect",
            "run it again",
        ),
        Cause.BAD_REPLY: (
            "something other than the gateway answered: the request may have taken effect",
            "check that the address is the gateway's and not a proxy's, then run it again",
        ),
        Cause.INTERRUPTED: (
            "the run was stopped first; unknown ones may have taken effect",
            "run it again",
        ),
        Cause.BAD_ROW: (
            "the roster row cannot be used; the message says why",
            "correct the row",
        ),
        Cause.REPEATED_ROW: (
            "the row repeats an earlier one, which counts",
            "nothing, or take it out of the roster",
        ),
    }
)
"""Cause to what it means and what to do."""
