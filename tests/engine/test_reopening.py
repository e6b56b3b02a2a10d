"""Items that had ended and come again, because their ends cannot be relied on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import Bulkhead, Engine, Limits, Reopened, RetryPolicy
from bulkagent.errors import LedgerFailed
from bulkagent.model import Cause, Status
from tests.dispositions import DONE, REFUSED
from tests.engine.lists import ListSource, words
from tests.engine.upstream import CARELESS, ScriptedUpstream
from tests.jumping import JumpingClock, run


class Reopening(ListSource):
    """A list from which some come again."""

    def __init__(self, count: int) -> None:
        super().__init__(words(count))
        self.head: Bulkhead[str, Attempt] | None = None

    async def reopen(self, again: Iterable[str]) -> None:
        """Record it, which takes a while, and have them attempted once more."""
        await asyncio.sleep(0.005)
        assert self.head is not None
        reopened = []
        for word in again:
            before = self.histories.pop(word)
            applied = before.last.disposition.status is Status.APPLIED
            self.lanes[0].append(word)
            reopened.append(Reopened(0, applied=applied, aside=False))
        self.head.reopen(reopened)


def head_of(
    source: Reopening,
    upstream: ScriptedUpstream,
    before_end: Callable[[], Awaitable[None]] | None = None,
) -> Bulkhead[str, Attempt]:
    source.head = Bulkhead(
        "words",
        (0,),
        source,
        lambda word, _overdue: upstream.attempt(word),
        limits=Limits(concurrency=2),
        policy=RetryPolicy(),
        clock=JumpingClock(),
        random=lambda: 1.0,
        throttle_policy=CARELESS,
        rows=len(source.lanes[0]),
        before_end=before_end,
    )
    return source.head


@pytest.mark.parametrize("after", [3, 9, 10])
def test_they_are_attempted_again_and_counted_once(after: int) -> None:
    """In the midst of others, at the very end, and when all workers are at home."""
    upstream = ScriptedUpstream(script={f"word{number}": [REFUSED] for number in range(3)})
    source = Reopening(10)
    found: list[str] = []

    async def main() -> Engine[str, Attempt]:
        async def before_end() -> None:
            await asyncio.sleep(1.0)
            if after == 10 and not found:
                find()

        def find() -> None:
            found.extend(words(3))
            head.expect(source.reopen(words(3)))

        head = head_of(source, upstream, before_end)
        engine = Engine([head], clock=JumpingClock())
        settle = source.settle

        def settled(item: str, history: object) -> None:
            settle(item, history)  # type: ignore[arg-type]
            if len(source.histories) == after and not found:
                find()

        source.settle = settled  # type: ignore[method-assign]
        await engine.run()
        return engine

    engine = run(main())
    assert [word for _, word in upstream.starts].count("word0") == 2
    assert len(upstream.starts) == 13
    assert all(history.last.disposition is DONE for history in source.histories.values())
    for tally in (engine.tally, engine.bulkheads[0].tally):
        assert (tally.finished, tally.applied, tally.bad) == (10, 10, 0)
    assert engine.endings == ()


def test_after_a_stop_they_are_left() -> None:
    source = Reopening(10)

    async def main() -> Engine[str, Attempt]:
        async def before_end() -> None:
            head.expect(source.reopen(["word0"]))

        head = head_of(source, ScriptedUpstream(), before_end)
        engine = Engine([head], clock=JumpingClock())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(engine.run())
            await asyncio.sleep(0.015)
            engine.stop(Cause.INTERRUPTED)
        return engine

    engine = run(main())
    assert "word0" in source.lanes[0]
    assert engine.tally.finished == len(source.histories)


def test_a_record_that_cannot_be_made_ends_the_run_and_does_not_hang() -> None:
    source = Reopening(2)

    async def main() -> None:
        async def fail() -> None:
            await asyncio.sleep(0.001)
            raise LedgerFailed("no room")

        async def before_end() -> None:
            head.expect(fail())

        head = head_of(source, ScriptedUpstream(), before_end)
        await Engine([head], clock=JumpingClock()).run()

    with pytest.raises(BaseExceptionGroup) as failed:
        run(main())
    assert failed.group_contains(LedgerFailed)
