"""The variables of the environment that begin with BULKAGENT_, looked through before a command."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from bulkagent.cli.console.terminal import say
from bulkagent.errors import SettingsRefused
from bulkagent.settings.row import PREFIX, Row

# Read by other names than those of options.
_OTHERS = frozenset({"BULKAGENT_GUID_HEADER", "BULKAGENT_SIGN_IN_PASSWORD"})

# What Kubernetes writes into each container for a Service whose name begins with bulkagent; see
# "Discovering services" in its documentation.
_OF_A_SERVICE = re.compile(
    r"BULKAGENT_([A-Z0-9_]+_)?"
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_PORT_OF_A_SERVICE = re.compile(r"BULKAGENT_([A-Z0-9_]+_)?PORT")
_ADDRESS_OF_A_SERVICE = re.compile(r"(tcp|udp|sctp)://\S+:\d+", re.IGNORECASE)

# So many letters apart are one and the same word, typed in a hurry.
_LETTERS = 2


def look_through(rows: Iterable[Row]) -> None:
    """Refuse variables that are meant for us and cannot be obeyed; warn of those nobody knows.

    Those that Kubernetes writes for a Service are taken out of the environment, so that no option
    takes one for its own.

    Args:
        rows: Those of the command that is to run.

    Raises:
        SettingsRefused: A name is a known one misspelt, or of an option that is consent or intent.
    """
    for name, value in list(os.environ.items()):
        if kubernetes_wrote(name, value):
            del os.environ[name]
    given = [name for name, value in os.environ.items() if name.startswith(PREFIX) and value]
    own = {row.variable for row in rows}
    if not set(given) - own:
        return
    # Only where somebody has exported what this command does not read.
    from bulkagent.cli.options import variables
    from bulkagent.settings.intent import INTENT, not_from
    from bulkagent.text.spelling import within

    known = variables() | _OTHERS
    never = {f"{PREFIX}{name.upper()}": name for name in INTENT}
    unknown: list[str] = []
    for name in sorted(set(given) - known):
        if name in never:
            raise SettingsRefused(f"{name}: {not_from(never[name], 'the environment')}")
        near = within(name, known | never.keys(), _LETTERS)
        if near:
            raise SettingsRefused(f"{name}: there is no such variable; did you mean {near}?")
        unknown.append(name)
    if unknown:
        several = "no variables" if len(unknown) > 1 else "no variable"
        say(f"WARNING {', '.join(unknown)}: {several} of bulkagent's, and ignored")


def kubernetes_wrote(name: str, value: str) -> bool:
    """Whether a variable is in the form that Kubernetes has for a Service named bulkagent."""
    if _OF_A_SERVICE.fullmatch(name):
        return True
    return bool(_PORT_OF_A_SERVICE.fullmatch(name) and _ADDRESS_OF_A_SERVICE.fullmatch(value))
