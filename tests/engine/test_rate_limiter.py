"""The arithmetic of a rate."""

import asyncio
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.engine import Limits, RateLimiter
from bulkagent.engine.throttle.slots import Slots
from tests.jumping import JumpingClock, run


@given(
    per_second=st.floats(0.1, 1_000),
    gaps=st.lists(st.floats(0, 5), min_size=2, max_size=60),
)
def test_starts_are_never_closer_than_the_rate_allows(per_second: float, gaps: list[float]) -> None:
    rate_limiter = RateLimiter(per_second)
    now, starts = 0.0, []
    for gap in gaps:
        now += gap
        starts.append(now + rate_limiter.reserve(now))
    for earlier, later in itertools.pairwise(starts):
        assert later - earlier >= 1 / per_second - 1e-6


@given(
    changes=st.lists(
        st.tuples(st.floats(0.5, 500), st.integers(0, 8), st.floats(0, 2)), min_size=1, max_size=9
    )
)
def test_a_rate_that_changes_in_mid_run_holds_from_then_on(
    changes: list[tuple[float, int, float]],
) -> None:
    """The first start after a change is a whole interval of the new rate after the one before."""
    rate_limiter, now, starts, rates = RateLimiter(100), 0.0, [], []
    for per_second, number, gap in changes:
        now += gap
        rate_limiter.change(per_second, 1, now)
        for _ in range(number):
            now += rate_limiter.reserve(now)
            starts.append(now)
            rates.append(per_second)
    for (earlier, later), rate in zip(itertools.pairwise(starts), rates[1:], strict=True):
        assert later - earlier >= 1 / rate - 1e-6


def test_a_rate_may_be_lifted_and_set_again() -> None:
    rate_limiter = RateLimiter(1)
    rate_limiter.change(math.inf, 1, 0.0)
    assert [rate_limiter.reserve(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert repr(rate_limiter) == "<RateLimiter without a limit>"
    rate_limiter.change(2, 3, 0.0)
    assert repr(rate_limiter) == "<RateLimiter 2/s, burst 3>"


def test_an_idle_time_is_not_made_up_for() -> None:
    rate_limiter = RateLimiter(10)
    assert rate_limiter.reserve(0.0) == 0.0
    assert rate_limiter.reserve(100.0) == 0.0
    assert rate_limiter.reserve(100.0) == pytest.approx(0.1)


def test_one_that_follows_another_counts_its_starts() -> None:
    """What is sent once more within a run has no burst of its own."""

    async def main() -> list[float]:
        clock = JumpingClock()
        limits = Limits(per_second=10.0, burst=2)
        earlier, later = Slots(limits, clock), Slots(limits, clock)
        starts = []
        for slots in (earlier, later):
            later.follow(earlier)
            assert slots.rate_queue is not None
            for _ in range(3):
                await slots.rate_queue.pace()
                starts.append(clock.monotonic())
        return starts

    starts = run(main())
    assert [at - starts[0] for at in starts] == pytest.approx([0.0, 0.0, 0.1, 0.2, 0.3, 0.4])


def test_it_says_its_rate() -> None:
    assert repr(RateLimiter(2.5)) == "<RateLimiter 2.5/s>"


def test_no_rate_is_no_rate() -> None:
    with pytest.raises(ValueError, match="above 0"):
        RateLimiter(0)


def test_what_was_held_up_together_keeps_the_rate_as_it_leaves() -> None:
    """Such as by a GUID service that stood still: the starts lie far behind by then."""

    async def main() -> list[float]:
        slots = Slots(Limits(per_second=10.0), JumpingClock())
        loop = asyncio.get_running_loop()
        began, left = loop.time(), []

        async def one() -> None:
            await asyncio.sleep(5.0)
            await slots.space_out()
            left.append(loop.time() - began)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(one())
        slots.pace(2.0, 1)
        for _ in range(2):
            await slots.space_out()
            left.append(loop.time() - began)
        return left

    assert run(main()) == pytest.approx([5.0, 5.1, 5.2, 5.3, 5.8, 6.3])


def test_without_a_rate_nothing_is_spaced_out_until_there_is_one() -> None:
    async def main() -> float:
        slots = Slots(Limits(per_second=None), JumpingClock())
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(100):
            await slots.space_out()
        assert loop.time() == began
        slots.pace(10.0, 1)
        for _ in range(3):
            await slots.space_out()
        return loop.time() - began

    assert run(main()) == pytest.approx(0.3)
