"""The state and the exit code of a run, from its counts."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bulkagent.model import Cause, Status
from bulkagent.reasons import Reason

_SIGNAL_BASE = 128  # how shells report a death by signal, which batch systems know
_DEFECT = 1
_PERSON_MUST_LOOK = 6
_TIME_OR_OUTAGE = 5


class LegEnding(msgspec.Struct, frozen=True):
    """How sending ended, apart from what became of each row."""

    signal: int | None = None
    """The signal that stopped it; None where one came too late to stop anything."""
    error: Reason | None = None
    """What broke off the run; None where it came to its end."""
    error_code: int = _DEFECT
    causes: frozenset[Cause] = frozenset()
    """Why any part of it ended before its time."""
    taken_over: bool = False
    """Whether it was drained because another run took over."""


class ExitStatus(msgspec.Struct, frozen=True):
    """The state and the exit code of a run."""

    state: str
    exit_code: int
    again: bool
    """Whether there is something left that a resume may help."""


def exit_status_of(
    totals: Mapping[str, int],
    causes: Mapping[str, int],
    ending: LegEnding,
    *,
    contradicted: int = 0,
    forgiven: int = 0,
) -> ExitStatus:
    """The first that holds of: broken off, stopped, something to repeat, something refused, done.

    A defect goes before a take-over, that before a signal, that before what a person must look at,
    that before everything else that may break a run off. A duplicate row follows its first row, so
    it has no say of its own, and an invalid one was left out as somebody agreed to. What is left to
    a later run, or cannot be set back, is nothing that repeating helps.

    Args:
        totals: Rows by status; those that are not there count as none.
        causes: Rows by cause; only those that are left for good are looked at.
        ending: How sending ended.
        forgiven: How many failed rows are as good as set.
        contradicted: How many applied rows the gateway shows otherwise. No resume helps those,
            and a script that goes by the exit code must not take them for done.
    """
    left = sum(totals.get(status, 0) for status in _REPEATABLE)
    left -= forgiven + causes.get(Cause.PROTECTED, 0)
    left_for_good = sum(causes.get(cause, 0) for cause in _FOR_GOOD)
    again = left > left_for_good
    taken = ending.taken_over and (again or bool(causes.get(Cause.SUPERSEDED, 0)))
    broken = _broken_off(ending, again=again, taken=taken)
    if broken is not None:
        state, exit_code = broken
        return ExitStatus(state, exit_code, again)
    if again or contradicted:
        return ExitStatus("completed", 3, again)
    refused = totals.get(Status.REJECTED, 0)
    return ExitStatus("completed", 4 if refused or left_for_good else 0, again)


def _broken_off(ending: LegEnding, *, again: bool, taken: bool) -> tuple[str, int] | None:
    """The first thing that broke a run off; a stop that came too late for that is none."""
    interrupted = "interrupted"
    halted = bool(ending.causes & _HELD_BACK)
    stopped = again or ending.error is not None or halted
    candidates = (
        (ending.error is not None and ending.error_code == _DEFECT, interrupted, _DEFECT),
        # Before a signal, after which a scheduler would start it again: against a person.
        (taken, "halted", _PERSON_MUST_LOOK),
        (ending.signal is not None and stopped, interrupted, _SIGNAL_BASE + (ending.signal or 0)),
        (halted, "halted", _PERSON_MUST_LOOK),
        (
            ending.error is not None,
            "halted" if ending.error_code == _PERSON_MUST_LOOK else interrupted,
            ending.error_code,
        ),
        (bool(ending.causes & _BY_ITSELF) and again, interrupted, _TIME_OR_OUTAGE),
    )
    return next(((state, code) for holds, state, code in candidates if holds), None)


_HELD_BACK = frozenset({Cause.HALTED, Cause.GATE, Cause.FLOOR, Cause.CANARY})
_BY_ITSELF = frozenset({Cause.DEADLINE, Cause.BREAKER_OPEN})
_REPEATABLE = (Status.FAILED, Status.UNKNOWN, Status.NOT_ATTEMPTED)
_FOR_GOOD = (Cause.SUPERSEDED, Cause.PREVIOUS_UNKNOWN)
