"""A bulkhead whose slots and rate change while it works, because others get a part of them."""

from __future__ import annotations

import itertools
import math

import anyio
import pytest

from bulkagent.engine import Engine, Limits
from bulkagent.model import Cause
from tests.engine.lists import ListSource, words
from tests.engine.upstream import ScriptedUpstream, bulkhead
from tests.jumping import JumpingClock, run


@pytest.mark.parametrize("first", [None, 50.0])
def test_a_rate_holds_from_when_it_is_set(first: float | None) -> None:
    source, upstream = ListSource(words(200)), ScriptedUpstream(seconds=0.01)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=4, per_second=first))
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
    slow = [at for at in upstream.times if 0.106 < at < 2.105]
    assert len(slow) == pytest.approx(20, abs=1)
    assert min(b - a for a, b in itertools.pairwise(slow)) >= 0.1 - 1e-6
    fast = [at for at in upstream.times if at > 2.2]
    assert max(fast) - min(fast) < len(fast) / 100, "as fast as four at once are answered"
    assert len(upstream.times) == 200


def test_after_its_time_a_limit_lets_nothing_start_until_it_is_given_again() -> None:
    source, upstream = ListSource(words(60)), ScriptedUpstream(seconds=0.1)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=4, per_second=None))
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
    assert [at for at in upstream.times if 0.55 < at < 2.29] == []
    assert sum(at <= 0.55 for at in upstream.times) == 24
    assert min(at for at in upstream.times if at > 1) == pytest.approx(2.3)
    assert len(upstream.times) == 60


class Slow(ListSource):
    """From the seventh mark on each waits for a ledger that another process has locked."""

    unlocked: anyio.Event

    async def mark(self, item: str, attempt: int) -> bool:
        if len(self.claims) >= 6:
            self.claims.append((item, attempt))
            await self.unlocked.wait()
            self.marks.append((item, attempt))
            return True
        return await super().mark(item, attempt)


@pytest.mark.parametrize("others", [1, 2, 3])
def test_what_waits_for_its_mark_until_its_share_has_expired_is_not_sent(others: int) -> None:
    """Before there is a share again, and then no more at once than that: the limits are shared."""
    source, upstream = Slow(words(12)), ScriptedUpstream(seconds=0.1)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=3, per_second=None))
    clock = JumpingClock()

    async def kept_up() -> None:
        source.unlocked = anyio.Event()
        head.resize(3, clock.monotonic() + 5.0)
        await clock.sleep(29.0)
        source.unlocked.set()
        await clock.sleep(2.0)
        assert len(source.marks) == 9
        assert len(upstream.times) == 6, "nothing is sent by a share that has expired"
        head.resize(others, math.inf)
        upstream.peak = 0

    async def both() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kept_up)
            await Engine([head], clock=clock).run()

    run(both())
    assert upstream.times[6] == pytest.approx(31.0)
    assert upstream.peak == others
    assert len(upstream.times) == len(source.histories) == 12


def test_a_stop_while_a_share_has_expired_sends_nothing_and_ends_with_the_grace() -> None:
    """What is marked and not sent is as what is cut off: it may have been sent, for all we know."""
    source, upstream = Slow(words(12)), ScriptedUpstream(seconds=0.1)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=3, per_second=None))
    clock = JumpingClock()
    engine = Engine([head], clock=clock, grace_s=3.0)

    async def kept_up() -> None:
        source.unlocked = anyio.Event()
        head.resize(3, clock.monotonic() + 5.0)
        await clock.sleep(29.0)
        source.unlocked.set()
        await clock.sleep(2.0)
        engine.stop(Cause.INTERRUPTED)

    async def both() -> float:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kept_up)
            await engine.run()
        return clock.monotonic() - 1_000

    assert run(both()) == pytest.approx(34.0)
    assert len(upstream.times) == len(source.histories) == 6
    assert len(source.marks) == 9


def test_none_at_all_is_a_pause_from_the_beginning() -> None:
    source, upstream = ListSource(words(20)), ScriptedUpstream(seconds=0.1)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=4, per_second=5.0))
    clock = JumpingClock()

    async def both() -> None:
        head.resize(0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Engine([head], clock=clock).run)
            await clock.sleep(3.0)
            assert upstream.times == []
            head.resize(1)

    run(both())
    assert len(upstream.times) == 20
    assert upstream.peak == 1
