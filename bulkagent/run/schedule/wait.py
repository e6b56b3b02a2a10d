"""Waiting for the start of a run, with everything looked at beforehand.

Nothing is sent here, and no agent is held.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from bulkagent.clock import Clock
from bulkagent.errors import SettingsRefused
from bulkagent.instants import Instant, duration_text
from bulkagent.run.schedule.next_step import AGAIN_S, ChecksDone, StartAction, next_step


class ProblemKind(enum.Enum):
    """How a trouble is to be taken."""

    SET_UP = "set-up"  # no retry changes it
    SOURCE = "source"  # a source of GUIDs does not answer as it should
    SILENT = "silent"  # a gateway that may be back in a moment


class PreflightProblem(msgspec.Struct, frozen=True):
    """Something that would go wrong if it started now."""

    kind: ProblemKind
    text: str


class _When(enum.Enum):
    FIRST = "first"
    BEFORE = "before"
    START = "start"


# At first a person is there to correct it. In between it is only said, for a reader has
# minutes left. At the start whatever a retry may help is left to the retries, as in any run.
_ENDS: Mapping[_When, frozenset[ProblemKind]] = MappingProxyType(
    {
        _When.FIRST: frozenset({ProblemKind.SET_UP, ProblemKind.SOURCE}),
        _When.BEFORE: frozenset(),
        _When.START: frozenset({ProblemKind.SET_UP}),
    }
)
_AHEAD: Mapping[_When, str] = MappingProxyType(
    {
        _When.FIRST: "the run waits all the same",
        _When.BEFORE: "correct it now. It is looked at again at the start, and then ends the run"
        " if no retry can help",
        _When.START: "left to the retries",
    }
)


async def wait_for_start(
    start: Instant,
    look: Callable[[], Awaitable[Sequence[PreflightProblem]]],
    *,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Wait until the time of day is that of the start.

    Args:
        start: When.
        look: Looks at everything that a start needs; what it finds would go wrong now.
        clock: Time.
        tell: Told what people should know at once.

    Raises:
        SettingsRefused: It cannot start, or its time was missed by far.
    """
    looked, uneasy = ChecksDone.NEVER, False
    while True:
        now_ms = clock.wall_ms()
        step = next_step(start_ms=start.at_ms, now_ms=now_ms, looked=looked)
        match step.do:
            case StartAction.WAIT:
                await clock.sleep(step.seconds)
            case StartAction.LOOK:
                when = _When.FIRST if looked is ChecksDone.NEVER else _When.BEFORE
                uneasy = await _look(look, when, tell)
                near = start.at_ms - now_ms <= AGAIN_S * 1000
                looked = ChecksDone.AGAIN if near or when is _When.BEFORE else ChecksDone.ONCE
            case StartAction.MISSED:
                late_s = (now_ms - start.at_ms) / 1000
                raise SettingsRefused(
                    f"the start at {start} was missed by {duration_text(late_s)}: the machine"
                    " slept, its clock was set, or the question was open for too long. Nothing"
                    " was sent; give another --start-at, or none to start at once"
                )
            case StartAction.START:
                if uneasy or looked is not ChecksDone.AGAIN:
                    await _look(look, _When.START, tell)
                return


async def _look(
    look: Callable[[], Awaitable[Sequence[PreflightProblem]]],
    when: _When,
    tell: Callable[[str], None],
) -> bool:
    """Look, tell, and end what is to end; whether there was any trouble."""
    troubles = await look()
    final = [trouble.text for trouble in troubles if trouble.kind in _ENDS[when]]
    if final:
        raise SettingsRefused("; ".join(final))
    for trouble in troubles:
        tell(f"WARNING {trouble.text}; {_AHEAD[when]}")
    if not troubles and when is not _When.START:
        tell("looked at what the start needs: nothing is wrong")
    return bool(troubles)
