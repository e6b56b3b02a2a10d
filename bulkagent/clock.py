"""Time, as everything else asks for it: one record of four questions, injected everywhere.

Tests put a clock here that jumps.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The time, as an object that a test can replace."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never steps. For durations."""

    def wall_ms(self) -> int:
        """Time of day in milliseconds since the Unix epoch, UTC. For records."""

    def busy_s(self) -> float:
        """Seconds for which the calling thread has computed so far. For how busy a loop is."""

    async def sleep(self, seconds: float) -> None:
        """Wait that long; a cancelled wait ends at once."""


class SystemClock:
    """The clock of this machine."""

    def __init__(self) -> None:
        self.monotonic = time.perf_counter
        self.busy_s = time.thread_time

    def wall_ms(self) -> int:
        """The machine's time of day."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        # Not at the top: what asks for the time of day alone needs no loop.
        from asyncio import sleep

        await sleep(seconds)
