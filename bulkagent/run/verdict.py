"""What a run's counts mean: state and exit code.

What may live here: the pure rule. What this room must not know: how counts came about.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bulkagent.outcome import Status

__all__ = ["Ending", "Verdict", "judge"]

_SIGNAL_BASE = 128  # how shells report a death by signal, which batch systems know
_DEFECT = 1


class Ending(msgspec.Struct, frozen=True):
    """How sending ended, apart from what became of each row."""

    signal: int | None = None
    """The signal that stopped it."""
    error: str | None = None
    """What broke off the run, for people; None where it came to its end."""
    error_code: int = _DEFECT


class Verdict(msgspec.Struct, frozen=True):
    """The state and the exit code of a run."""

    state: str
    exit_code: int
    again: bool
    """Whether running it again helps."""


def judge(totals: Mapping[str, int], ending: Ending) -> Verdict:
    """The first that holds of: broken off, stopped, something to repeat, something refused, done.

    A defect goes before a signal, which goes before everything else that may break a run off. A
    duplicate row follows its first row, so it has no say of its own.
    """
    if ending.error is not None and (ending.signal is None or ending.error_code == _DEFECT):
        return Verdict("interrupted", ending.error_code, again=True)
    if ending.signal is not None:
        return Verdict("interrupted", _SIGNAL_BASE + ending.signal, again=True)
    if totals[Status.FAILED] or totals[Status.UNKNOWN] or totals[Status.NOT_ATTEMPTED]:
        return Verdict("completed", 3, again=True)
    if totals[Status.REJECTED] or totals[Status.INVALID]:
        return Verdict("completed", 4, again=False)
    return Verdict("completed", 0, again=False)
