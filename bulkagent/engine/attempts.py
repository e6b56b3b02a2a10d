"""The attempts of one bulkhead: making one, and what follows from its end.

A retryable end waits for its time in a task of its own, which holds no slot: workers that slept out
the backoff themselves would leave the slots idle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio.abc
import msgspec

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.gates.gate import Gates
from bulkagent.engine.gates.halt_rules import End, HaltFirst, Tally
from bulkagent.engine.retry.absent import AbsentQueue
from bulkagent.engine.retry.pending_retry import PendingRetry
from bulkagent.engine.retry.policy import APPLIED, Decision, Poll, Retry, RetryPolicy, Stop, decide
from bulkagent.engine.retry.poller import PollPolicy
from bulkagent.engine.retry.queue import RetryQueue, until_enough
from bulkagent.engine.retry.timers import Timer, Wakeup
from bulkagent.engine.scheduler import Scheduler
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.held_slots import HeldSlots
from bulkagent.engine.throttle.lingering_requests import Flight
from bulkagent.engine.throttle.slots import Slots
from bulkagent.engine.throttle.throttle import Downtime, Throttle
from bulkagent.model import Absence, Cause, Delivery, RetryCharge
from bulkagent.reasons import GivenUp

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Parts(msgspec.Struct, Generic[ItemT, AttemptT], frozen=True, kw_only=True):
    """What all of one bulkhead works with, and how each of them calls the bulkhead."""

    name: str
    clock: Clock
    source: Source[ItemT, AttemptT]
    tally: Tally
    throttle: Throttle
    slots: Slots
    scheduler: Scheduler[ItemT, AttemptT]
    retries: RetryQueue[ItemT, AttemptT]
    gates: Gates | None
    wakeup: Wakeup
    timer: Timer
    regulate: Callable[[], None]
    """Assign the slots anew."""
    wake_all: Callable[[], None]
    """Wake all workers, wherever they wait: there is nothing left to hold back."""
    stop: Callable[[End], None]


class Attempts(Generic[ItemT, AttemptT]):
    """Makes attempts, and has each item attempted again or settles it.

    Args:
        parts: What the bulkhead works with.
        attempt: As of `Bulkhead`; so are the others.
    """

    tasks: anyio.abc.TaskGroup
    """In which retries wait."""

    def __init__(
        self,
        parts: Parts[ItemT, AttemptT],
        attempt: Callable[[ItemT, Callable[[], None]], Awaitable[AttemptT]],
        *,
        policy: RetryPolicy,
        poll_policy: PollPolicy | None,
        random: Callable[[], float],
        halt_first: int,
        observe: Callable[[ItemT, int, AttemptT, Decision], None] | None,
    ) -> None:
        self.under_way = 0
        """Attempts that are being made."""
        self.end: End | None = None
        """Why nothing more is admitted."""
        self.cut_short = False
        """Whether any item would have been attempted again but for the end."""
        self.settled: Callable[[AttemptHistory[AttemptT]], None] | None = None
        """Called with the attempts of every item that ended, once it is counted."""
        self._attempt = attempt
        self._policy = policy
        self._random = random
        self._halt_first = HaltFirst(halt_first)
        self._observe = observe
        self._name, self._clock, self._source = parts.name, parts.clock, parts.source
        self._tally, self._gates = parts.tally, parts.gates
        self._throttle, self._scheduler = parts.throttle, parts.scheduler
        self._retries, self._wakeup = parts.retries, parts.wakeup
        self._regulate, self._wake_all, self._stop = parts.regulate, parts.wake_all, parts.stop
        self.held: HeldSlots[AttemptT] = HeldSlots(
            parts.throttle,
            parts.clock,
            soon=lambda: parts.timer.set(parts.clock.monotonic()),
            regulate=parts.regulate,
            over=lambda: self.end is not None or self._scheduler.over,
        )
        self._waits = poll_policy is not None
        self.absent: AbsentQueue[ItemT, AttemptT] = AbsentQueue(
            *(poll_policy, parts.clock, random),
            attempt=self._attempt_absent,
            expired=self._expire_absent,
        )

    def close(self, end: End) -> None:
        """Admit nothing more, and end what waits as it stands."""
        self.end = end
        self._scheduler.close()
        self._withhold()
        self._retries.clear()
        for pending in list(self._retries):
            if pending.in_flight:
                continue
            if pending.absent:
                self._retries.remove(pending)
                self.absent.add(pending)
            else:
                pending.scope.cancel()
        self.absent.close()

    def _withhold(self) -> None:
        """Say of retries that were due why they are not made, where that is the budget's doing."""
        due = [pending for pending in self._retries.ready if pending.charge is RetryCharge.RETRIES]
        if due and self._throttle.out_of_budget(self._clock.monotonic()):
            for pending in due:
                pending.history = msgspec.structs.replace(
                    pending.history, withheld=Cause.RETRY_BUDGET
                )

    def given_up(self, down: Downtime) -> End:
        """The end where the upstream is down; the first ends may say that it never was up."""
        outlook = self._tally.copy()
        for pending in self._retries:
            outlook.count(pending.history)
        for history in self.held.undecided():
            outlook.count(history)
        blamed = self._halt_first.blame(outlook, self._name)
        return blamed or End(Cause.BREAKER_OPEN, GivenUp(self._name, *down))

    async def first(self, item: ItemT, lane: int, generation: int) -> None:
        """Make an item's first attempt, which is marked."""
        since = self._clock.monotonic()
        flight = Flight(generation, since, self.held.overdue)
        attempt, changed = await self._make(item, flight)
        history = AttemptHistory.begin(attempt)
        decision = self._decide(item, history, since)
        lingers = attempt.disposition.lingers
        if lingers:
            decision = await self._outlast(flight, history, decision)
        if isinstance(decision, Retry):
            pending = PendingRetry(item, history, decision, lane=lane, since=since)
            self._retries.add(pending)
            self._scheduler.sweep()
            self.tasks.start_soon(self._wait_for_retry, pending)
        elif isinstance(decision, Poll):
            self._queue_absent(PendingRetry(item, history, decision, lane=lane, since=since))
        else:
            self._settle(item, history)
        if changed:
            self._regulate()
        if lingers and flight in self._throttle.lingering:
            await self.held.hold(flight, None)

    async def retry(self, pending: PendingRetry[ItemT, AttemptT], generation: int) -> None:
        """Make a further attempt of an item, which is marked."""
        flight = Flight(generation, self._clock.monotonic(), self.held.overdue)
        attempt, changed = await self._make(pending.item, flight)
        history = pending.history.then(attempt)
        decision = self._decide(pending.item, history, pending.since)
        if attempt.disposition.lingers:
            decision = await self._outlast(flight, history, decision)
        pending.history, pending.decision = history, decision
        self._go_on(pending)
        if changed:
            self._regulate()
        if flight in self._throttle.lingering:
            await self.held.hold(flight, None)

    def first_taken_away(self, lane: int, generation: int) -> None:
        """An item was taken by somebody else before its first attempt, as if it had not been."""
        self._throttle.withdraw(generation, self._clock.monotonic())
        self._scheduler.open -= 1
        self._tally.lose()
        if self._gates is not None:
            self._gates.returned(lane)
        self._regulate()
        if self._scheduler.over:
            self._wake_all()

    def retry_taken_away(self, pending: PendingRetry[ItemT, AttemptT], generation: int) -> None:
        """An item was taken by somebody else between two attempts, so it ends as it stands."""
        self._throttle.withdraw(generation, self._clock.monotonic())
        pending.history = msgspec.structs.replace(pending.history, withheld=Cause.SUPERSEDED)
        pending.decision = Stop("somebody else has taken it")
        self._go_on(pending)
        self._regulate()

    def _go_on(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Do what was decided on an item that was tried again."""
        pending.in_flight = False
        if pending.absent:
            self._retries.remove(pending)
            if isinstance(pending.decision, Stop):
                self.absent.done()
                self._left_queue(pending.lane)
                self._settle(pending.item, pending.history)
            else:
                self.absent.add(pending)
        else:
            self._retries.add(pending)
            pending.answered.set()

    async def _make(self, item: ItemT, flight: Flight) -> tuple[AttemptT, bool]:
        """Make an attempt; it, and whether it changed how many there may be."""
        self._throttle.began(flight.began)
        self.under_way += 1
        try:
            attempt = await self._attempt(item, flight.overdue)
        finally:
            self.under_way -= 1
        self.held.report_overdue()
        ended = self._clock.monotonic()
        return attempt, self._throttle.ended(attempt, flight, ended, self.held.busy_s())

    async def _outlast(
        self, flight: Flight, history: AttemptHistory[AttemptT], decision: Decision
    ) -> Decision:
        """Wait with what follows an attempt until nobody is at work on it; what follows then.

        Only a further attempt is worth waiting for.
        """
        if isinstance(decision, Stop) or flight not in self._throttle.lingering:
            return decision
        began = self._clock.monotonic()
        await self.held.hold(flight, history)
        if self.end is not None:
            self.cut_short = True
            return Stop(f"stopped: {self.end.cause}")
        if isinstance(decision, Retry):
            # The back-off ran meanwhile.
            after_s = max(0.0, decision.after_s - (self._clock.monotonic() - began))
            return msgspec.structs.replace(decision, after_s=after_s)
        return decision

    def _decide(self, item: ItemT, history: AttemptHistory[AttemptT], since: float) -> Decision:
        decision: Decision = APPLIED
        if history.last.disposition.cause is not None:
            decision = decide(
                self._policy,
                history,
                self._random,
                elapsed_s=self._clock.monotonic() - since,
                sweeping=not self._scheduler.fresh,
                awaiting=self._waits and self.absent.open,
            )
        if self.end is not None and not isinstance(decision, Stop):
            self.cut_short = True
            decision = Stop(f"stopped: {self.end.cause}")
        if self._observe is not None:
            self._observe(item, history.attempts, history.last, decision)
        if not isinstance(decision, Stop):
            self._source.attempted(item, history.attempts, history.last)
        return decision

    async def _wait_for_retry(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        def due() -> None:
            if self.end is not None:
                return  # its cancellation is under way
            if (
                isinstance(pending.decision, Retry)
                and pending.decision.last
                and self._scheduler.fresh
            ):
                self._retries.put_off(pending)
                return
            self._retries.ready.add(pending)
            self._wakeup.notify_all()

        try:
            with pending.scope:
                await until_enough(pending, due=due, clock=self._clock)
        finally:
            self._retries.remove(pending)
            # However it came to its end, what stands is told; what is in flight does not stand.
            if not pending.in_flight:
                if isinstance(pending.decision, Poll) and self.end is None:
                    self._queue_absent(pending)
                else:
                    if isinstance(pending.decision, Retry):
                        self.cut_short = True
                    self._settle(pending.item, pending.history)
            self._wakeup.notify_all()

    def _queue_absent(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        if self._gates is not None:
            self._gates.awaits(pending.lane, 1)
        self.absent.add(pending)
        self._scheduler.sweep()

    def _left_queue(self, lane: int) -> None:
        if self._gates is not None:
            self._gates.awaits(lane, -1)

    def _attempt_absent(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Have an attempt made of an item whose turn it is in the queue of the absent."""
        self._retries.add(pending)
        self._retries.ready.add(pending)
        self._wakeup.notify_all()

    def _expire_absent(self, item: ItemT, lane: int, history: AttemptHistory[AttemptT]) -> None:
        """Nobody waits for the one whom an item is about any more."""
        if self.end is not None:
            self.cut_short = True
        self._left_queue(lane)
        last = history.last.disposition
        if last.delivery is Delivery.NEVER_SENT and last.absence is not Absence.NONE:
            history = msgspec.structs.replace(history, withheld=Cause.NOT_SIGNED_IN)
        self._settle(item, history)
        self._wakeup.notify_all()

    def _settle(self, item: ItemT, history: AttemptHistory[AttemptT]) -> None:
        self._source.settle(item, history)
        self._scheduler.open -= 1
        self._tally.count(history)
        if self.end is None and self._tally.verdict is not None:
            ruling = self._halt_first.ask(self._tally, self._name)
            if isinstance(ruling, End):
                self._stop(ruling)
        if self.settled is not None:
            self.settled(history)
        if self._scheduler.over:
            self._wake_all()
