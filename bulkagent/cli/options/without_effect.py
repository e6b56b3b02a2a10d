"""Options that would do nothing beside others: refused or said, never dropped in silence.

A guard that would guard nothing is refused, and so is a check that would not be made. What is
harmless is said in a note: a batch job that has run for a year must not end for it.

What the environment says is for many commands, so it may well be of no use to one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

PRESENT: ContextVar[Any] = ContextVar("PRESENT", default=None)
"""What click has parsed for the present command; None outside of one."""

Given = Mapping[str, Any]


class _Idle(NamedTuple):
    options: tuple[str, ...]
    idle: Callable[[Given], bool]
    why: str
    harmless: bool = False


def refuse_idle() -> None:
    """Refuse what was typed for the present command and would be of no effect, or say so.

    Raises:
        SettingsRefused: A guard or a check would be.
    """
    from bulkagent.errors import SettingsRefused

    context = PRESENT.get()
    if context is None:
        return
    names = typed()
    for rule in _RULES.get(context.info_name or "", ()):
        for name in rule.options:
            if name in names and rule.idle(context.params):
                sentence = f"--{name.replace('_', '-')} would change nothing: {rule.why}"
                if not rule.harmless:
                    raise SettingsRefused(sentence)
                note(sentence)


def note(sentence: str) -> None:
    """Say what is of no effect and does no harm, unless nothing but trouble is to be said."""
    from bulkagent.cli.console.terminal import say

    context = PRESENT.get()
    if context is None or not context.params.get("quiet"):
        say(f"note    {sentence}")


def typed() -> frozenset[str]:
    """The parameters of the present command that stand on its command line."""
    context = PRESENT.get()
    if context is None:
        return frozenset()
    sources = {name: context.get_parameter_source(name) for name in context.params}
    return frozenset(name for name, source in sources.items() if source and source.name == _TYPED)


_TYPED = "COMMANDLINE"


def _is_emulated(given: Given) -> bool:
    return given.get("gateway") == "emulated"


_ONE_FLAG = _Idle(
    ("gate", "floor"),
    lambda given: given["flag"] is not None,
    "it is for a roster with both flags, and --flag gives all agents one; leave one out",
)
_EMULATED = _Idle(
    ("ca_file", "tls_server_name", "client_cert", "insecure"),
    _is_emulated,
    "the emulated gateway's certificate is known; leave it out",
    harmless=True,
)
_INSECURE = _Idle(
    ("ca_file",),
    lambda given: given["insecure"],
    "--insecure takes any certificate; leave one out",
    harmless=True,
)
_AGAIN = (_INSECURE,)

_RULES: Mapping[str, tuple[_Idle, ...]] = {
    "apply": (
        *(_ONE_FLAG, _EMULATED, _INSECURE),
        _Idle(("allow_closing", "up_means"), _ONE_FLAG.idle, _ONE_FLAG.why),
        _Idle(
            ("absent_ok",),
            lambda given: given["flag"] == 1,
            "it is for agents going off shift, and --flag 1 sends none; leave it out",
        ),
    ),
    "check": (_ONE_FLAG,),
    "resume": _AGAIN,
    "revert": _AGAIN,
    "doctor": (
        *(_EMULATED, _INSECURE),
        _Idle(
            ("verify_with",),
            lambda given: given["pilot"] is None,
            "it is for --pilot, which stops the calls of a test agent for some seconds; leave it"
            " out",
        ),
        _Idle(
            ("agent",),
            lambda given: given["pilot"] is not None,
            "--pilot names its agent; leave it out",
        ),
        _Idle(
            ("roster", "sessions", "guid_url", "guid_ca_file"),
            lambda given: _is_emulated(given) and given["pilot"] is None,
            "agents of the emulated gateway are signed in there; leave it out",
        ),
    ),
}
