"""The throttle of one upstream, beyond its rate: breaker, budget, pauses, limit.

The policies go together here, as one answer for the owner of the slots. Time and randomness are
arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from bulkagent.attempt import AttemptResult
from bulkagent.engine.throttle.adaptive_limit import AdaptiveLimit, step
from bulkagent.engine.throttle.circuit_breaker import (
    BreakerState,
    CircuitBreaker,
    Judgement,
    Wait,
    Yes,
)
from bulkagent.engine.throttle.limit_samples import LimitSamples
from bulkagent.engine.throttle.lingering_requests import Flight, LingeringRequests
from bulkagent.engine.throttle.retry_budget import RetryBudget
from bulkagent.engine.throttle.slots import Limits
from bulkagent.engine.throttle.throttle_policy import Permit, ThrottleEvent, ThrottlePolicy
from bulkagent.model import Delivery, Health, LimitSignal, RetryCharge

_NO_GENERATION = -1
"""A generation that never is: whatever ends in it moves no state of the breaker."""


class Downtime(NamedTuple):
    """For how long an upstream was down."""

    seconds: float
    answered: bool
    """Whether it ever gave a good answer before."""


class Throttle:
    """The policies of one upstream, asked together.

    Args:
        limits: How many attempts may be in flight where nothing speaks against it.
        policy: The policies' settings.
        random: Numbers from 0 up to 1, for the breaker's pauses.
        answered: Whether it is known to have answered before.
        carried: When those requests began, in seconds, that others left behind.
        notify: Told of every change.
    """

    __slots__ = (
        "_adaptive",
        "_breaker",
        "_budgets",
        "_full",
        "_limit",
        "_notify",
        "_paused_until",
        "_policy",
        "_samples",
        "_state",
        "lingering",
    )

    def __init__(
        self,
        limits: Limits,
        policy: ThrottlePolicy,
        random: Callable[[], float],
        *,
        answered: bool = False,
        carried: Iterable[float] = (),
        notify: Callable[[ThrottleEvent], None] | None = None,
    ) -> None:
        self.lingering = LingeringRequests(
            policy.timeout_s, carried, waits_out_resets=policy.waits_out_resets
        )
        """What was given up here and may be worked at there."""
        self._breaker = CircuitBreaker(random, policy.trip, answered=answered)
        self._budgets = {
            charge: RetryBudget(policy.retry_share, policy.retries_per_second)
            for charge in (RetryCharge.RETRIES, RetryCharge.LOOKUPS)
        }
        self._policy = policy
        self._notify = notify
        self._adaptive = AdaptiveLimit.begin(limits.adaptive) if limits.adaptive else None
        self._limit = limits.first
        self._samples: LimitSamples | None = None
        self._full = False  # whether the latest permit was the whole limit
        self._state = BreakerState.CLOSED
        self._paused_until = -math.inf

    def __repr__(self) -> str:
        budget = self._budgets[RetryCharge.RETRIES]
        return f"<Throttle: limit {self._limit}, {self._breaker!r}, {budget!r}>"

    def follow(self, earlier: Throttle) -> None:
        """Go on from what was found out about the same upstream a moment ago."""
        self.lingering.follow(earlier.lingering)
        self._breaker.answered |= earlier._breaker.answered
        self._paused_until = earlier._paused_until
        if self._adaptive is not None and earlier._adaptive is not None:
            self._adaptive, self._limit = earlier._adaptive, earlier._limit

    @property
    def adapts(self) -> bool:
        """Whether the limit is learned, so that it wants to know how busy the client is."""
        return self._adaptive is not None

    @property
    def limit(self) -> int:
        """How many attempts may be in flight while nothing else holds them back."""
        return self._limit

    @property
    def wants_probe(self) -> bool:
        """Whether the next attempt is the one by which it is found out whether all is well."""
        return self._state is BreakerState.HALF_OPEN

    def permit(self, now: float, busy_s: float = 0.0) -> Permit:
        """How many attempts may be in flight: none while paused or open, one while half-open.

        That one comes on top of those that linger, once all of them are older than the time-out,
        and where the limit has room for one more.

        Args:
            now: The time in seconds, as everywhere here.
            busy_s: For how many seconds the client has been busy so far, if `adapts`.
        """
        policy = self._policy
        left_s = self._breaker.give_up_in(
            now, policy.give_up_after_s, policy.never_answered_after_s
        )
        tokens, for_s = 0, math.inf
        judgement = self._breaker.may_dispatch(now)
        if now < self._paused_until:
            for_s = self._paused_until - now
        elif isinstance(judgement, Wait):
            for_s = judgement.seconds
        else:
            tokens = self._limit
            if judgement != Yes(probe=False):
                tokens, for_s = self._for_probe(now)
        full = tokens == self._limit and self._breaker.state is BreakerState.CLOSED
        if full and not self._full and self._adaptive is not None:
            if self._samples is None:
                self._samples = LimitSamples(self._limit, now, busy_s)
            # What was observed before a pause says nothing of the time after it.
            self._samples.adopt(self._limit, now, busy_s)
        self._full = full
        self._report_state("the pause is over")
        carried = self.lingering.carried(now)
        if carried:
            for_s = min(for_s, max(0.0, self.lingering.next_over(now) - now))
        return Permit(tokens, min(left_s, for_s), carried)

    def _for_probe(self, now: float) -> tuple[int, float]:
        """How many may be in flight for one of them to be a probe, and for how long that holds."""
        in_use = len(self.lingering) + self.lingering.carried(now)
        if in_use and (wait_s := self.lingering.probe_at(now) - now) > 0:
            return 0, wait_s
        return min(self._limit, in_use + 1), math.inf

    def given_up(self, now: float) -> Downtime | None:
        """How long it was down, where it is to be given up now for that; None where it is not."""
        policy = self._policy
        if not self._breaker.give_up(now, policy.give_up_after_s, policy.never_answered_after_s):
            return None
        return Downtime(self._breaker.down_s(now), answered=self._breaker.answered)

    def may_dispatch(self, now: float) -> Judgement:
        """Whether an attempt may start; a Yes is to be followed by `dispatch` in the same turn."""
        judgement = self._breaker.may_dispatch(now)
        if self._breaker.state is not self._state:
            self._report_state("the pause is over")
        return judgement

    def dispatch(self, now: float) -> int:
        """An attempt is about to start; what `ended` and `withdraw` want to know it by."""
        return self._breaker.dispatch(now)

    def withdraw(self, generation: int, now: float) -> None:
        """There was nothing to send after all."""
        self._breaker.withdraw(generation, now)
        self._report_state("there was nothing to send")

    def first(self, now: float) -> None:
        """The attempt that was dispatched is an item's first."""
        for budget in self._budgets.values():
            budget.first(now)

    def grant(self, charge: RetryCharge, now: float) -> bool:
        """Whether an attempt that draws on a budget may be made now; if so, it counts."""
        budget = self._budgets.get(charge)
        return budget is None or not budget.grant(now)

    def room_in(self, charge: RetryCharge, now: float) -> float:
        """Seconds until such an attempt may be made, as far as its budget goes; 0: now."""
        budget = self._budgets.get(charge)
        return budget.room_in(now) if budget else 0.0

    def paused_s(self, now: float) -> float:
        """Seconds until the pause is over that the upstream has asked for; 0: there is none."""
        return max(0.0, self._paused_until - now)

    @property
    def retries(self) -> int:
        """Retries granted so far."""
        return self._budgets[RetryCharge.RETRIES].granted

    def retries_left(self, now: float) -> int:
        """Retries that would be granted now."""
        return self._budgets[RetryCharge.RETRIES].left(now)

    def out_of_budget(self, now: float) -> bool:
        """Whether nothing but the budget holds retries back."""
        return self._full and self.room_in(RetryCharge.RETRIES, now) > 0.0

    def began(self, now: float) -> None:
        """An attempt is sent."""
        if self._samples is not None:
            self._samples.began(now)

    def overdue(self, flight: Flight, now: float, busy_s: float) -> bool:
        """Take note of an answer that has not come in time: for all who go by it, it was dropped.

        Returns:
            Whether the permit may be another one now.
        """
        self.lingering.add(flight)
        self._breaker.record(Health.UNWELL, now, generation=flight.generation, answered=False)
        self._report_state("an answer is overdue")
        self._observe(LimitSignal.DROPPED, flight.began, now, busy_s)
        return True

    def ended(self, attempt: AttemptResult, flight: Flight, now: float, busy_s: float) -> bool:
        """Take note of how an attempt ended.

        Args:
            attempt: The attempt.
            flight: What it was known as while it was under way.
            now: When it ended.
            busy_s: For how many seconds the client has been busy so far, if `adapts`.

        Returns:
            Whether the permit may be another one now.
        """
        disposition = attempt.disposition
        answered = disposition.delivery is Delivery.ANSWERED
        signal = disposition.signal
        turned_away = answered and signal is LimitSignal.DROPPED
        began, overdue = flight.began, flight.is_overdue
        if overdue:
            self.lingering.remove(flight)
        if attempt.since_sent_s is not None:
            flight.sent = now - attempt.since_sent_s
        if disposition.lingers:
            self.lingering.hold(flight, now)
        elif (
            disposition.delivery is not Delivery.NEVER_SENT
            and now - began > self.lingering.longest_s
        ):
            self.lingering.longest_s = now - began
        # What was told when it was overdue is not told again; that there is an answer is.
        generation = _NO_GENERATION if overdue else flight.generation
        self._breaker.record(
            disposition.health,
            now,
            generation=generation,
            answered=answered,
            turned_away=turned_away,
        )
        changed = self._breaker.state is not self._state
        if changed:
            self._report_state(f"an attempt ended with {disposition.name}")
        # It may have begun a down-time, whose end somebody has to wait for.
        changed |= overdue or disposition.health is Health.UNWELL or turned_away
        if attempt.pause_s > 0.0 < self._policy.longest_pause_s:
            changed = True
            self._pause(min(attempt.pause_s, self._policy.longest_pause_s), now)
        if self._samples is not None and not overdue:
            changed |= self._observe(signal, began, now, busy_s)
        return changed

    def _observe(self, signal: LimitSignal, began: float, now: float, busy_s: float) -> bool:
        """Have the limit learn from an end; whether it is another one now."""
        if self._samples is None or self._adaptive is None:
            return False
        window = self._samples.ended(signal, began, now, busy_s)
        if window is None:
            return False
        stepped = step(self._adaptive, window)
        self._adaptive = stepped.state
        return self._adopt(stepped.limit, stepped.reason, now, busy_s)

    def _pause(self, seconds: float, now: float) -> None:
        if now + seconds > self._paused_until:
            self._paused_until = now + seconds
            self._emit("gateway.paused", f"it asked for {seconds:g} s without requests")

    def _adopt(self, limit: int, reason: str, now: float, busy_s: float) -> bool:
        if self._samples is None or limit == self._limit:
            self._emit("limit.kept", f"{limit}: {reason}")
            return False
        before, self._limit = self._limit, limit
        self._emit("limit.changed", f"{before} to {limit}: {reason}")
        self._samples.adopt(limit, now, busy_s)
        return True

    def _report_state(self, reason: str) -> bool:
        """Whether the breaker is in another state than when it was last looked at."""
        if self._breaker.state is self._state:
            return False
        self._state = self._breaker.state
        self._emit(f"breaker.{self._state.value}", reason)
        return True

    def _emit(self, event: str, reason: str) -> None:
        if self._notify is not None:
            self._notify(ThrottleEvent(event, reason, self._limit, self._state))
