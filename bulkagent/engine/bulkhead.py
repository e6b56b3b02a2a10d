"""One far side's share of the work: its workers, its slots, its rate, its parked retries.

What may live here: admission (slot, pace, take), the attempt, and what happens after it. What
this room must not know: other bulkheads, so that one's trouble is not another's.

A worker makes first attempts and due retries alike; only workers send, so everything that
holds sending back stands in one loop. A retryable end is parked in a task of its own, which
holds no slot: workers that slept out the backoff themselves would leave the slots idle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.abc
import msgspec

from bulkagent.clock import Clock
from bulkagent.engine.pacing import Pacer
from bulkagent.engine.parking import until_enough
from bulkagent.engine.retrying import Again, Decision, RetryPolicy, decide
from bulkagent.engine.source import Source
from bulkagent.outcome import Ended, Story

__all__ = ["Bulkhead", "Limits"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=Ended)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How hard one far side may be pushed."""

    concurrency: int = 16
    """Attempts in flight at once, at least 1."""
    per_second: float | None = 100.0
    """Attempts started a second, retries included; None: as fast as answers come."""
    max_parked: int = 1024
    """Items waiting for a retry at once; when as many wait, no new item is taken. At about
    10 KB each this bounds what a gateway that fails everything can make a run hold."""


class _Parked(Generic[ItemT, AttemptT]):
    """An item between two attempts."""

    __slots__ = ("answered", "in_flight", "item", "scope", "story")

    def __init__(self, item: ItemT, story: Story[AttemptT]) -> None:
        self.item = item
        self.story = story
        self.scope = anyio.CancelScope()
        self.in_flight = False
        self.answered = anyio.Event()


