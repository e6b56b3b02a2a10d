"""The variables of the environment that begin with BULKAGENT_, looked through before a command.

What may live here: which of them are ours, whose others are, and what is said of each. What this
room must not know: what an option's value means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bulkagent.cli.console.terminal import say
from bulkagent.errors import SettingsRefused

__all__ = ["kubernetes_wrote", "look_through"]

_PREFIX = "BULKAGENT_"

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


def look_through(root: Any, command: Any) -> None:
    """Refuse variables that are meant for us and cannot be obeyed; warn of those nobody knows.

    Those that Kubernetes writes for a Service are taken out of the environment, so that no option
    takes one for its own.

    Args:
        root: The command that has all commands.
        command: The one that is to run.

    Raises:
        SettingsRefused: A name is a known one misspelt, or of an option that is consent or intent.
    """
    for name, value in list(os.environ.items()):
        if kubernetes_wrote(name, value):
            del os.environ[name]
    given = [name for name, value in os.environ.items() if name.startswith(_PREFIX) and value]
    own = {str(each.envvar) for each in command.params if each.envvar}
    if not set(given) - own:
        return
    # Only where somebody has exported what this command does not read.
    from bulkagent.settings.intent import INTENT, not_from
    from bulkagent.text.spelling import within

    known = {str(each.envvar) for each in _options(root) if each.envvar} | _OTHERS
    never = {f"{_PREFIX}{name.upper()}": name for name in INTENT}
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


def _options(command: Any) -> Iterator[Any]:
    """Every option of every command."""
    later: Mapping[str, Any] = getattr(command, "commands", {})
    for inner in later.values():
        yield from _options(inner)
    yield from command.params
