"""The operator of a run, for a person who looks at it later."""

from __future__ import annotations

import os
import pwd
import re
import socket

from bulkagent.errors import SettingsRefused

_LONGEST_CLAIM = 200
_UID = re.compile(r"[0-9]{1,10}", re.ASCII)


def operator_name() -> str:
    """User and machine, such as `ops@batch7`; behind sudo the user who called it.

    It is what the kernel says, by the real user ID, and no variable that anybody can set. Root may
    name the caller, as sudo does (`SUDO_UID`): root could be anybody anyway.
    """
    uid = os.getuid()
    user = _name_of(uid)
    asked = os.environ.get("SUDO_UID", "")
    if uid == 0 and _UID.fullmatch(asked) and int(asked):
        user = f"{_name_of(int(asked))} as {user}"
    return f"{user}@{socket.gethostname()}"


def refuse_on_behalf_of(on_behalf_of: str) -> None:
    """Refuse the name of a client or ticket that could not be kept and shown in one line.

    Raises:
        SettingsRefused: It is too long, or has what cannot be printed.
    """
    if len(on_behalf_of) > _LONGEST_CLAIM or not on_behalf_of.isprintable():
        raise SettingsRefused(
            f"--on-behalf-of takes up to {_LONGEST_CLAIM} printable characters, such as"
            f" 'rota 812, dana'; it was given {len(on_behalf_of):,}: {on_behalf_of[:40]!r}"
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OSError, OverflowError):  # a container's user may have no entry
        return str(uid)
