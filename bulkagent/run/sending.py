"""The sending of one leg: engine, journal and clients, put together and taken apart again.

What may live here: who is given what while requests are sent. What this room must not know: how
a leg came to be planned, and what is done after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack

import anyio.to_thread

from bulkagent.clock import Clock
from bulkagent.engine import Engine
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.guids import PackedGuids
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT
from bulkagent.ledger import (
    Counters,
    Database,
    Journal,
    Lane,
    keep_attempts,
    lanes_set_before,
    planned_rows,
)
from bulkagent.outcome import Assignment, Attempt, Cause, Outcome
from bulkagent.run.bulkheads import Bulkheads, explained, halt_rules
from bulkagent.run.events import EventLog
from bulkagent.run.gateways import Gateways
from bulkagent.run.planning import Planned
from bulkagent.run.request import Request

__all__ = ["Sending"]


class Sending:
    """Sends what one leg has to send.

    Args:
        request: Settings and scenario.
        gateways: Where to.
        planned: What.
        database: The ledger.
        only: Only what ended with one of these causes; none: whatever the cause.
        clock: Time.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
        log: Told of every attempt and decision.
    """

    def __init__(
        self,
        request: Request,
        gateways: Gateways,
        planned: Planned,
        database: Database,
        *,
        only: Collection[Cause],
        clock: Clock,
        uniform: Callable[[], float],
        settled: Callable[[Outcome], None] | None,
        log: EventLog,
    ) -> None:
        self._settings = request.settings
        self._gateways = gateways
        self._planned = planned
        self._database = database
        self._only = only
        self._clock = clock
        self._settled = settled
        self._log = log
        self._journal: Journal | None = None
        self._engine: Engine[Assignment, Attempt] | None = None
        self._bulkheads = Bulkheads(
            request.settings, planned.answered, clock=clock, uniform=uniform, log=log
        )
        self._before: Counters | None = None
        self._began: float | None = None
        self._stopped = False
        self.once_more = 0
        """Agents who are sent once more."""

    async def run(self, leg: int) -> None:
        """Send until everything has an outcome, or it is stopped; at once where it was before.

        Args:
            leg: The leg's number.

        Raises:
            BaseExceptionGroup: Of what ended it before its time: the ledger's errors, defects.
        """
        planned = self._planned
        async with AsyncExitStack() as stack:
            guids = planned.guids
            if self._gateways.emulated:
                rows = planned_rows(self._database, planned.run)
                guids = await self._gateways.emulate(stack, planned.names, rows)
            await self._send(leg, planned.lanes, guids)
            if self._settings.resend_after_switchover and not (self._stopped or self.causes):
                await self._send_once_more(leg, guids)

    async def _send_once_more(self, leg: int, guids: PackedGuids) -> None:
        """Send those again who were set before their gateway switched over."""
        run = self._planned.run
        lanes = await anyio.to_thread.run_sync(lanes_set_before, self._database, run)
        if lanes and not self._stopped:
            self.once_more = sum(lane.assignments for lane in lanes)
            self._log.decided("run.once_more", agents=self.once_more)
            await anyio.to_thread.run_sync(keep_attempts, self._database, run)
            await self._send(leg, lanes, guids, once_more=True)

    async def _send(
        self, leg: int, lanes: Sequence[Lane], guids: PackedGuids, *, once_more: bool = False
    ) -> None:
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(
                Journal(
                    self._database,
                    self._planned.run,
                    leg=leg,
                    only=self._only,
                    once_more=once_more,
                    operation=SET_TALK_RIGHT.name,
                    lanes=[lane.lane for lane in lanes],
                    clock=self._clock,
                    synced=self._settings.durability == "full",
                    settled=self._settled,
                )
            )
            if self._journal is not None:
                self._before = self._journal.counters
            self._journal = journal
            bulkheads = [
                self._bulkheads.make(
                    name,
                    [lane for lane in lanes if lane.gateway == name],
                    await stack.enter_async_context(self._client(name, guids)),
                    journal,
                )
                for name in dict.fromkeys(lane.gateway for lane in lanes)
            ]
            self._engine = Engine(
                bulkheads,
                clock=self._clock,
                rules=halt_rules(self._settings),
                deadline_s=self._deadline_s(),
                grace_s=self._settings.grace_s,
            )
            if self._stopped:
                self._engine.stop()
            await self._engine.run()

    def _deadline_s(self) -> float | None:
        """What is left of the deadline."""
        if self._settings.deadline_s is None:
            return None
        now = self._clock.monotonic()
        if self._began is None:
            self._began = now
        return max(0.0, self._began + self._settings.deadline_s - now)

    def stop(self) -> None:
        """Admit nothing more; requests in flight finish within the grace."""
        self._stopped = True
        if self._engine is not None:
            self._engine.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well."""
        self._stopped = True
        if self._engine is not None:
            self._engine.cancel()

    @property
    def counters(self) -> Counters | None:
        """What is on disk of this leg; None before it began."""
        if self._journal is None:
            return None
        now = self._journal.counters
        return now if self._before is None else self._before.followed_by(now)

    @property
    def waiting(self) -> int:
        """Agents between two attempts."""
        return sum(head.parked for head in self._engine.bulkheads) if self._engine else 0

    @property
    def causes(self) -> frozenset[Cause]:
        """Why any gateway's part ended before its time."""
        if self._engine is None:
            return frozenset({Cause.INTERRUPTED} if self._stopped else ())
        return frozenset(end.cause for _, end in self._engine.endings)

    @property
    def not_attempted(self) -> dict[int, Cause]:
        """Lane -> why its last rows were not attempted."""
        return {
            lane: head.ended.cause
            for head in (self._engine.bulkheads if self._engine else ())
            if head.ended is not None
            for lane in head.lanes_left
        }

    @property
    def reason(self) -> str:
        """Why it ended before its time, and what to check, for people."""
        if self._engine is None:
            return ""
        return "; ".join(
            dict.fromkeys(
                explained(head, head.ended)
                for head in self._engine.bulkheads
                if head.ended is not None and head.ended.reason
            )
        )

    def _client(self, name: str, guids: PackedGuids) -> GatewayClient:
        return GatewayClient(
            self._gateways.endpoint(name),
            OPERATIONS[SET_TALK_RIGHT.name],
            guids,
            connect_timeout_s=self._settings.connect_timeout_s,
            timeout_s=self._settings.timeout_s,
            clock=self._clock,
        )
