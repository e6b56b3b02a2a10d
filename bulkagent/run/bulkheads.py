"""The bulkhead of one gateway, as settings want it and as log and ledger are told of it.

What may live here: settings to the engine's records, and who hears what of a bulkhead. What this
room must not know: which lanes are sent when, and how a run ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from bulkagent.clock import Clock
from bulkagent.engine import (
    Bounds,
    Bulkhead,
    Caution,
    Decision,
    End,
    Gates,
    HaltCount,
    HaltShare,
    Limits,
    Notice,
    RetryPolicy,
    Rule,
)
from bulkagent.ledger import Journal, Lane
from bulkagent.outcome import Assignment, Attempt, Cause, Health
from bulkagent.report import ADVICE
from bulkagent.run.events import EventLog
from bulkagent.run.handing_over import patience_of
from bulkagent.run.switching import SwitchOvers
from bulkagent.settings import Settings

if TYPE_CHECKING:
    from bulkagent.gateway.client import GatewayClient

__all__ = ["Bulkheads", "GatewayBulkhead", "explained", "halt_rules"]

GatewayBulkhead = Bulkhead[Assignment, Attempt]


class Bulkheads:
    """Makes the bulkheads of one leg.

    Args:
        settings: What limits there are.
        answered: The gateways that have answered within the run before.
        clock: Time.
        uniform: Numbers from 0 up to 1 for the jitter.
        log: Told of every attempt and decision.
    """

    def __init__(
        self,
        settings: Settings,
        answered: Collection[str],
        *,
        clock: Clock,
        uniform: Callable[[], float],
        log: EventLog,
    ) -> None:
        self._settings = settings
        self._answered = answered
        self._clock = clock
        self._uniform = uniform
        self._log = log
        self._switch_overs = SwitchOvers()

    def make(
        self,
        name: str,
        lanes: Sequence[Lane],
        client: GatewayClient,
        journal: Journal,
        *,
        keys: Sequence[int],
        gates: Gates | None = None,
        spent_s: float = 0.0,
        earlier: GatewayBulkhead | None = None,
    ) -> GatewayBulkhead:
        """The bulkhead of a gateway, for these lanes of it, perhaps after an earlier one.

        Args:
            name: The gateway.
            lanes: What is left to send to it.
            client: Makes the attempts.
            journal: Hands out the lanes' rows, by these keys:
            keys: The lanes as the journal and the gates know them.
            gates: Whether a lane may give its next row; None: always.
            spent_s: For how many seconds the leg has been at work.
            earlier: The bulkhead of the same gateway before, in the same leg.
        """
        settings, at = self._settings, self._settings.limits(name)
        log = self._log if self._log.wanted else None

        def observe(item: Assignment, attempt: int, ended: Attempt, decision: Decision) -> None:
            if ended.disposition.cause is Cause.SWITCH_OVER and _of_all(ended):
                self._switched_over(name, item, ended, journal)
            elif self._switch_overs.suspected and ended.disposition.health is Health.GOOD:
                self._switch_overs.denied(name)
            if log is not None:
                log.attempted(item, journal.number(item, attempt), ended, decision)

        def ending(end: End) -> None:
            self._log.decided(f"run.{end.cause}", gateway=name, reason=end.reason)
            if end.cause is Cause.HALTED:
                journal.halted(explained(bulkhead, end))

        def notice(notice: Notice) -> None:
            self._log.decided(notice.event, gateway=name, reason=notice.reason)

        bulkhead: GatewayBulkhead = Bulkhead(
            name,
            keys,
            journal,
            client.attempt,
            limits=Limits(
                concurrency=at.concurrency,
                adaptive=Bounds.between(*at.auto) if at.auto else None,
                per_second=at.per_second,
                burst=at.burst,
            ),
            policy=RetryPolicy(
                max_attempts=settings.max_attempts, retry_for_s=settings.retry_for_s
            ),
            caution=Caution(
                give_up_after_s=settings.give_up_after_s,
                never_answered_after_s=settings.never_answered_after_s,
                # Who wants no sweep is not in such a hurry that no gateway may ask for patience.
                longest_pause_s=settings.retry_for_s or Caution().longest_pause_s,
            ),
            gates=gates,
            patience=patience_of(settings, at.per_second, spent_s),
            answered=name in self._answered,
            clock=self._clock,
            random=self._uniform,
            rows=sum(lane.assignments for lane in lanes),
            halt_first=settings.halt_first,
            observe=observe,
            ending=ending,
            notice=notice if log is not None else None,
        )
        if earlier is not None:
            bulkhead.follow(earlier)
        return bulkhead

    def _switched_over(self, name: str, item: Assignment, ended: Attempt, journal: Journal) -> None:
        # While it held this request, others may have been set and lost it again.
        answered_at = ended.sent_at + math.ceil(ended.latency_ms)
        began_at = self._switch_overs.answered(name, item.agent_id, answered_at)
        if began_at is not None:
            self._log.decided("gateway.switched_over", gateway=name, reason=ended.retcode)
            journal.switched_over(name, began_at)


def _of_all(ended: Attempt) -> bool:
    """Whether it is about the gateway: a session that was lost is about one agent."""
    return ended.disposition.health is Health.UNWELL


def explained(head: GatewayBulkhead, end: End) -> str:
    """Why a bulkhead ended before its time, and what to check, for people."""
    verdict = head.tally.verdict
    if end.cause is not Cause.HALTED or verdict is None:
        return end.reason
    meaning, advice = ADVICE[verdict]
    return f"{end.reason}: {meaning}; {advice}"


def halt_rules(settings: Settings) -> list[Rule]:
    """The rules by which the whole run is halted."""
    rules: list[Rule] = []
    if settings.halt_share is not None:
        rules.append(HaltShare(settings.halt_share))
    if settings.halt_count is not None:
        rules.append(HaltCount(settings.halt_count))
    return rules
