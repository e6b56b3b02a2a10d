"""The wait for a start: never early, never hours late, and trouble is told in good time.

Proves --start-at; guide "While it waits".
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import SettingsRefused
from bulkagent.instants import Instant
from bulkagent.run.schedule.next_step import (
    AGAIN_S,
    LATEST_S,
    ChecksDone,
    StartAction,
    StartStep,
    next_step,
)
from bulkagent.run.schedule.wait import PreflightProblem, ProblemKind, wait_for_start
from tests.jumping import JumpingClock, run

HOUR_S = 3600
NOW_S = 1_000  # where a jumping loop begins

SET_UP = PreflightProblem(ProblemKind.SET_UP, "the certificate is not accepted")
SOURCE = PreflightProblem(ProblemKind.SOURCE, "the GUID service answered HTTP 401")
SILENT = PreflightProblem(ProblemKind.SILENT, "east does not take connections now")


@pytest.mark.parametrize(
    ("left_s", "looked", "step"),
    [
        (36_000, ChecksDone.NEVER, StartStep(StartAction.LOOK)),
        (36_000, ChecksDone.ONCE, StartStep(StartAction.WAIT, 5)),
        (303, ChecksDone.ONCE, StartStep(StartAction.WAIT, 3)),
        (300, ChecksDone.ONCE, StartStep(StartAction.LOOK)),
        (300, ChecksDone.AGAIN, StartStep(StartAction.WAIT, 5)),
        (0.25, ChecksDone.AGAIN, StartStep(StartAction.WAIT, 0.25)),
        (0.25, ChecksDone.NEVER, StartStep(StartAction.LOOK)),
        (0, ChecksDone.AGAIN, StartStep(StartAction.START)),
        (0, ChecksDone.NEVER, StartStep(StartAction.START)),
        (-600, ChecksDone.ONCE, StartStep(StartAction.START)),
        (-600.001, ChecksDone.AGAIN, StartStep(StartAction.MISSED)),
    ],
)
def test_what_is_done_at_which_instant(left_s: float, looked: ChecksDone, step: StartStep) -> None:
    start_ms = 10_000_000
    found = next_step(start_ms=start_ms, now_ms=start_ms - round(left_s * 1000), looked=looked)
    assert found == step


class SteppedClock(JumpingClock):
    """A jumping clock whose time of day is set, or whose machine sleeps, at given moments.

    Args:
        steps: Seconds of waiting, and by how many seconds the time of day is moved then.
    """

    def __init__(self, *steps: tuple[float, float]) -> None:
        self._steps = steps

    def wall_ms(self) -> int:
        waited_s = self.monotonic() - NOW_S
        ahead_s = sum(by_s for at_s, by_s in self._steps if waited_s >= at_s)
        return round((self.monotonic() + ahead_s) * 1000)


class Waited:
    """What came of a wait of so many hours: when it looked, what was told, when it ended."""

    def __init__(
        self,
        in_s: float,
        *found: Sequence[PreflightProblem],
        steps: Sequence[tuple[float, float]] = (),
        looking_s: float = 0.0,
    ) -> None:
        self.start = Instant(round((NOW_S + in_s) * 1000), "UTC")
        self.clock = SteppedClock(*steps)
        self.looked: list[float] = []
        self.told: list[str] = []
        self.refused = ""
        self.ended_ms = 0
        self._found = list(found)
        self._looking_s = looking_s
        run(self._run())

    async def _run(self) -> None:
        try:
            await wait_for_start(self.start, self._look, clock=self.clock, tell=self.told.append)
        except SettingsRefused as refused:
            self.refused = str(refused)
        self.ended_ms = self.clock.wall_ms()

    async def _look(self) -> Sequence[PreflightProblem]:
        self.looked.append((self.start.at_ms - self.clock.wall_ms()) / 1000)
        await self.clock.sleep(self._looking_s)
        return self._found.pop(0) if self._found else ()

    @property
    def late_s(self) -> float:
        return (self.ended_ms - self.start.at_ms) / 1000


def test_a_night_is_waited_through_with_two_looks() -> None:
    waited = Waited(13 * HOUR_S)
    assert (waited.refused, waited.late_s) == ("", 0)
    assert waited.looked == [13 * HOUR_S, AGAIN_S]
    assert waited.told == ["looked at what the start needs: nothing is wrong"] * 2


@pytest.mark.parametrize("in_s", [0.5, 60, AGAIN_S])
def test_five_minutes_before_one_look_is_enough(in_s: float) -> None:
    waited = Waited(in_s)
    assert (waited.looked, waited.late_s) == ([in_s], 0)


def test_a_start_that_came_while_the_question_was_open_is_at_once() -> None:
    waited = Waited(-30)
    assert (waited.looked, waited.late_s, waited.refused) == ([-30], 30, "")


@pytest.mark.parametrize(
    ("steps", "late_s"),
    [
        ([(HOUR_S, 2 * HOUR_S)], 0),  # put forward
        ([(HOUR_S, -HOUR_S)], 0),  # put back: it is not eight yet
        ([(HOUR_S, 9 * HOUR_S + 240)], 240),  # asleep over the start, awake soon after
        ([(HOUR_S, 9 * HOUR_S - 60)], 0),  # asleep until a minute before
    ],
)
def test_the_time_of_day_decides(steps: list[tuple[float, float]], late_s: float) -> None:
    waited = Waited(10 * HOUR_S, steps=steps)
    assert waited.refused == ""
    assert late_s <= waited.late_s <= late_s + 5
    assert waited.looked[-1] <= AGAIN_S, "looked at again, if only at the start"


def test_a_machine_that_slept_for_hours_too_long_does_not_start() -> None:
    waited = Waited(10 * HOUR_S, steps=[(HOUR_S, 12 * HOUR_S)])
    assert waited.refused.startswith("the start at 1970-01-01 10:16:40 UTC (UTC) was missed by 3 h")
    assert "Nothing was sent" in waited.refused
    assert waited.looked == [10 * HOUR_S]


@pytest.mark.parametrize("trouble", [SET_UP, SOURCE])
def test_what_is_wrong_in_the_evening_ends_it_then(trouble: PreflightProblem) -> None:
    waited = Waited(10 * HOUR_S, [trouble])
    assert (waited.refused, waited.looked) == (trouble.text, [10 * HOUR_S])


def test_a_gateway_that_is_away_in_the_evening_is_told_and_waited_for() -> None:
    waited = Waited(10 * HOUR_S, [SILENT])
    assert waited.refused == ""
    assert waited.told == [
        "WARNING east does not take connections now; the run waits all the same",
        "looked at what the start needs: nothing is wrong",
    ]
    assert len(waited.looked) == 2


@pytest.mark.parametrize("trouble", [SET_UP, SOURCE, SILENT])
def test_what_goes_wrong_overnight_is_told_and_may_be_mended(trouble: PreflightProblem) -> None:
    waited = Waited(HOUR_S, (), [trouble], ())
    assert (waited.refused, waited.looked) == ("", [HOUR_S, AGAIN_S, 0])
    assert waited.told[1].startswith(f"WARNING {trouble.text}; correct it now")


@pytest.mark.parametrize(
    ("trouble", "refused"), [(SET_UP, SET_UP.text), (SOURCE, ""), (SILENT, "")]
)
def test_what_is_still_wrong_at_the_start(trouble: PreflightProblem, refused: str) -> None:
    """Ends it where no retry helps, and is left to the retries otherwise."""
    waited = Waited(HOUR_S, (), [trouble], [trouble])
    assert waited.refused == refused
    if not refused:
        assert waited.told[-1] == f"WARNING {trouble.text}; left to the retries"


def test_a_look_that_takes_long_delays_no_start_beyond_itself() -> None:
    waited = Waited(HOUR_S, looking_s=20)
    assert (waited.looked, waited.late_s) == ([HOUR_S, AGAIN_S], 0)
    assert Waited(10, looking_s=20).late_s == 10


def test_a_wait_that_is_cancelled_ends_at_once() -> None:
    async def cancelled() -> float:
        clock = JumpingClock()
        start = Instant(clock.wall_ms() + 10 * HOUR_S * 1000)

        async def look() -> Sequence[PreflightProblem]:
            return ()

        waiting = asyncio.ensure_future(
            wait_for_start(start, look, clock=clock, tell=lambda _text: None)
        )
        await clock.sleep(HOUR_S + 1)
        waiting.cancel()
        before = clock.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return clock.monotonic() - before

    assert run(cancelled()) == 0


@given(
    in_s=st.integers(1, 7_200),
    steps=st.lists(st.tuples(st.integers(0, 7_200), st.integers(-3_600, 3_600)), max_size=3),
)
def test_however_the_clock_is_set_it_starts_neither_early_nor_late(
    in_s: int, steps: list[tuple[float, float]]
) -> None:
    waited = Waited(in_s, steps=steps)
    assert waited.late_s >= 0
    assert bool(waited.refused) == (waited.late_s > LATEST_S)
