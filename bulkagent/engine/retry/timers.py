"""A timer that can be set to an earlier time, and a wake-up for all who wait."""

from __future__ import annotations

import math
from collections.abc import Callable

import anyio

from bulkagent.clock import Clock


class Timer:
    """Calls somebody at the earliest time that it was set to; then it has to be set again.

    Args:
        clock: Time.
        call: What is called, within `run`.
    """

    __slots__ = ("_at", "_call", "_clock", "_sleep")

    def __init__(self, clock: Clock, call: Callable[[], None]) -> None:
        self._clock = clock
        self._call = call
        self._at = math.inf
        self._sleep: anyio.CancelScope | None = None

    def set(self, at: float) -> None:
        """Call at this time of the clock, unless it is to call earlier; infinity: as before."""
        if at < self._at:
            self._at = at
            if self._sleep is not None:
                self._sleep.cancel()

    async def run(self) -> None:
        """Call when it is time, for as long as this is not cancelled."""
        while True:
            with anyio.CancelScope() as self._sleep:
                if self._at == math.inf:
                    await anyio.Event().wait()
                await self._clock.sleep(max(0.0, self._at - self._clock.monotonic()))
            self._sleep = None
            if self._clock.monotonic() >= self._at:
                self._at = math.inf
                self._call()


class Wakeup:
    """Wakes all who wait; each of them looks again for what it waits for."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None  # there is one only while somebody waits

    def notify_all(self) -> None:
        """Wake everybody who waits at this moment."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Wait for the next ring."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()