class _Bell:
    """Wakes every worker that waits for something to change."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None  # there is one only while somebody waits

    def ring(self) -> None:
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()


class Bulkhead(Generic[ItemT, AttemptT]):
    """The workers of one far side.

    Args:
        name: For people.
        lanes: Its lanes, in the order in which they are to be worked off.
        source: Where items come from.
        attempt: Makes one attempt of an item; must not raise but for a defect.
        limits: How hard it may be pushed.
        policy: When to try again.
        clock: Time.
        random: Numbers from 0 up to 1, for the jitter.
    """

    def __init__(
        self,
        name: str,
        lanes: Sequence[int],
        source: Source[ItemT, AttemptT],
        attempt: Callable[[ItemT], Awaitable[AttemptT]],
        *,
        limits: Limits,
        policy: RetryPolicy,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self.name = name
        self._lanes = deque(lanes)
        self._source = source
        self._attempt = attempt
        self._limits = limits
        self._policy = policy
        self._clock = clock
        self._random = random
        self._limiter = anyio.CapacityLimiter(limits.concurrency)
        self._pacer = Pacer(limits.per_second) if limits.per_second else None
        self._parked: set[_Parked[ItemT, AttemptT]] = set()
        self._due: deque[_Parked[ItemT, AttemptT]] = deque()
        self._bell = _Bell()
        self._turnstile = anyio.Lock()
        self._pacing: anyio.CancelScope | None = None
        self._stopped = False
        self._tasks: anyio.abc.TaskGroup | None = None

    def __repr__(self) -> str:
        return (
            f"<Bulkhead {self.name}: {self.in_flight} in flight of {self._limits.concurrency},"
            f" {self.parked} parked, {len(self._due)} due, {len(self._lanes)} lanes left"
            f"{', stopped' if self._stopped else ''}>"
        )

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._limiter.borrowed_tokens

    @property
    def parked(self) -> int:
        """Items between two attempts."""
        return len(self._parked)

    async def run(self) -> None:
        """Work off all lanes; return when every item taken has its story's end."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for _ in range(self._limits.concurrency):
                tasks.start_soon(self._work)

    def stop(self) -> None:
        """Admit nothing more. Attempts in flight finish; parked stories end as they stand."""
        self._stopped = True
        self._lanes.clear()
        self._due.clear()
        for parked in self._parked:
            if not parked.in_flight:
                parked.scope.cancel()
        if self._pacing is not None:
            self._pacing.cancel()
        self._bell.ring()

    async def _work(self) -> None:
        limiter = self._limiter
        # The slot is this worker's by name: asking for the current task costs more than the rest.
        worker = object()
        while True:
            try:
                limiter.acquire_on_behalf_of_nowait(worker)
            except anyio.WouldBlock:
                await limiter.acquire_on_behalf_of(worker)
            try:
                if not await self._step():
                    return
            finally:
                limiter.release_on_behalf_of(worker)

    async def _step(self) -> bool:
        """Make one attempt; False when there is none to make any more."""
        while True:
            if not self._ready():
                if not self._lanes and not self._parked:
                    self._bell.ring()
                    return False
                await self._bell.wait()
                continue
            parked, item = await self._admit()
            if parked is not None:
                await self._retry(parked)
                return True
            if item is not None:
                await self._first(item)
                return True

    async def _admit(self) -> tuple[_Parked[ItemT, AttemptT] | None, ItemT | None]:
        if self._pacer is None:
            return await self._take()
        # One at a time: each of many workers would book a start for the same last item, and
        # the run would end only when the last of them had waited for it in vain.
        async with self._turnstile:
            return await self._take() if await self._pace(self._pacer) else (None, None)

    async def _take(self) -> tuple[_Parked[ItemT, AttemptT] | None, ItemT | None]:
        """A due retry, else a lane's next item; neither where a lane has just run out."""
        if self._due:
            return self._due.popleft(), None
        lane = self._lanes[0]
        item = await self._source.take(lane)
        if item is None and self._lanes and self._lanes[0] == lane:
            self._lanes.popleft()
        return None, item

    def _ready(self) -> bool:
        """Whether there is anything to attempt: a due retry goes before a new item."""
        return bool(self._due) or (
            bool(self._lanes) and len(self._parked) < self._limits.max_parked
        )

    async def _pace(self, pacer: Pacer) -> bool:
        """Wait for this attempt's start; False if there is nothing left to start by then."""
        if not self._ready():
            return False
        delay_s = pacer.reserve(self._clock.monotonic())
        if delay_s > 0:
            with anyio.CancelScope() as self._pacing:
                await self._clock.sleep(delay_s)
        return self._ready()

    async def _first(self, item: ItemT) -> None:
        await self._source.mark(item, 1)
        ended = await self._attempt(item)
        story = Story.begin(ended)
        decision = decide(self._policy, story, self._random)
        if isinstance(decision, Again) and not self._stopped and self._tasks is not None:
            self._source.attempted(item, 1, ended)
            parked = _Parked(item, story)
            self._parked.add(parked)
            self._tasks.start_soon(self._park, parked, decision)
        else:
            self._source.settle(item, story)

    async def _retry(self, parked: _Parked[ItemT, AttemptT]) -> None:
        parked.in_flight = True
        await self._source.mark(parked.item, parked.story.attempts + 1)
        ended = await self._attempt(parked.item)
        parked.story = parked.story.then(ended)
        parked.in_flight = False
        if self._stopped:
            parked.scope.cancel()
        parked.answered.set()

    async def _park(self, parked: _Parked[ItemT, AttemptT], first: Decision) -> None:
        async def again() -> Story[AttemptT]:
            parked.answered = anyio.Event()
            self._due.append(parked)
            self._bell.ring()
            await parked.answered.wait()
            return parked.story

        def judge(story: Story[AttemptT]) -> Decision:
            decision = decide(self._policy, story, self._random)
            if isinstance(decision, Again):
                self._source.attempted(parked.item, story.attempts, story.last)
            return decision

        try:
            with parked.scope:
                await until_enough(
                    parked.story, first, again=again, decide=judge, sleep=self._clock.sleep
                )
            self._source.settle(parked.item, parked.story)
        finally:
            self._parked.discard(parked)
            self._bell.ring()
