"""Polling: the same things are asked for again and again, each in its turn.

A thing that waits is one record in a heap, with no task of its own: there may be as many as rows.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from bulkagent.clock import Clock
from bulkagent.engine.retry.timers import Timer

T = TypeVar("T")

_AT_ONCE = 4
"""So many are asked for at once: it is done at the side of everything else."""

_EXPIRED_AT_ONCE = 100
"""So many expire in one turn of the loop."""


class PollPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """For how long things are polled, and how gently."""

    window_s: float
    """Seconds from the beginning, above 0."""
    every_s: float = 30.0
    """Seconds between two questions for the same one, half as many to half as many again."""
    per_second: float = 50.0
    """Questions for all a second, above 0."""


class Poller(Generic[T]):
    """Things that are polled until they are done or their time is over.

    Args:
        policy: For how long, and how gently; None: nothing is polled.
        clock: Time.
        random: Numbers from 0 up to 1.
        poll: Has one asked for, which comes back by `add` or does not: `done`.
        expired: This one is not polled any more.
    """

    __slots__ = (
        "_asked",
        "_clock",
        "_closed",
        "_heap",
        "_next",
        "_number",
        "_on_expired",
        "_on_poll",
        "_policy",
        "_random",
        "_timer",
        "_until",
    )

    def __init__(
        self,
        policy: PollPolicy | None,
        clock: Clock,
        random: Callable[[], float],
        *,
        poll: Callable[[T], None],
        expired: Callable[[T], None],
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._random = random
        self._on_poll = poll
        self._on_expired = expired
        self._heap: list[tuple[float, int, T]] = []
        self._number = itertools.count()
        self._timer = Timer(clock, self._poll_due)
        self._closed = policy is None
        self._until = math.inf
        self._next = -math.inf
        self._asked = 0

    def __len__(self) -> int:
        return len(self._heap) + self._asked

    @property
    def open(self) -> bool:
        """Whether anything is polled at this moment."""
        return not self._closed and self._clock.monotonic() < self._until

    async def run(self) -> None:
        """Poll, for as long as this is not cancelled."""
        if self._policy is None:
            return
        self._until = self._clock.monotonic() + self._policy.window_s
        self._timer.set(self._until)
        try:
            await self._timer.run()
        finally:
            # What stands is told, however it came to its end.
            while self._heap:
                self._expire()

    def add(self, one: T, *, again: bool = False, soon: bool = False) -> None:
        """Poll one.

        Args:
            one: Which.
            again: Whether it was asked for, and is back.
            soon: Whether to ask as soon as the pace allows, and not after a while.
        """
        self._asked -= again
        every_s = self._policy.every_s if self._policy and not soon else 0.0
        at = self._clock.monotonic() + every_s * (0.5 + self._random())
        heapq.heappush(self._heap, (at, next(self._number), one))
        self._wake()

    def done(self) -> None:
        """One that was asked for does not come back."""
        self._asked -= 1
        self._wake()

    def close(self) -> None:
        """Poll nothing any more."""
        self._closed = True
        self._timer.set(-math.inf)

    def _wake(self) -> None:
        if not self.open:
            self._timer.set(-math.inf)
        elif self._heap and self._asked < _AT_ONCE:
            self._timer.set(max(self._heap[0][0], self._next))

    def _poll_due(self) -> None:
        if not self.open:
            for _ in range(min(_EXPIRED_AT_ONCE, len(self._heap))):
                self._expire()
            if self._heap:
                self._timer.set(-math.inf)
            return
        now = self._clock.monotonic()
        due = self._heap and now >= max(self._heap[0][0], self._next)
        if due and self._policy is not None and self._asked < _AT_ONCE:
            _, _, one = heapq.heappop(self._heap)
            self._asked += 1
            self._next = now + 1.0 / self._policy.per_second
            self._on_poll(one)
        self._timer.set(self._until)
        self._wake()

    def _expire(self) -> None:
        _, _, one = heapq.heappop(self._heap)
        self._on_expired(one)
