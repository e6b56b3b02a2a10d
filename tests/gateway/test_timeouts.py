"""One timer for many deadlines, beside a timer for each."""

from __future__ import annotations

import asyncio
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.gateway.timeouts import Deadline, Deadlines
from tests.jumping import JumpingLoop, run

LIMIT_S = 10.0


def now() -> float:
    return asyncio.get_running_loop().time() - 1_000


async def within(deadlines: Deadlines, begins_s: float, lasts_s: float) -> tuple[str, float]:
    await asyncio.sleep(begins_s)
    try:
        with Deadline(deadlines):
            await asyncio.sleep(lasts_s)
    except TimeoutError:
        return "missed", now()
    return "kept", now()


async def asyncios_own(begins_s: float, lasts_s: float) -> tuple[str, float]:
    await asyncio.sleep(begins_s)
    try:
        async with asyncio.timeout(LIMIT_S):
            await asyncio.sleep(lasts_s)
    except TimeoutError:
        return "missed", now()
    return "kept", now()


# Never ten seconds to the dot, for then either would be right.
works = st.lists(
    st.tuples(
        st.integers(0, 60).map(float), st.integers(0, 250).map(lambda tenth: tenth / 10 + 0.05)
    ),
    min_size=1,
    max_size=40,
)


@given(works)
def test_it_is_as_if_each_had_a_timer_of_its_own(work: list[tuple[float, float]]) -> None:
    async def main() -> None:
        deadlines = Deadlines(LIMIT_S)
        ours = await asyncio.gather(*(within(deadlines, *each) for each in work))
        assert len(deadlines) == 0
        deadlines.close()
        began = now()
        own = await asyncio.gather(*(asyncios_own(*each) for each in work))
        assert [how for how, _ in ours] == [how for how, _ in own]
        for (_, at), (_, expected) in zip(ours, own, strict=True):
            assert at == pytest.approx(expected - began)

    run(main())


def test_a_thousand_that_are_kept_set_one_timer() -> None:
    async def main() -> None:
        deadlines, loop = Deadlines(LIMIT_S), asyncio.get_running_loop()
        with mock.patch.object(loop, "call_at", wraps=loop.call_at) as call_at:
            for _ in range(1_000):
                with Deadline(deadlines):
                    pass
        assert call_at.call_count == 1
        deadlines.close()

    run(main())


def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    async def main() -> None:
        deadlines = Deadlines(LIMIT_S)
        task = asyncio.create_task(within(deadlines, 0.0, 99.0))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(deadlines) == 0
        deadlines.close()

    run(main())


@pytest.mark.parametrize("first", ["somebody else", "the deadline"])
def test_also_where_that_happens_at_the_very_moment(first: str) -> None:
    """A run that is stopped must not take its end for a reply that did not come."""

    async def main() -> None:
        deadlines, loop = Deadlines(LIMIT_S), asyncio.get_running_loop()
        ends = loop.time() + LIMIT_S
        tasks: list[asyncio.Task[tuple[str, float]]] = []

        def cancel() -> None:
            tasks[0].cancel()

        if first == "somebody else":
            loop.call_at(ends, cancel)
        tasks.append(task := asyncio.create_task(within(deadlines, 0.0, 99.0)))
        await asyncio.sleep(0)
        if first == "the deadline":
            loop.call_at(ends, cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1
        deadlines.close()

    run(main())


def test_what_goes_wrong_within_is_told_as_it_is() -> None:
    async def main() -> None:
        deadlines = Deadlines(LIMIT_S)
        with pytest.raises(ValueError, match="of its own"), Deadline(deadlines):
            raise ValueError("of its own")
        assert len(deadlines) == 0
        deadlines.close()

    run(main())


def test_closed_it_leaves_no_timer() -> None:
    async def main() -> None:
        deadlines, loop = Deadlines(LIMIT_S), asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop)
        with Deadline(deadlines):
            deadlines.close()
        with pytest.raises(RuntimeError, match="never happen"):
            loop._jumping.select(None)
        assert not [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]

    run(main())


def test_it_is_for_tasks() -> None:
    async def main() -> None:
        raised: list[BaseException] = []

        def outside() -> None:
            try:
                with Deadline(Deadlines(LIMIT_S)):
                    pass
            except RuntimeError as error:
                raised.append(error)

        asyncio.get_running_loop().call_soon(outside)
        await asyncio.sleep(0)
        assert "for a task" in str(raised[0])

    run(main())


async def read_on(deadlines: Deadlines, begins_s: float, lasts_s: float) -> tuple[str, list[float]]:
    told: list[float] = []
    await asyncio.sleep(begins_s)
    try:
        with Deadline(deadlines, lambda: told.append(now())):
            await asyncio.sleep(lasts_s)
    except TimeoutError:
        return "missed", [*told, now()]
    return "kept", [*told, now()]


@given(works)
def test_who_is_told_that_it_is_overdue_has_the_time_once_more(
    work: list[tuple[float, float]],
) -> None:
    async def main() -> None:
        deadlines = Deadlines(LIMIT_S)
        both = await asyncio.gather(
            *(read_on(deadlines, *each) for each in work),
            *(within(deadlines, *each) for each in work),
        )
        assert len(deadlines) == 0
        deadlines.close()
        for (begins_s, lasts_s), (how, times) in zip(work, both, strict=False):
            assert isinstance(times, list)
            overdue = [begins_s + LIMIT_S] if lasts_s > LIMIT_S else []
            end = begins_s + min(lasts_s, 2 * LIMIT_S)
            assert times == pytest.approx([*overdue, end])
            assert how == ("missed" if lasts_s > 2 * LIMIT_S else "kept")

    run(main())
