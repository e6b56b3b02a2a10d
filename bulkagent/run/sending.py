"""The sending of one leg: engine, journal and clients, put together and taken apart again.

What may live here: who is given what while requests are sent. What this room must not know: how
a leg came to be planned, and what is done after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio.to_thread

from bulkagent.clock import Clock
from bulkagent.engine import Engine
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT
from bulkagent.ledger import (
    Counters,
    Database,
    Journal,
    Lane,
    endpoints_of,
    planned_rows,
    put_in_doubt,
)
from bulkagent.outcome import Assignment, Attempt, Cause, Outcome
from bulkagent.run.bulkheads import Bulkheads, GatewayBulkhead, explained, halt_rules
from bulkagent.run.credentials import Supply
from bulkagent.run.events import EventLog
from bulkagent.run.gateways import Gateways
from bulkagent.run.planning import Planned
from bulkagent.run.request import Request

if TYPE_CHECKING:
    from bulkagent.gateway.client import GatewayClient

__all__ = ["Sending"]


class Sending:
    """Sends what one leg has to send.

    Args:
        request: Settings and scenario.
        gateways: Where to.
        planned: What.
        database: The ledger.
        supply: Where GUIDs come from; None: from the roster, by way of the plan.
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
        supply: Supply | None = None,
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
        self._supply = supply
        self._only = only
        self._clock = clock
        self._settled = settled
        self._log = log
        self._journal: Journal | None = None
        self._engines: list[Engine[Assignment, Attempt]] = []
        self._bulkheads = Bulkheads(
            request.settings, planned.answered, clock=clock, uniform=uniform, log=log
        )
        self._before: Counters | None = None
        self._began: float | None = None
        self._stopped = False
        self.once_more = 0
        """Agents who were put in doubt, to be sent once more."""

    async def run(self, leg: int) -> None:
        """Send until everything has an outcome, or it is stopped; at once where it was before.

        Args:
            leg: The leg's number.

        Raises:
            BaseExceptionGroup: Of what ended it before its time: the ledger's errors, defects.
        """
        planned = self._planned
        async with AsyncExitStack() as stack:
            guids: CredentialSource = planned.guids
            if self._supply is not None:
                guids = await self._supply.enter(stack)
            if self._gateways.emulated:
                rows = planned_rows(self._database, planned.run)
                names = [at.gateway for at in endpoints_of(self._database, planned.run)]
                guids = await self._gateways.emulate(stack, names, rows)
            await self._send(leg, planned.lanes, guids)
            if self._settings.resend_after_switchover and planned.resends:
                await self._send_once_more(leg, guids)

    async def _send_once_more(self, leg: int, guids: CredentialSource) -> None:
        """Send those again who were set before their gateway switched over.

        They are in doubt from here on, also where nothing more may be sent.
        """
        lanes = await anyio.to_thread.run_sync(put_in_doubt, self._database, self._planned.run)
        if not lanes:
            return
        self.once_more = sum(lane.assignments for lane in lanes)
        self._log.decided("run.once_more", agents=self.once_more)
        if self.causes - {Cause.BREAKER_OPEN}:
            return
        down = {name for engine in self._engines for name, _ in engine.endings}
        if left := [lane for lane in lanes if lane.gateway not in down]:
            await self._send(leg, left, guids)

    async def _send(self, leg: int, lanes: Sequence[Lane], guids: CredentialSource) -> None:
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(
                Journal(
                    self._database,
                    self._planned.run,
                    leg=leg,
                    only=self._only,
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
            earlier = {head.name: head for engine in self._engines for head in engine.bulkheads}
            bulkheads = [
                self._bulkheads.make(
                    name,
                    [lane for lane in lanes if lane.gateway == name],
                    await stack.enter_async_context(self._client(name, guids)),
                    journal,
                    earlier=earlier.get(name),
                )
                for name in dict.fromkeys(lane.gateway for lane in lanes)
            ]
            engine = Engine(
                bulkheads,
                clock=self._clock,
                rules=halt_rules(self._settings),
                deadline_s=self._deadline_s(),
                deadline_said_s=self._settings.deadline_s,
                grace_s=self._settings.grace_s,
            )
            self._engines.append(engine)
            if self._stopped:
                engine.stop()
            await engine.run()

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
        for engine in self._engines:
            engine.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well."""
        self._stopped = True
        for engine in self._engines:
            engine.cancel()

    @property
    def counters(self) -> Counters | None:
        """What is on disk of this leg; None before it began."""
        if self._journal is None:
            return None
        if not self.once_more:
            return self._journal.counters
        if self._before is None:
            return self._journal.counters.followed_by(Counters(), self.once_more)
        return self._before.followed_by(self._journal.counters, self.once_more)

    @property
    def waiting(self) -> int:
        """Agents between two attempts."""
        return sum(head.parked for head in self._heads)

    @property
    def causes(self) -> frozenset[Cause]:
        """Why any gateway's part ended before its time."""
        if not self._engines:
            return frozenset({Cause.INTERRUPTED} if self._stopped else ())
        return frozenset(end.cause for engine in self._engines for _, end in engine.endings)

    @property
    def not_attempted(self) -> dict[int, Cause]:
        """Lane -> why its last rows were not attempted."""
        return {
            lane: head.ended.cause
            for head in self._heads
            if head.ended is not None
            for lane in head.lanes_left
        }

    @property
    def reason(self) -> str:
        """Why it ended before its time, and what to check, for people."""
        return "; ".join(
            dict.fromkeys(
                explained(head, head.ended)
                for head in self._heads
                if head.ended is not None and head.ended.reason
            )
        )

    @property
    def _heads(self) -> list[GatewayBulkhead]:
        return [head for engine in self._engines for head in engine.bulkheads]

    def _client(self, name: str, guids: CredentialSource) -> GatewayClient:
        # It brings the HTTP library, which commands that send nothing need not wait for.
        from bulkagent.gateway.client import GatewayClient

        return GatewayClient(
            self._gateways.endpoint(name),
            OPERATIONS[SET_TALK_RIGHT.name],
            guids,
            connect_timeout_s=self._settings.connect_timeout_s,
            timeout_s=self._settings.timeout_s,
            clock=self._clock,
        )
