"""One far side's share of the work: its workers, its slots, its rate, its parked retries.

What may live here: the order of slot, pace, take and attempt, and what happens after it. What
this room must not know: other bulkheads, so that one's trouble is not another's.

A worker makes first attempts and due retries alike; only workers send, so everything that
holds sending back stands in one loop. A retryable end is parked in a task of its own, which
holds no slot: workers that slept out the backoff themselves would leave the slots idle. A
worker without work holds none either, so that a bulkhead that is paused cannot send by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.abc

from bulkagent.clock import Clock
from bulkagent.engine.admission import Admission, Limits
from bulkagent.engine.bell import Bell
from bulkagent.engine.parking import Parked, until_enough
from bulkagent.engine.retrying import Again, Decision, Enough, RetryPolicy, decide
from bulkagent.engine.ruling import End, HaltFirst, Tally
from bulkagent.engine.source import Source
from bulkagent.outcome import Cause, Ended, Story

__all__ = ["Bulkhead"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=Ended)


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
        rows: How many items its lanes have in all; 0 where nobody knows.
        halt_first: How many first items are enough to end it, where all of them say that
            something is set up wrongly (`HaltFirst`); 0: never.
        observe: Called on the loop once for every attempt that ended, when it is decided what
            follows: the item, the attempt's number in this run of the engine (1, 2, ...), how
            it ended, the decision. An attempt that would be followed by another but for the
            stop is shown as `Enough`. What it raises ends the run as a defect.
        ending: Called once, at the moment from which on nothing more is admitted.
    """

    _tasks: anyio.abc.TaskGroup

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
        rows: int = 0,
        halt_first: int = 0,
        observe: Callable[[ItemT, int, AttemptT, Decision], None] | None = None,
        ending: Callable[[End], None] | None = None,
    ) -> None:
        self.name = name
        self.tally = Tally(rows)
        self._lanes = deque(lanes)
        self._source = source
        self._attempt = attempt
        self._concurrency = limits.concurrency
        self._max_parked = limits.max_parked
        self._policy = policy
        self._clock = clock
        self._random = random
        self._halt_first = HaltFirst(halt_first)
        self._observe = observe
        self._ending = ending
        self._settled: Callable[[Story[AttemptT]], None] | None = None
        self._admission = Admission(limits, clock)
        self._parked: set[Parked[ItemT, AttemptT]] = set()
        self._due: deque[Parked[ItemT, AttemptT]] = deque()
        self._bell = Bell()
        self._open = 0  # items asked for or taken whose stories have not ended
        self._end: End | None = None
        self._lanes_left: list[int] = []
        self._cut_short = False

    def __repr__(self) -> str:
        return (
            f"<Bulkhead {self.name}: {self.in_flight} in flight of"
            f" {self._admission.slots.total_tokens}, {self.parked} parked, {len(self._due)} due,"
            f" {len(self._lanes)} lanes left"
            f"{f', stopped: {self._end.cause}' if self._end else ''}>"
        )

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._admission.slots.borrowed_tokens

    @property
    def parked(self) -> int:
        """Items between two attempts."""
        return len(self._parked)

    @property
    def lanes_left(self) -> tuple[int, ...]:
        """Lanes that the end closed before the source had said that they have no more."""
        return tuple(self._lanes_left)

    @property
    def ended(self) -> End | None:
        """Why it ended before its time; None where it came to its own end.

        A stop that came too late to change anything is no end: it is one if lanes were left, or
        a story was cut short, or an attempt in flight was. A halt always is, because what it
        says of the items that were sent is true however few were left. Final once `run` returned.
        """
        end = self._end
        if end is None or end.cause is Cause.HALTED or self._lanes_left or self._cut_short:
            return end
        return end if self._open else None

    async def run(self, settled: Callable[[Story[AttemptT]], None] | None = None) -> None:
        """Work off all lanes; return when every item taken has its story's end.

        Args:
            settled: Called with every story that ended, once it is counted here.
        """
        self._settled = settled
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            for _ in range(self._concurrency):
                tasks.start_soon(self._work)

    def resize(self, tokens: int) -> None:
        """Let as many attempts be in flight at once, from 0 (a pause) to `concurrency`.

        Those in flight finish; further ones start when there are fewer. A pause lasts until it
        is ended or everything is stopped; it holds back nobody who has nothing left to do.
        """
        self._admission.resize(tokens)

    def stop(self, end: End) -> None:
        """Admit nothing more, for good; the first end that it is given stays.

        Attempts in flight finish, however long they take: the grace is the engine's. Parked
        stories end as they stand.
        """
        if self._end is not None:
            return
        self._end = end
        self._lanes_left.extend(self._lanes)
        self._lanes.clear()
        self._due.clear()
        for parked in self._parked:
            if not parked.in_flight:
                parked.scope.cancel()
        self._dismiss()
        if self._ending is not None:
            self._ending(end)

    def _dismiss(self) -> None:
        """Wake all workers, wherever they wait: there is nothing left to hold back."""
        self._admission.open()
        self._bell.ring()

    async def _work(self) -> None:
        slots = self._admission.slots
        # The slot is this worker's by name: asking for the current task costs more than the rest.
        worker = object()
        while self._lanes or self._open:
            if not self._ready():
                await self._bell.wait()
                continue
            startable = True
            try:
                slots.acquire_on_behalf_of_nowait(worker)
            except anyio.WouldBlock:
                await slots.acquire_on_behalf_of(worker)
                startable = self._startable()  # it was so before the wait
            try:
                if startable:
                    await self._step()
            finally:
                slots.release_on_behalf_of(worker)

    async def _step(self) -> None:
        """Make one attempt, if there still is one to make."""
        parked, item = await self._admit()
        if parked is not None:
            await self._retry(parked)
        elif item is not None:
            await self._first(item)

    async def _admit(self) -> tuple[Parked[ItemT, AttemptT] | None, ItemT | None]:
        turnstile = self._admission.turnstile
        if turnstile is None:
            return await self._take()
        async with turnstile.lock:
            if self._startable():
                await turnstile.pace()
            return await self._take() if self._startable() else (None, None)

    async def _take(self) -> tuple[Parked[ItemT, AttemptT] | None, ItemT | None]:
        """A due retry, else a lane's next item; neither where a lane has just run out."""
        if self._due:
            parked = self._due.popleft()
            parked.in_flight = True
            return parked, None
        lane = self._lanes[0]
        self._open += 1
        item = await self._source.take(lane)
        if item is None:
            self._close_lane(lane)
        return None, item

    def _close_lane(self, lane: int) -> None:
        self._open -= 1
        # Several may have asked at once, or the end may have closed it meanwhile.
        for lanes in (self._lanes, self._lanes_left):
            if lane in lanes:
                lanes.remove(lane)
        if not self._lanes and not self._open:
            self._dismiss()

    def _ready(self) -> bool:
        """Whether there is anything to attempt: a due retry goes before a new item."""
        return bool(self._due) or (bool(self._lanes) and len(self._parked) < self._max_parked)

    def _startable(self) -> bool:
        """Whether a worker that holds a slot may use it, or gives it back after a `resize`."""
        return not self._admission.overdrawn and self._ready()

    async def _first(self, item: ItemT) -> None:
        await self._source.mark(item, 1)
        story = Story.begin(await self._attempt(item))
        decision = self._judge(item, story)
        if isinstance(decision, Again):
            parked = Parked(item, story, decision)
            self._parked.add(parked)
            self._tasks.start_soon(self._park, parked)
        else:
            self._settle(item, story)

    async def _retry(self, parked: Parked[ItemT, AttemptT]) -> None:
        await self._source.mark(parked.item, parked.story.attempts + 1)
        parked.story = parked.story.then(await self._attempt(parked.item))
        parked.decision = self._judge(parked.item, parked.story)
        parked.in_flight = False
        parked.answered.set()

    def _judge(self, item: ItemT, story: Story[AttemptT]) -> Decision:
        decision = decide(self._policy, story, self._random)
        if self._end is not None and isinstance(decision, Again):
            self._cut_short = True
            decision = Enough(f"stopped: {self._end.cause}")
        if self._observe is not None:
            self._observe(item, story.attempts, story.last, decision)
        if isinstance(decision, Again):
            self._source.attempted(item, story.attempts, story.last)
        return decision

    async def _park(self, parked: Parked[ItemT, AttemptT]) -> None:
        def due() -> None:
            if self._end is None:  # else its cancellation is under way
                self._due.append(parked)
                self._bell.ring()

        try:
            with parked.scope:
                await until_enough(parked, due=due, sleep=self._clock.sleep)
        finally:
            self._parked.discard(parked)
            # However it came to its end, what stands is told; what is in flight does not stand.
            if not parked.in_flight:
                if isinstance(parked.decision, Again):
                    self._cut_short = True
                self._settle(parked.item, parked.story)
            self._bell.ring()

    def _settle(self, item: ItemT, story: Story[AttemptT]) -> None:
        self._source.settle(item, story)
        self._open -= 1
        self.tally.count(story)
        if self._end is None:
            ruling = self._halt_first.ask(self.tally, self.name)
            if isinstance(ruling, End):
                self.stop(ruling)
        if self._settled is not None:
            self._settled(story)
        if not self._lanes and not self._open:
            self._dismiss()
