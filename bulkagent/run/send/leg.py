"""The sending of one leg: engine, journal and clients, put together and taken apart again.

What may live here: who is given what while requests are sent. What this room must not know: how
a leg came to be planned, and what is done after it.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack

import anyio.to_thread

from bulkagent.attempt import Attempt
from bulkagent.clock import Clock
from bulkagent.engine import Engine
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.faults import WITHOUT_AN_ANSWER
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.ledger import (
    Callbacks,
    Counters,
    Database,
    Journal,
    Lane,
    RunRecord,
    endpoints_of,
    planned_rows,
    put_in_doubt,
    requests_at_work,
)
from bulkagent.model import Assignment, Cause, Outcome, Status
from bulkagent.reasons import Reason, told_once
from bulkagent.run.clients.credentials import CredentialProvider
from bulkagent.run.clients.factory import ClientFactory
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.handover.gates import HandoverGates
from bulkagent.run.handover.rules import lanes_of
from bulkagent.run.outputs.events import OutcomeEvents
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.plan.apply import Planned
from bulkagent.run.plan.request import Request
from bulkagent.run.send.bulkheads import Bulkheads, halt_rules
from bulkagent.run.send.listener import GatewayBulkhead, explained
from bulkagent.run.send.progress import (
    GatewayProgress,
    GroupProgress,
    gateway_progress,
    group_progress,
)
from bulkagent.run.sharing.shared_limits import Sharing
from bulkagent.run.verify.queue_checks import QueueObserver
from bulkagent.run.verify.verification import Verification

__all__ = ["LegSender"]


class LegSender:
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
        tell: Told what people should know of the order in which it is sent.
        log: Told of every attempt and decision.
        watches: The queues by which it is verified.
        events: Told of every outcome that is on disk.
    """

    def __init__(
        self,
        request: Request,
        gateways: Gateways,
        planned: Planned,
        database: Database,
        *,
        supply: CredentialProvider | None = None,
        only: Collection[Cause],
        clock: Clock,
        uniform: Callable[[], float],
        settled: Callable[[Outcome], None] | None,
        tell: Callable[[str], None],
        log: EventLog,
        watches: Sequence[QueueObserver] = (),
        events: OutcomeEvents | None = None,
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
        self._events = events
        self._journal: Journal | None = None
        self._engines: list[Engine[Assignment, Attempt]] = []
        self._bulkheads = Bulkheads(
            *(request.settings, planned.answered, planned.applied),
            emulated=gateways.emulated,
            clock=clock,
            uniform=uniform,
            log=log,
        )
        self._wire = ClientFactory(gateways, request.settings, clock)
        self._gated = HandoverGates(
            *(database, planned.run, request.settings),
            only=only,
            clock=clock,
            uniform=uniform,
            tell=tell,
            log=log,
            halted=self._halted,
        )
        self._before: Counters | None = None
        self._began: float | None = None
        self._stopped = False
        self._verification = (
            Verification(
                watches, request.settings, gateways, database, planned.run, clock=clock, log=log
            )
            if watches
            else None
        )
        self.looked_s = 0.0
        """For how long it was looked whether what is set is so, which is no sending."""
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
                rows = planned_rows(RunRecord(self._database, planned.run))
                names = [at.gateway for at in endpoints_of(RunRecord(self._database, planned.run))]
                guids = await self._gateways.emulate(stack, names, rows)
            if self._verification is not None and not self._stopped:
                await self._looked(self._verification.before(guids))
            await self._send(leg, planned.lanes, guids)
            if self._settings.resend_after_switchover and planned.resends:
                await self._send_once_more(leg, guids)
            counters = self.counters
            if self._verification is not None and counters and counters.by_status[Status.APPLIED]:
                await self._looked(self._verification.after(leg))

    async def _looked(self, look: Awaitable[None]) -> None:
        began = self._clock.monotonic()
        try:
            await look
        finally:
            self.looked_s += self._clock.monotonic() - began

    async def _send_once_more(self, leg: int, guids: CredentialSource) -> None:
        """Send those again who were set before their gateway switched over.

        They are in doubt from here on, also where nothing more may be sent.
        """
        lanes = await anyio.to_thread.run_sync(
            put_in_doubt, RunRecord(self._database, self._planned.run)
        )
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
        settings, planned = self._settings, self._planned
        await self._gated.open(lanes)
        gatekeeper = self._gated.keeper
        keys = lanes_of(lanes, gatekeeper)
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(
                Journal(
                    RunRecord(self._database, planned.run),
                    leg=leg,
                    applied=planned.applied,
                    only=self._only,
                    operation=SET_TALK_RIGHT.name,
                    lanes=[key for several in keys.values() for key in several],
                    clock=self._clock,
                    synced=settings.durability == "full",
                    callbacks=Callbacks(
                        settled=self._settled,
                        ended=self._ended if gatekeeper or self._events else None,
                        batched=gatekeeper.announce if gatekeeper else None,
                        reopened=self._gated.reopened,
                    ),
                )
            )
            if self._journal is not None:
                self._before = self._journal.counters
            self._journal = journal
            earlier = {head.name: head for engine in self._engines for head in engine.bulkheads}
            at_work = {} if earlier else await self._at_work()
            bulkheads = [
                self._bulkheads.make(
                    name,
                    [lane for lane in lanes if lane.gateway == name],
                    await stack.enter_async_context(
                        self._wire.setter(name, guids, singly=name in self._bulkheads.out_of_step)
                    ),
                    journal,
                    keys=keys[name],
                    gates=gatekeeper,
                    spent_s=self._spent_s(),
                    earlier=earlier.get(name),
                    at_work=at_work.get(name, ()),
                )
                for name in keys
            ]
            engine = Engine(
                bulkheads,
                clock=self._clock,
                rules=halt_rules(settings),
                deadline_s=self._deadline_s(),
                deadline_said_s=settings.deadline_s,
                grace_s=settings.grace_s,
            )
            self._engines.append(engine)
            if self._stopped:
                engine.stop()
            sharing = await stack.enter_async_context(self._sharing(bulkheads, journal))
            sightings = await self._gated.sight(
                *(stack, self._wire, keys, guids), spent_s=self._spent_s()
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(sharing.run)
                if sightings is not None:
                    tasks.start_soon(sightings.run)
                await engine.run()
                await journal.leave()
                tasks.cancel_scope.cancel()

    async def _at_work(self) -> Mapping[str, Sequence[int]]:
        """By gateway, until when each request counts as in flight that earlier legs left there."""
        if self._gateways.emulated:
            return {}  # what was at work there ended with its command
        return await anyio.to_thread.run_sync(
            functools.partial(
                requests_at_work,
                RunRecord(self._database, self._planned.run),
                without_answer=WITHOUT_AN_ANSWER,
                now_ms=self._clock.wall_ms(),
                timeout_s=self._settings.timeout_s,
            )
        )

    def _sharing(self, heads: Sequence[GatewayBulkhead], journal: Journal) -> Sharing:
        """What other commands on this ledger leave of the limits of these gateways."""
        at = endpoints_of(RunRecord(self._database, self._planned.run))
        urls = {} if self._gateways.emulated else {each.gateway: each.url for each in at}
        return Sharing(
            *(self._database, self._planned.run, self._planned.plan.run_id or ""),
            {urls[head.name]: self._bulkheads.sharer(head) for head in heads if urls},
            clock=self._clock,
            in_doubt=lambda: (
                journal.counters.unfinished > 0 or any(head.lingering for head in heads)
            ),
        )

    def _ended(self, key: int, item: Assignment, outcome: Outcome) -> None:
        if self._gated.keeper is not None:
            self._gated.ended(key, item, outcome)
        if self._events is not None:
            self._events.ended(item, outcome)

    def _halted(self, reasons: Sequence[Reason]) -> None:
        if self._journal is not None:
            self._journal.halted(told_once(reasons))

    def _spent_s(self) -> float:
        """Seconds since the leg began to send."""
        now = self._clock.monotonic()
        if self._began is None:
            self._began = now
        return now - self._began

    def _deadline_s(self) -> float | None:
        """What is left of the deadline."""
        if self._settings.deadline_s is None:
            return None
        return max(0.0, self._settings.deadline_s - self._spent_s())

    def stop(self) -> None:
        """Admit nothing more; requests in flight finish within the grace."""
        self._stopped = True
        for engine in self._engines:
            engine.stop()
        if self._verification is not None:
            self._verification.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well."""
        self._stopped = True
        for engine in self._engines:
            engine.cancel()
        if self._verification is not None:
            self._verification.cancel()

    @property
    def unseen(self) -> str:
        """What kept it from being verified, for people; "" where nothing did."""
        return self._verification.note if self._verification is not None else ""

    @property
    def shared(self) -> tuple[str, ...]:
        """What people should know of how limits were shared with other commands."""
        return self._bulkheads.shared()

    @property
    def out_of_step(self) -> str:
        """What was done because of replies that belonged to no request; "" where none came."""
        return "; ".join(
            f"{name} sent a reply that belonged to no request: what {len(rows):,}"
            f" {'agents' if len(rows) > 1 else 'agent'} got was put in doubt, and each connection"
            " has carried one request since"
            for name, rows in self._bulkheads.out_of_step.items()
        )

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
    def seen_up(self) -> Mapping[str, int]:
        """By group, how many were seen to take calls, where that is what being up means."""
        return self._gated.seen_up

    def gateways(self) -> tuple[GatewayProgress, ...]:
        """How each gateway is sent to in the present pass."""
        heads = self._engines[-1].bulkheads if self._engines else ()
        hearings, now = self._bulkheads.hearings, self._clock.monotonic()
        return tuple(gateway_progress(head, hearings[head.name], now) for head in heads)

    @property
    def groups(self) -> tuple[GroupProgress, ...]:
        """How the groups of a handover stand."""
        keeper = self._gated.keeper
        return group_progress(keeper, self._settings) if keeper is not None else ()

    @property
    def waiting(self) -> int:
        """Agents between two attempts."""
        return sum(head.pending for head in self._heads)

    @property
    def awaited(self) -> int:
        """Agents who are waited for to sign in."""
        return sum(head.awaited for head in self._heads)

    @property
    def causes(self) -> frozenset[Cause]:
        """Why any gateway's part ended before its time."""
        if not self._engines:
            return frozenset({Cause.INTERRUPTED} if self._stopped else ())
        ends = [end for engine in self._engines for _, end in engine.endings]
        held = [end for engine in self._engines for end in engine.lanes_ended.values()]
        return frozenset(end.cause for end in (*ends, *held))

    @property
    def not_attempted(self) -> dict[int, Cause]:
        """Lane -> why its last rows were not attempted."""
        left = {
            lane: head.ended.cause
            for head in self._heads
            if head.ended is not None
            for lane in head.lanes_left
        }
        held = {
            lane: end.cause for engine in self._engines for lane, end in engine.lanes_ended.items()
        }
        # Those of a lane who may be set already are not among those who were not attempted.
        return {lane: cause for lane, cause in {**left, **held}.items() if lane >= 0}

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it ended before its time, and what to check."""
        ended = [explained(head, head.ended) for head in self._heads if head.ended is not None]
        return (*self._gated.reasons, *(reason for reason in ended if reason is not None))

    @property
    def _heads(self) -> list[GatewayBulkhead]:
        return [head for engine in self._engines for head in engine.bulkheads]
