"""Being called at a time that may come to be an earlier one."""

import asyncio
import math
from collections.abc import Callable

import pytest

from bulkagent.engine.retry.timers import Timer
from tests.jumping import JumpingClock, run

Act = Callable[[Timer], None]


class Hasty(JumpingClock):
    """Its sleeps end a little early, as timers may."""

    def __init__(self) -> None:
        self.slept = 0

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        await asyncio.sleep(seconds * 0.9 if self.slept == 1 else seconds)


def calls(
    *timetable: tuple[float, Act],
    clock: JumpingClock | None = None,
    called: Act = lambda _timer: None,
) -> list[float]:
    """When it called within 1000 s, with these acts at these seconds."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times: list[float] = []

        def call() -> None:
            times.append(loop.time() - 1_000)
            called(timer)

        timer = Timer(clock or JumpingClock(), call)
        for seconds, act in timetable:
            loop.call_later(seconds, act, timer)
        task = asyncio.create_task(timer.run())
        await asyncio.sleep(1_000)
        assert not task.done()
        task.cancel()
        return times

    return run(main())


def at(seconds: float) -> Act:
    return lambda timer: timer.set(1_000 + seconds)


def never(timer: Timer) -> None:
    timer.set(math.inf)


@pytest.mark.parametrize(
    ("timetable", "expected"),
    [
        ([], []),
        ([(0, never)], []),
        ([(0, at(10))], [10.0]),
        ([(0, at(10)), (3, at(5))], [5.0]),
        ([(0, at(10)), (3, at(20))], [10.0]),
        ([(0, at(10)), (3, never)], [10.0]),
        ([(0, at(10)), (0, at(4)), (0, at(7))], [4.0]),
        ([(0, never), (3, at(5))], [5.0]),
        ([(0, at(10)), (12, at(15))], [10.0, 15.0]),
        ([(0, at(900)), (1, at(800)), (2, at(700)), (3, at(3))], [3.0]),
    ],
)
def test_it_calls_once_and_at_the_earliest_time(
    timetable: list[tuple[float, Act]], expected: list[float]
) -> None:
    assert calls(*timetable) == pytest.approx(expected)


def test_a_time_that_is_past_is_now() -> None:
    assert calls((50, at(20))) == pytest.approx([50.0])


def test_set_in_the_moment_in_which_it_calls() -> None:
    """Whichever comes first: neither is lost."""
    assert calls((0, at(10)), (10, at(12))) in ([10.0], [10.0, 12.0])
    assert calls((0, at(10)), (10, at(10)), (11, at(20)))[-1] == pytest.approx(20.0)


def test_it_may_be_set_again_by_whom_it_calls() -> None:
    def again(timer: Timer) -> None:
        now = asyncio.get_running_loop().time()
        if now < 1_050:
            timer.set(now + 20)

    assert calls((0, at(10)), called=again) == pytest.approx([10.0, 30.0, 50.0])


def test_a_sleep_that_ends_early_calls_nobody_early() -> None:
    assert calls((0, at(100)), clock=Hasty()) == pytest.approx([100.0])


def test_set_before_it_runs() -> None:
    async def main() -> list[float]:
        times: list[float] = []
        loop = asyncio.get_running_loop()
        timer = Timer(JumpingClock(), lambda: times.append(loop.time()))
        timer.set(1_005.0)
        await asyncio.sleep(2)
        task = asyncio.create_task(timer.run())
        await asyncio.sleep(100)
        task.cancel()
        return times

    assert run(main()) == [1_005.0]
