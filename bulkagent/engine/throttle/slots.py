"""Slots, and turns in the rate: an attempt needs one of each before it starts."""

from __future__ import annotations

import math

import anyio
import msgspec

from bulkagent.clock import Clock
from bulkagent.engine.throttle.adaptive_limit import Bounds
from bulkagent.engine.throttle.rate_limiter import RateLimiter


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How hard one upstream may be pushed."""

    concurrency: int = 16
    """Attempts in flight at once, at least 1."""
    adaptive: Bounds | None = None
    """Between what their number may move, which is then learned, whatever `concurrency` says;
    None: it stays."""
    per_second: float | None = 100.0
    """Attempts started a second, retries and probes included; None: as fast as answers come."""
    burst: int = 1
    """Attempts that may start at once under the rate after an idle time, at least 1."""
    max_pending: int = 1024
    """Items waiting for a retry at once; when as many wait, no new item is taken. At about
    10 KB each this bounds what a gateway that fails everything can make a run hold."""

    @property
    def most(self) -> int:
        """The most attempts that may ever be in flight at once."""
        return self.adaptive.high if self.adaptive else self.concurrency

    @property
    def first(self) -> int:
        """How many may be at the beginning."""
        return self.adaptive.start if self.adaptive else self.concurrency


class RateQueue:
    """The queue for the next start that a rate allows; the holder of its lock may wait for one.

    One at a time: each of many workers would book a start for the same last item, and the run
    would end only when the last of them had waited for it in vain.

    Args:
        per_second: Starts a second.
        burst: Starts at once.
        clock: Time.
    """

    __slots__ = ("_clock", "_leaving", "_pacing", "_rate", "lock")

    def __init__(self, per_second: float, burst: int, clock: Clock) -> None:
        self.lock = anyio.Lock()
        self._rate = RateLimiter(per_second, burst)
        # Of what was held up since its start; it is past the lock, and may not wait for it again.
        self._leaving = RateLimiter(per_second, burst)
        self._clock = clock
        self._pacing: anyio.CancelScope | None = None

    def change(self, per_second: float, burst: int) -> None:
        """Go by another rate from now on; a worker that waits for a start keeps that one."""
        for limiter in (self._rate, self._leaving):
            limiter.change(per_second, burst, self._clock.monotonic())

    async def pace(self) -> None:
        """Wait for the next start, or until all are let through."""
        delay_s = self._rate.reserve(self._clock.monotonic())
        if delay_s > 0:
            with anyio.CancelScope() as self._pacing:
                await self._clock.sleep(delay_s)
            self._pacing = None

    async def space_out(self) -> None:
        """Wait for a turn once more, with a request that was held up since it started."""
        delay_s = self._leaving.reserve(self._clock.monotonic())
        if delay_s > 0.0:
            await self._clock.sleep(delay_s)

    def follow(self, earlier: RateQueue) -> None:
        """Count what an earlier one has let through."""
        self._rate.follow(earlier._rate)
        self._leaving.follow(earlier._leaving)

    def open(self) -> None:
        """Let who waits through at once."""
        if self._pacing is not None:
            self._pacing.cancel()


class Slots:
    """The slots of one upstream, and the queue for its rate where it has one.

    Args:
        limits: How many slots, and how fast.
        clock: Time.
    """

    __slots__ = ("_clock", "_most", "limiter", "rate_queue")

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limiter = anyio.CapacityLimiter(limits.first)
        self.rate_queue = (
            RateQueue(limits.per_second, limits.burst, clock) if limits.per_second else None
        )
        self._most = limits.most
        self._clock = clock

    def follow(self, earlier: Slots) -> None:
        """Go on at the rate of earlier slots of the same upstream, whose starts count here."""
        if self.rate_queue is not None and earlier.rate_queue is not None:
            self.rate_queue.follow(earlier.rate_queue)

    @property
    def overdrawn(self) -> bool:
        """Whether more slots are in use than there are now, so that some must be given back."""
        return self.limiter.available_tokens < 0

    def resize(self, tokens: int) -> None:
        """Have this many slots, from 0 on; those in use stay in use."""
        if tokens != self.limiter.total_tokens:
            self.limiter.total_tokens = tokens

    def pace(self, per_second: float | None, burst: int) -> None:
        """Have another rate from now on; None: none."""
        if self.rate_queue is None:
            if per_second is None:
                return
            self.rate_queue = RateQueue(per_second, burst, self._clock)
        # Once there is one it stays, because some may wait in it.
        self.rate_queue.change(math.inf if per_second is None else per_second, burst)

    async def space_out(self) -> None:
        """Wait for a turn in the rate once more, with a request that was held up since it started.

        Of those that are held up together, each would go on at the same time. Starts keep the rate
        themselves, so nothing waits here that was not held up.
        """
        if self.rate_queue is not None:
            await self.rate_queue.space_out()

    def open(self) -> None:
        """Let all who wait through, at once: there is nothing left for them to start."""
        self.limiter.total_tokens = self._most
        if self.rate_queue is not None:
            self.rate_queue.open()
