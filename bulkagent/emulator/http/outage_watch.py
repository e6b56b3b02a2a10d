"""The watch over outages: has the gateway gone and come back when its scenario says."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from bulkagent.emulator.faults.outages import DisruptionStatus
from bulkagent.emulator.handlers.emulation import Emulation
from bulkagent.emulator.http.availability import Availability, GoneReason


class OutageWatch:
    """Follows the outages of one emulation, also after it was restored.

    Args:
        emulation: says whether there is an outage, and until when.
        sleep: waits for a number of seconds.
        availability: goes and comes back.
    """

    def __init__(
        self,
        emulation: Emulation,
        sleep: Callable[[float], Awaitable[None]],
        availability: Availability,
    ) -> None:
        self._emulation = emulation
        self._sleep = sleep
        self._availability = availability
        self._gone = False
        self._seen = DisruptionStatus()
        self._waiting: asyncio.Task[None] | None = None

    def look(self) -> None:
        """A request arrived, which may have begun an outage."""
        if self._emulation.outage() != self._seen:
            self.look_afresh()

    def look_afresh(self) -> None:
        """The emulation was restored: look at its outages anew."""
        self._follow(self._emulation.outage())
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.create_task(self._keep_on())

    async def end(self) -> None:
        """Look no more."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting

    def _follow(self, status: DisruptionStatus) -> None:
        self._seen = status
        if status.under_way:
            self._gone = True
            self._availability.go(GoneReason.SCENARIO)

    async def _keep_on(self) -> None:
        while True:
            if self._gone and not self._seen.under_way:
                await self._availability.come_back(GoneReason.SCENARIO)
                self._gone = False
            until = self._seen.until
            if until is None:
                return
            await self._sleep(until - self._emulation.seconds())
            self._emulation.has_come(until)
            self._follow(self._emulation.outage())
