"""The workers of one bulkhead: as many as the limit keeps busy, each in one loop.

A worker makes first attempts and due retries alike; only workers send, so everything that holds
sending back stands in this one loop. A worker without work holds no slot, so that a bulkhead that
is paused cannot send by one. It keeps its slot and its item for as long as the upstream may be at
work on what it sent.
"""

from __future__ import annotations

import math
from typing import Generic, TypeVar

import anyio
import anyio.abc

from bulkagent.attempt import AttemptResult
from bulkagent.engine.attempts import Attempts, Parts
from bulkagent.engine.scheduler import Start

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Workers(Generic[ItemT, AttemptT]):
    """The workers of one bulkhead.

    Args:
        parts: What the bulkhead works with.
        attempts: Makes the attempts.
        most: The most attempts that may ever be in flight at once.
        rows: How many items there are in all; 0 where nobody knows.
    """

    def __init__(
        self,
        parts: Parts[ItemT, AttemptT],
        attempts: Attempts[ItemT, AttemptT],
        *,
        most: int,
        rows: int,
    ) -> None:
        self.cap = most
        """How many attempts may be in flight at once, whatever the throttle would allow."""
        self._until = math.inf
        self._expired = False
        self._late = 0  # marked, and not begun before the limit's time was past
        # More would only be woken for nothing; one more than there are items, to hear that soon.
        self._employable = min(most, rows + 1) if rows else most
        self._number = 0
        self._tasks: anyio.abc.TaskGroup | None = None
        self._attempts = attempts
        self._clock, self._source = parts.clock, parts.source
        self._throttle, self._slots = parts.throttle, parts.slots
        self._scheduler, self._wakeup = parts.scheduler, parts.wakeup
        self._regulate, self._wake_all = parts.regulate, parts.wake_all

    async def run(self) -> None:
        """Work until there is nothing left to do."""
        async with anyio.create_task_group() as self._tasks:
            self._attempts.tasks = self._tasks
            self.employ()
        self._tasks = None

    def employ(self) -> None:
        """Have as many workers as the limit may keep busy.

        A worker that waits for a slot is given it in turn, so with more of them than slots every
        attempt would wait for another worker to wake up.
        """
        while self._tasks is not None and self._number < min(self._employable, self._wanted):
            self._number += 1
            self._tasks.start_soon(self._work)

    @property
    def _wanted(self) -> int:
        """How many workers there should be: at least one, to hear of the end of a pause."""
        return max(1, min(self.cap, self._throttle.limit))

    def resize(self, tokens: int, until: float = math.inf) -> None:
        """As of `Bulkhead`."""
        self._until = until
        self._expired = False
        if tokens != self.cap:
            self.cap = tokens
            self._regulate()
        if self._late:
            self._wakeup.notify_all()

    async def _work(self) -> None:
        limiter = self._slots.limiter
        # The slot is this worker's by name: asking for the current task costs more than the rest.
        worker = object()
        while not self._scheduler.over and self._number <= self._wanted:
            if not self._scheduler.ready():
                await self._wakeup.wait()
                continue
            try:
                limiter.acquire_on_behalf_of_nowait(worker)
                startable = self._is_in_time()
            except anyio.WouldBlock:
                await limiter.acquire_on_behalf_of(worker)
                startable = self._startable()  # it was so before the wait
            try:
                if startable:
                    await self._step()
            finally:
                limiter.release_on_behalf_of(worker)
                if self._late:
                    self._wakeup.notify_all()
        self._number -= 1

    def _startable(self) -> bool:
        """Whether a worker that holds a slot may use it, or gives it back after a `resize`."""
        return not self._slots.overdrawn and self._scheduler.ready() and self._is_in_time()

    def _is_in_time(self) -> bool:
        if self._until == math.inf or self._clock.monotonic() <= self._until:
            return True
        self.resize(0)
        self._expired = True
        return False

    async def _step(self) -> None:
        """Make one attempt, if there still is one to make."""
        start = await self._admit()
        if start is None:
            # A lane has just run out; or a probe was sent meanwhile, so that slots are too many.
            self._regulate()
            if self._scheduler.over:
                self._wake_all()
        elif start.pending is not None:
            if await self._mark(start.item, start.pending.history.attempts + 1):
                await self._attempts.retry(start.pending, start.generation)
            else:
                self._attempts.retry_taken_away(start.pending, start.generation)
        elif await self._mark(start.item, 1):
            await self._attempts.first(start.item, start.lane, start.generation)
        else:
            self._attempts.first_taken_away(start.lane, start.generation)

    async def _admit(self) -> Start[ItemT, AttemptT] | None:
        rate_queue = self._slots.rate_queue
        if rate_queue is None:
            return await self._scheduler.take()
        async with rate_queue.lock:
            if self._startable():
                await rate_queue.pace()
            return await self._scheduler.take() if self._startable() else None

    async def _mark(self, item: ItemT, attempt: int) -> bool:
        """Have an attempt marked; whether it may be made, which it may by now.

        A mark may wait for so long that the limit's time is past. It cannot be taken back, for
        nobody knows after a kill that nothing was sent: so its attempt waits for the next limit.
        """
        if not await self._source.mark(item, attempt):
            return False
        if not self._is_in_time() or self._expired:
            limiter = self._slots.limiter
            self._late += 1
            try:
                while limiter.borrowed_tokens - self._late >= min(self.cap, limiter.total_tokens):
                    await self._wakeup.wait()
            finally:
                self._late -= 1
        return True
