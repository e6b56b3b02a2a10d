"""The listener to one gateway's bulkhead: for the log, the ledger and observers."""

from __future__ import annotations

import math
from collections import deque

from bulkagent.attempt import Attempt
from bulkagent.engine import BreakerState, Bulkhead, Decision, End, ThrottleEvent
from bulkagent.ledger import Journal
from bulkagent.model import Assignment, Cause, Delivery, Health
from bulkagent.reasons import Advised, Reason
from bulkagent.reports import ADVICE
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.send.failovers import Failovers
from bulkagent.run.sharing.division import SharedPart
from bulkagent.run.sharing.shared_time import SharedTime

GatewayBulkhead = Bulkhead[Assignment, Attempt]

_LATEST = 512
"""Answers by which latency is judged: enough for a percentile, and forgotten within seconds."""

_GRANTS = frozenset({"limit.changed", *(f"breaker.{state.value}" for state in BreakerState)})
"""What changes how much a gateway is sent at once."""


class GatewayListener:
    """Hears what becomes of one gateway's requests, in one pass.

    Args:
        name: The gateway.
        journal: Records what concerns all of it.
        log: Told of every attempt and decision.
        failovers: What is known of failovers.
        limit: Requests at once at first.
    """

    def __init__(
        self, name: str, journal: Journal, log: EventLog, failovers: Failovers, *, limit: int
    ) -> None:
        self._name = name
        self._journal = journal
        self._log = log
        self._failovers = failovers
        self.limit = limit
        """Requests at once, where the breaker is closed and nobody else is sent to it."""
        self.shared: SharedPart | None = None
        """What others leave of its limits; None as long as nobody has looked."""
        self.shares = SharedTime()
        self.breaker = BreakerState.CLOSED
        self.latencies_ms: deque[float] = deque(maxlen=_LATEST)
        """Of the latest answers."""

    def observe(self, item: Assignment, attempt: int, ended: Attempt, decision: Decision) -> None:
        """Hear how an attempt ended. Runs for every one."""
        disposition = ended.disposition
        if disposition.delivery is Delivery.ANSWERED:
            self.latencies_ms.append(ended.latency_ms)
        if disposition.cause is Cause.SWITCH_OVER and disposition.health is Health.UNWELL:
            # It is about the gateway; a session that was lost is about one agent.
            self._switched_over(item, ended)
        elif self._failovers.suspected and disposition.health is Health.GOOD:
            self._failovers.denied(self._name)
        if self._log.wanted:
            self._log.attempted(item, self._journal.number(item, attempt), ended, decision)

    def throttled(self, event: ThrottleEvent) -> None:
        """Hear what changed about the gateway as a whole."""
        self.limit, self.breaker = event.limit, event.breaker
        if event.name in _GRANTS:
            self._journal.limit_changed(self._name, max(1, self.most), event.breaker.value)
        self._log.decided(event.name, gateway=self._name, reason=event.reason)

    @property
    def most(self) -> int:
        """Requests at once, where the breaker is closed."""
        return min(self.limit, self.shared.part.concurrency) if self.shared else self.limit

    def share(self, shared: SharedPart, now: float) -> None:
        """Hear what others leave of its limits.

        Args:
            shared: That.
            now: The time in seconds.
        """
        before = self.shared or shared
        self.shared = shared
        self.shares.add(shared, now)
        if max(before.commands, shared.commands) == 1:
            return
        self._journal.limit_changed(self._name, max(1, self.most), self.breaker.value)
        part = shared.part
        self._log.decided(
            "gateway.shared",
            gateway=self._name,
            commands=shared.commands,
            concurrency=part.concurrency,
            per_second=None if part.per_second == math.inf else part.per_second,
        )

    def out_of_step(self, agents: int) -> None:
        """Hear that a reply too many has put so many agents in doubt."""
        self._log.decided("gateway.out_of_step", gateway=self._name, agents=agents)

    def ended(self, head: GatewayBulkhead, end: End) -> None:
        """Hear that nothing more is sent to it."""
        self._log.decided(f"run.{end.cause}", gateway=self._name, reason=str(end.reason or ""))
        if end.cause is Cause.HALTED:
            self._journal.halted(str(explained(head, end) or ""))

    def _switched_over(self, item: Assignment, ended: Attempt) -> None:
        # While it held this request, others may have been set and lost it again.
        answered_at = ended.sent_at + math.ceil(ended.latency_ms)
        began_at = self._failovers.answered(self._name, item.agent_id, answered_at)
        if began_at is not None:
            self._log.decided("gateway.switched_over", gateway=self._name, reason=ended.retcode)
            self._journal.switched_over(self._name, began_at)


def explained(head: GatewayBulkhead, end: End) -> Reason | None:
    """Why a bulkhead ended before its time, and what to check."""
    verdict = head.tally.verdict
    if end.reason is None or end.cause is not Cause.HALTED or verdict is None:
        return end.reason
    return Advised(end.reason, *ADVICE[verdict])
