"""The bulkhead of one gateway, as settings want it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from bulkagent.clock import Clock
from bulkagent.engine import (
    Bounds,
    Bulkhead,
    Gates,
    HaltCount,
    HaltRule,
    HaltShare,
    Limits,
    Reopened,
    RetryPolicy,
    ThrottlePolicy,
)
from bulkagent.ledger import FormerOutcome, Journal, Lane
from bulkagent.model import Status
from bulkagent.run.handover.rules import is_aside, poll_policy_of
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.send.failovers import Failovers
from bulkagent.run.send.listener import GatewayBulkhead, GatewayListener
from bulkagent.run.sharing.division import LimitPart
from bulkagent.run.sharing.shared_limits import SharedGateway
from bulkagent.run.sharing.shared_time import LimitsShared
from bulkagent.settings import GatewayLimits, GuidService, Settings
from bulkagent.units import Adaptive, HaltAtCount, HaltAtShare

if TYPE_CHECKING:
    from bulkagent.gateway.client import GatewayClient


class Bulkheads:
    """Makes the bulkheads of one leg.

    Args:
        settings: What limits there are.
        answered: The gateways that have answered within the run before.
        applied: Those at which agents have been applied within the run before.
        emulated: Whether they are within this command, so that what ends there is known.
        clock: Time.
        uniform: Numbers from 0 up to 1 for the jitter.
        log: Told of every attempt and decision.
    """

    def __init__(
        self,
        settings: Settings,
        answered: Collection[str],
        applied: Collection[str],
        *,
        emulated: bool,
        clock: Clock,
        uniform: Callable[[], float],
        log: EventLog,
    ) -> None:
        self._settings = settings
        self._answered = answered
        self._applied = applied
        self._emulated = emulated
        self._clock = clock
        self._uniform = uniform
        self._log = log
        self._failovers = Failovers()
        self.listeners: dict[str, GatewayListener] = {}
        """The listener of each gateway in the latest pass."""
        self.out_of_step: dict[str, set[int]] = {}
        """Gateways that sent a reply too many, with the rows that it has put in doubt."""

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
        at_work: Sequence[int] = (),
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
            at_work: Until which times of day requests of earlier legs count as in flight.
        """
        settings, at = self._settings, self._settings.limits(name)
        limits = limits_of(at)
        before = self.listeners.get(name)
        listener = self.listeners[name] = GatewayListener(
            *(name, journal, self._log, self._failovers),
            limit=before.limit if before else limits.first,
        )
        if before is not None:
            listener.shares = before.shares
        bulkhead: GatewayBulkhead = Bulkhead(
            name,
            keys,
            journal,
            client.attempt,
            limits=limits,
            policy=RetryPolicy(
                max_attempts=settings.max_attempts, retry_for_s=settings.retry_for_s
            ),
            throttle_policy=ThrottlePolicy(
                give_up_after_s=settings.give_up_after_s,
                never_answered_after_s=settings.never_answered_after_s,
                # A run without a sweep is not in such a hurry that no gateway may ask for patience.
                longest_pause_s=settings.retry_for_s or ThrottlePolicy().longest_pause_s,
                timeout_s=settings.timeout_s,
                waits_out_resets=not self._emulated,
            ),
            gates=gates,
            poll_policy=poll_policy_of(settings, at.per_second, spent_s),
            answered=name in self._answered,
            carried=self._begun(at_work),
            clock=self._clock,
            random=self._uniform,
            rows=sum(lane.assignments for lane in lanes),
            applied_before=name in self._applied,
            halt_first=settings.halt_first,
            observe=listener.observe,
            ending=lambda end: listener.ended(bulkhead, end),
            notify=listener.throttled,
            before_end=client.await_strays,
        )

        def out_of_step(rows: Collection[int]) -> None:
            self.out_of_step.setdefault(name, set()).update(rows)
            listener.out_of_step(len(set(rows)))
            bulkhead.expect(journal.reopen(rows, lambda all_: bulkhead.reopen(_reopened(all_))))

        client.listen(out_of_step)
        if isinstance(settings.guids, GuidService):
            client.space_out(bulkhead.space_out)
        if earlier is None:
            journal.limit_changed(name, listener.limit, listener.breaker.value)
        else:
            bulkhead.follow(earlier)
        return bulkhead

    def _begun(self, at_work: Sequence[int]) -> list[float]:
        """When requests began that count until these times of day, by the clock."""
        if not at_work:
            return []
        now, now_ms = self._clock.monotonic(), self._clock.wall_ms()
        counts_s = 2.0 * self._settings.timeout_s
        return [now + (until_ms - now_ms) / 1000.0 - counts_s for until_ms in at_work]

    def shared_gateway(self, head: GatewayBulkhead) -> SharedGateway:
        """A gateway's bulkhead as one that shares its limits with other commands."""
        at, listener = self._settings.limits(head.name), self.listeners[head.name]
        return SharedGateway(
            head,
            _limit(at),
            at.burst,
            lambda shared: listener.share(shared, self._clock.monotonic()),
        )

    @property
    def strays(self) -> str:
        """What was done because of replies that belonged to no request; "" where none came."""
        return "; ".join(
            f"{name} sent a reply that belonged to no request. The answers to {len(rows):,}"
            f" {'agents' if len(rows) > 1 else 'agent'} were put in doubt, and each connection has"
            " carried one request since"
            for name, rows in self.out_of_step.items()
        )

    def shared(self) -> tuple[LimitsShared, ...]:
        """The gateways whose limits were shared with other commands."""
        now = self._clock.monotonic()
        found = (listener.shares.total(name, now) for name, listener in self.listeners.items())
        return tuple(each for each in found if each is not None)


def _limit(at: GatewayLimits) -> LimitPart:
    return LimitPart(at.most_in_flight, math.inf if at.per_second is None else at.per_second)


def _reopened(formers: Sequence[tuple[int, FormerOutcome]]) -> list[Reopened]:
    return [
        Reopened(
            lane,
            applied=former.outcome.status is Status.APPLIED,
            aside=is_aside(former.outcome),
            again=former.again,
            left=former.left,
        )
        for lane, former in formers
    ]


def halt_rules(settings: Settings) -> list[HaltRule]:
    """The rules by which the whole run is halted."""
    match settings.halt:
        case HaltAtShare(share=share):
            return [HaltShare(share)]
        case HaltAtCount(agents=agents):
            return [HaltCount(agents)]
        case None:
            return []


def limits_of(at: GatewayLimits) -> Limits:
    """What holds at a gateway, as the engine wants it."""
    limit = at.concurrency
    adaptive = Bounds.between(limit.least, limit.most) if isinstance(limit, Adaptive) else None
    return Limits(
        concurrency=at.most_in_flight,
        adaptive=adaptive,
        per_second=at.per_second,
        burst=at.burst,
    )
