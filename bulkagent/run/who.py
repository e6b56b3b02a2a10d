"""Who is at work, as those can tell who look at a run later.

What may live here: the name of a user on a machine. What this room must not know: what they do.
"""

from __future__ import annotations

import getpass
import os
import socket

__all__ = ["who"]


def who() -> str:
    """User and machine, such as `ops@batch7`; behind sudo the user who called it.

    It is what the machine says, for people; nobody's right to do anything rests on it.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    asked = os.environ.get("SUDO_USER", "")
    if asked and asked != user:
        user = f"{asked} as {user}"
    return f"{user}@{socket.gethostname()}"
