"""The sending of one leg: engine, journal and clients, put together and taken apart again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.instants import Instant
from bulkagent.ledger import (
    endpoints_of,
    planned_rows,
    put_in_doubt,
)
from bulkagent.model import Cause, Outcome, Status
from bulkagent.run.clients.credentials import CredentialProvider
from bulkagent.run.outputs.outlets import Outlets
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.send.pass_sender import PassSender
from bulkagent.run.send.progress import Progress, gateway_progress, group_progress
from bulkagent.run.send.sent import SentLeg
from bulkagent.run.verify.queue_checks import QueueObserver
from bulkagent.run.verify.verification import Verification


class LegSender:
    """Sends what one leg has to send.

    Args:
        leg: What, where to, and by which settings.
        provider: Where GUIDs come from; None: from the roster, by way of the plan.
        observers: The queues by which it is verified; none: it is not.
        outlets: Told of every attempt and decision, and of every outcome that is on disk.
        clock: Time.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
        tell: Told what people should know of the order in which it is sent.
    """

    def __init__(
        self,
        leg: PlannedLeg,
        *,
        provider: CredentialProvider | None = None,
        observers: Sequence[QueueObserver] = (),
        outlets: Outlets,
        clock: Clock,
        uniform: Callable[[], float],
        settled: Callable[[Outcome], None] | None,
        tell: Callable[[str], None],
    ) -> None:
        self._leg = leg
        self._settings = leg.settings
        self._provider = provider
        self._clock = clock
        self._log = outlets.log
        self._sender = PassSender(
            leg, outlets=outlets, clock=clock, uniform=uniform, settled=settled, tell=tell
        )
        self._passes = self._sender.passes
        self._looked_s = 0.0
        self._verification = (
            Verification(
                *(observers, leg.settings, leg.gateways, leg.record),
                clock=clock,
                log=outlets.log,
            )
            if observers
            else None
        )

    async def run(self, number: int) -> None:
        """Send until everything has an outcome, or it is stopped; at once where it was before.

        Args:
            number: The leg's number.

        Raises:
            BaseExceptionGroup: Of what ended it before its time: the ledger's errors, defects.
        """
        planned, record = self._leg.planned, self._leg.record
        async with AsyncExitStack() as stack:
            guids: CredentialSource = planned.guids
            if self._provider is not None:
                guids = await self._provider.enter(stack)
            if self._leg.gateways.emulated:
                rows = planned_rows(record)
                names = [at.gateway for at in endpoints_of(record)]
                guids = await self._leg.gateways.emulate(stack, names, rows)
            if self._verification is not None and not self._passes.stopped:
                await self._looked(self._verification.before(guids))
            await self._sender.send(number, planned.lanes, guids)
            if self._settings.resend_after_switchover and planned.resends:
                await self._send_once_more(number, guids)
            counters = self._passes.counters
            if self._verification is not None and counters and counters.by_status[Status.APPLIED]:
                await self._looked(self._verification.after(number))

    async def _looked(self, look: Awaitable[None]) -> None:
        """Look whether what is set is so, which is no sending."""
        began_s = self._clock.monotonic()
        try:
            await look
        finally:
            self._looked_s += self._clock.monotonic() - began_s

    async def _send_once_more(self, number: int, guids: CredentialSource) -> None:
        """Send those again who were set before their gateway switched over.

        They are in doubt from here on, also where nothing more may be sent.
        """
        lanes = await in_thread(put_in_doubt, self._leg.record)
        if not lanes:
            return
        self._passes.once_more = sum(lane.assignments for lane in lanes)
        self._log.decided("run.once_more", agents=self._passes.once_more)
        if self._passes.causes - {Cause.BREAKER_OPEN}:
            return
        if left := [lane for lane in lanes if lane.gateway not in self._passes.ended]:
            await self._sender.send(number, left, guids)

    def stop(self) -> None:
        """Admit nothing more; requests in flight finish within the grace."""
        self._passes.stop()
        if self._verification is not None:
            self._verification.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well."""
        self._passes.cancel()
        if self._verification is not None:
            self._verification.cancel()

    def sent(self, number: int, *, elapsed_s: float, ended_ms: int) -> SentLeg:
        """The leg as it was sent.

        Args:
            number: The leg's number.
            elapsed_s: How long it took, looks included.
            ended_ms: Time of day of its end.
        """
        gates, bulkheads = self._sender.gates, self._sender.bulkheads
        note = self._provider.note if self._provider is not None else ""
        return SentLeg(
            leg=number,
            causes=self._passes.causes,
            reasons=(*gates.reasons, *self._passes.reasons),
            not_attempted=self._passes.not_attempted,
            counters=self._passes.counters,
            elapsed_s=elapsed_s - self._looked_s,
            ended_ms=ended_ms,
            seen_up=gates.seen_up,
            note="; ".join(filter(None, (note, bulkheads.strays))),
            unseen=self._verification.note if self._verification is not None else "",
            shared=bulkheads.shared(),
        )

    def progress(self, *, elapsed_s: float, finish_by: Instant | None) -> Progress:
        """Where it is; from any thread.

        Args:
            elapsed_s: Since when it is sent, in seconds.
            finish_by: When it should be done; None: no matter when.
        """
        counters, keeper = self._passes.counters, self._sender.gates.keeper
        bulkheads, now = self._passes.bulkheads, self._clock.monotonic()
        listeners = self._sender.bulkheads.listeners
        return Progress(
            agents=self._leg.plan.agents + self._passes.once_more,
            finished=counters.finished if counters else 0,
            by_status={str(k): v for k, v in counters.by_status.items()} if counters else {},
            requests=counters.requests if counters else 0,
            retries=counters.retries if counters else 0,
            not_sent=counters.not_sent if counters else 0,
            waiting=sum(head.pending for head in bulkheads),
            awaited=sum(head.awaited for head in bulkheads),
            elapsed_s=elapsed_s,
            finish_by=finish_by,
            causes=dict(counters.by_cause) if counters else {},
            gateways=tuple(
                gateway_progress(head, listeners[head.name], now) for head in self._passes.present
            ),
            groups=group_progress(keeper, self._settings) if keeper is not None else (),
        )
