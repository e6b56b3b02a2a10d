"""The sending of one leg: engine, journal and clients, put together and taken apart again.

What may live here: who is given what while requests are sent. What this room must not know: how
a leg came to be planned, and what is done after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack

from bulkagent.clock import Clock
from bulkagent.engine import (
    Bulkhead,
    Decision,
    End,
    Engine,
    HaltCount,
    HaltShare,
    Limits,
    RetryPolicy,
    Rule,
)
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.guids import PackedGuids
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT
from bulkagent.ledger import Counters, Database, Journal, planned_rows
from bulkagent.outcome import Assignment, Attempt, Cause, Outcome
from bulkagent.report import ADVICE
from bulkagent.run.events import EventLog
from bulkagent.run.gateways import Gateways
from bulkagent.run.planning import Planned
from bulkagent.run.request import Request
from bulkagent.settings import Settings

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
        self._uniform = uniform
        self._settled = settled
        self._log = log
        self._journal: Journal | None = None
        self._engine: Engine[Assignment, Attempt] | None = None
        self._stopped = False

    async def run(self, leg: int) -> None:
        """Send until everything has an outcome, or it is stopped; at once where it was before.

        Args:
            leg: The leg's number.

        Raises:
            BaseExceptionGroup: Of what ended it before its time: the ledger's errors, defects.
        """
        planned = self._planned
        names = list(dict.fromkeys(lane.gateway for lane in planned.lanes))
        async with AsyncExitStack() as stack:
            guids = planned.guids
            if self._gateways.emulated:
                rows = planned_rows(self._database, planned.run)
                guids = await self._gateways.emulate(stack, names, rows)
            journal = await stack.enter_async_context(
                Journal(
                    self._database,
                    planned.run,
                    leg=leg,
                    only=self._only,
                    operation=SET_TALK_RIGHT.name,
                    lanes=[lane.lane for lane in planned.lanes],
                    clock=self._clock,
                    synced=self._settings.durability == "full",
                    settled=self._settled,
                )
            )
            self._journal = journal
            bulkheads = [
                self._bulkhead(
                    name, await stack.enter_async_context(self._client(name, guids)), journal
                )
                for name in names
            ]
            self._engine = Engine(
                bulkheads,
                clock=self._clock,
                rules=_halt_rules(self._settings),
                deadline_s=self._settings.deadline_s,
                grace_s=self._settings.grace_s,
            )
            if self._stopped:
                self._engine.stop()
            await self._engine.run()

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
        return self._journal.counters if self._journal else None

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
                _explained(head, head.ended)
                for head in self._engine.bulkheads
                if head.ended is not None and head.ended.reason
            )
        )

    def _bulkhead(
        self, name: str, client: GatewayClient, journal: Journal
    ) -> Bulkhead[Assignment, Attempt]:
        settings, at = self._settings, self._settings.limits(name)
        lanes = [lane for lane in self._planned.lanes if lane.gateway == name]

        def observe(item: Assignment, attempt: int, ended: Attempt, decision: Decision) -> None:
            self._log.attempted(item, journal.number(item, attempt), ended, decision)

        def ending(end: End) -> None:
            self._log.decided(f"run.{end.cause}", gateway=name, reason=end.reason)
            if end.cause is Cause.HALTED:
                journal.halted(_explained(bulkhead, end))

        bulkhead: Bulkhead[Assignment, Attempt] = Bulkhead(
            name,
            [lane.lane for lane in lanes],
            journal,
            client.attempt,
            limits=Limits(concurrency=at.concurrency, per_second=at.per_second),
            policy=RetryPolicy(max_attempts=settings.max_attempts),
            clock=self._clock,
            random=self._uniform,
            rows=sum(lane.assignments for lane in lanes),
            halt_first=settings.halt_first,
            observe=observe if self._log.wanted else None,
            ending=ending,
        )
        return bulkhead

    def _client(self, name: str, guids: PackedGuids) -> GatewayClient:
        return GatewayClient(
            self._gateways.endpoint(name),
            OPERATIONS[SET_TALK_RIGHT.name],
            guids,
            connect_timeout_s=self._settings.connect_timeout_s,
            timeout_s=self._settings.timeout_s,
            clock=self._clock,
        )


def _explained(head: Bulkhead[Assignment, Attempt], end: End) -> str:
    verdict = head.tally.verdict
    if end.cause is not Cause.HALTED or verdict is None:
        return end.reason
    meaning, advice = ADVICE[verdict]
    return f"{end.reason}: {meaning}; {advice}"


def _halt_rules(settings: Settings) -> list[Rule]:
    rules: list[Rule] = []
    if settings.halt_share is not None:
        rules.append(HaltShare(settings.halt_share))
    if settings.halt_count is not None:
        rules.append(HaltCount(settings.halt_count))
    return rules
