"""A bulkhead whose slots and rate change while it works, because others get a part of them."""

from __future__ import annotations

import itertools
import math

import anyio
import pytest

from bulkagent.engine import Engine, Limits
from tests.engine.far import Far, bulkhead
from tests.engine.lists import ListSource, words
from tests.jumping import JumpingClock, run


@pytest.mark.parametrize("first", [None, 50.0])
def test_a_rate_holds_from_when_it_is_set(first: float | None) -> None:
    source, far = ListSource(words(200)), Far(seconds=0.01)
    head = bulkhead(source, far.attempt, Limits(concurrency=4, per_second=first))
    clock = JumpingClock()

    async def changed() -> None:
        await clock.sleep(0.105)
        head.pace(10.0, 1)
        await clock.sleep(2.0)
        head.pace(None, 1)

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(changed)
            await Engine([head], clock=clock).run()

    run(both())
    slow = [at for at in far.times if 0.106 < at < 2.105]
    assert len(slow) == pytest.approx(20, abs=1)
    assert min(b - a for a, b in itertools.pairwise(slow)) >= 0.1 - 1e-6
    fast = [at for at in far.times if at > 2.2]
    assert max(fast) - min(fast) < len(fast) / 100, "as fast as four at once are answered"
    assert len(far.times) == 200


def test_after_its_time_a_limit_lets_nothing_start_until_it_is_given_again() -> None:
    source, far = ListSource(words(60)), Far(seconds=0.1)
    head = bulkhead(source, far.attempt, Limits(concurrency=4, per_second=None))
    clock = JumpingClock()

    async def kept_up() -> None:
        began = clock.monotonic()
        head.resize(4, began + 0.35)
        await clock.sleep(0.3)
        head.resize(4, began + 0.55)
        await clock.sleep(2.0)
        head.resize(2, math.inf)

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kept_up)
            await Engine([head], clock=clock).run()

    run(both())
    assert [at for at in far.times if 0.55 < at < 2.29] == []
    assert sum(at <= 0.55 for at in far.times) == 24
    assert min(at for at in far.times if at > 1) == pytest.approx(2.3)
    assert len(far.times) == 60


def test_none_at_all_is_a_pause_from_the_beginning() -> None:
    source, far = ListSource(words(20)), Far(seconds=0.1)
    head = bulkhead(source, far.attempt, Limits(concurrency=4, per_second=5.0))
    clock = JumpingClock()

    async def both() -> None:
        head.resize(0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Engine([head], clock=clock).run)
            await clock.sleep(3.0)
            assert far.times == []
            head.resize(1)

    run(both())
    assert len(far.times) == 20
    assert far.peak == 1
