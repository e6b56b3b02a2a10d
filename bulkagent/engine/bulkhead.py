"""One far side's share of the work: its workers, its slots, its rate, its parked retries.

What may live here: the order of slot, pace, take and attempt, and what happens after it. What
this room must not know: other bulkheads, so that one's trouble is not another's.

A worker makes first attempts and due retries alike; only workers send, so everything that
holds sending back stands in one loop. A retryable end is parked in a task of its own, which
holds no slot: workers that slept out the backoff themselves would leave the slots idle. A
worker without work holds none either, so that a bulkhead that is paused cannot send by one.

How many slots there are is assigned here and nowhere else, by what the policies of restraint
say: none while the far side is paused or given time to recover, one while it is probed. A worker
keeps its slot and its item for as long as the far side may be at work on what it sent.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import anyio
import anyio.abc
import msgspec

from bulkagent.clock import Clock
from bulkagent.engine.gates.gate import Gates
from bulkagent.engine.gates.halt_rules import End, HaltFirst, Tally
from bulkagent.engine.reopening import Reopened
from bulkagent.engine.retry.absent import AbsentQueue
from bulkagent.engine.retry.pending import PendingRetry
from bulkagent.engine.retry.policy import (
    APPLIED,
    Decision,
    Poll,
    Retry,
    RetryPolicy,
    Stop,
    decide,
)
from bulkagent.engine.retry.poller import PollPolicy
from bulkagent.engine.retry.queue import RetryQueue, until_enough
from bulkagent.engine.retry.timers import Timer, Wakeup
from bulkagent.engine.scheduler import Scheduler, Start
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.lingering import Flight
from bulkagent.engine.throttle.slots import Limits, Slots
from bulkagent.engine.throttle.throttle import Throttle, ThrottleEvent, ThrottlePolicy
from bulkagent.model import Absence, AttemptHistory, AttemptResult, Cause, Delivery, RetryCharge
from bulkagent.reasons import GivenUp

__all__ = ["Bulkhead"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Bulkhead(Generic[ItemT, AttemptT]):
    """The workers of one far side.

    Args:
        name: For people.
        lanes: Its lanes, in the order in which they are to be worked off.
        source: Where items come from.
        attempt: Makes one attempt of an item, and calls back once when the answer is overdue, if
            it goes on waiting for it; must not raise but for a defect.
        limits: How hard it may be pushed.
        policy: When to try again.
        clock: Time.
        random: Numbers from 0 up to 1, for the jitter.
        throttle_policy: How soon the far side is spared, and when it is given up.
        gates: Whether a lane may give items, and which lanes take turns; None: all may, in order.
        poll_policy: How long those are waited for who are not there; None: they are not.
        answered: Whether the far side is known to have answered before.
        carried: When those requests began, by the clock, that others sent to the far side and that
            it may still be at work on: each uses a slot until twice the time-out has passed.
        rows: How many items its lanes have in all; 0 where nobody knows.
        applied_before: Whether earlier items were applied there.
        halt_first: How many first items are enough to end it, where all of them say that
            something is set up wrongly (`HaltFirst`); 0: never.
        observe: Called on the loop once for every attempt that ended, when it is decided what
            follows: the item, the attempt's number in this run of the engine (1, 2, ...), how
            it ended, the decision. An attempt that would be followed by another but for the
            stop is shown as `Stop`. What it raises ends the run as a defect.
        ending: Called once, at the moment from which on nothing more is admitted.
        notify: Called on the loop when something about the far side as a whole has changed.
        look_back: Awaited when all has been attempted: whether stories are to be opened again.
    """

    _tasks: anyio.abc.TaskGroup

    def __init__(
        self,
        name: str,
        lanes: Sequence[int],
        source: Source[ItemT, AttemptT],
        attempt: Callable[[ItemT, Callable[[], None]], Awaitable[AttemptT]],
        *,
        limits: Limits,
        policy: RetryPolicy,
        clock: Clock,
        random: Callable[[], float],
        throttle_policy: ThrottlePolicy | None = None,
        gates: Gates | None = None,
        poll_policy: PollPolicy | None = None,
        answered: bool = False,
        carried: Iterable[float] = (),
        rows: int = 0,
        applied_before: bool = False,
        halt_first: int = 0,
        observe: Callable[[ItemT, int, AttemptT, Decision], None] | None = None,
        ending: Callable[[End], None] | None = None,
        notify: Callable[[ThrottleEvent], None] | None = None,
        look_back: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.tally = Tally(rows, applied_before=applied_before)
        self.under_way = 0
        """Attempts that are being made; some slots wait for the rate."""
        self._source = source
        self._attempt = attempt
        self._cap = limits.most
        self._until = math.inf
        self._expired = False
        self._late = 0  # marked, and not begun before the limit's time was past
        # More would only be woken for nothing; one more than there are items, to hear that soon.
        self._employable = min(limits.most, rows + 1) if rows else limits.most
        self._workers = 0
        self._running = False
        self._policy = policy
        self._clock = clock
        self._random = random
        self._halt_first = HaltFirst(halt_first)
        self._observe = observe
        self._ending = ending
        self._settled: Callable[[AttemptHistory[AttemptT]], None] | None = None
        self._look_back = look_back
        self._reopened: Callable[[Reopened], None] | None = None
        self._expected = 0
        self._watches: anyio.abc.TaskGroup | None = None
        self._slots = Slots(limits, clock)
        self._throttle = Throttle(
            *(limits, throttle_policy or ThrottlePolicy(), random),
            answered=answered,
            carried=carried,
            notify=notify,
        )
        self._overdue: list[Flight] = []  # of which nobody has been told
        self._holds: dict[anyio.CancelScope, AttemptHistory[AttemptT] | None] = {}
        self._retries: RetryQueue[ItemT, AttemptT] = RetryQueue(limits.max_pending)
        self._gates = gates
        self._waits = poll_policy is not None
        self._absent: AbsentQueue[ItemT, AttemptT] = AbsentQueue(
            poll_policy, clock, random, attempt=self._attempt_absent, expired=self._expire_absent
        )
        self._wakeup = Wakeup()
        self._timer = Timer(clock, self._regulate)
        self._scheduler = Scheduler(
            lanes,
            source,
            self._retries,
            self._throttle,
            gates=gates,
            rows=rows,
            clock=clock,
            wakeup=self._wakeup,
            timer=self._timer,
        )
        if gates is not None:
            gates.listen(self._reconsider)
        self._end: End | None = None
        self._hushed = False
        self._cut_short = False

    def __repr__(self) -> str:
        return (
            f"<Bulkhead {self.name}: {self.in_flight} in flight of"
            f" {self._slots.limiter.total_tokens}, {self.pending} parked,"
            f" {len(self._retries.ready)} due,"
            f" {len(self._scheduler.lanes)} lanes left"
            f"{f', stopped: {self._end.cause}' if self._end else ''}>"
        )

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._slots.limiter.borrowed_tokens

    @property
    def in_use(self) -> int:
        """The same, with those that others left behind."""
        return self.in_flight + self._throttle.lingering.carried(self._clock.monotonic())

    @property
    def lingering(self) -> int:
        """Requests that use a slot although their answer is overdue, or will not come."""
        carried = self._throttle.lingering.carried(self._clock.monotonic())
        return len(self._throttle.lingering) + carried

    @property
    def held(self) -> int:
        """Of these, those whose connection has ended."""
        return len(self._holds) + self._throttle.lingering.carried(self._clock.monotonic())

    @property
    def pending(self) -> int:
        """Items between two attempts."""
        return len(self._retries)

    @property
    def awaited(self) -> int:
        """Items that wait for whoever they are about."""
        return len(self._absent)

    @property
    def throttle(self) -> Throttle:
        """What holds it back, for whoever looks on."""
        return self._throttle

    @property
    def lanes_ended(self) -> Mapping[int, End]:
        """Lanes that their gates have closed for good, and why."""
        return self._scheduler.lanes_ended

    @property
    def lanes_left(self) -> tuple[int, ...]:
        """Lanes that the end closed before the source had said that they have no more."""
        return tuple(self._scheduler.lanes_left)

    @property
    def ended(self) -> End | None:
        """Why it ended before its time; None where it came to its own end.

        A stop that came too late to change anything is no end: it is one if lanes were left, or
        a story was cut short, or an attempt in flight was. A halt always is, because what it
        says of the items that were sent is true however few were left. Final once `run` returned.
        """
        end = self._end
        if (
            end is None
            or end.cause is Cause.HALTED
            or self._scheduler.lanes_left
            or self._cut_short
        ):
            return end
        return end if self._scheduler.open else None

    def follow(self, earlier: Bulkhead[ItemT, AttemptT]) -> None:
        """Go on from what another one found out about the same far side a moment ago."""
        self._throttle.follow(earlier._throttle)

    async def run(
        self,
        settled: Callable[[AttemptHistory[AttemptT]], None] | None = None,
        reopened: Callable[[Reopened], None] | None = None,
    ) -> None:
        """Work off all lanes; return when every item taken has its story's end.

        Args:
            settled: Called with every story that ended, once it is counted here.
            reopened: Called with every item whose story is opened again, once that is counted.
        """
        self._settled = settled
        self._reopened = reopened
        self._regulate()
        async with anyio.create_task_group() as watches:
            self._watches = watches
            watches.start_soon(self._timer.run)
            watches.start_soon(self._absent.run)
            while True:
                async with anyio.create_task_group() as tasks:
                    self._tasks, self._running = tasks, True
                    self._employ()
                self._running = False
                if not await self._is_more():
                    break
                self._regulate()
            self._watches = None
            watches.cancel_scope.cancel()

    def expect(self, recorded: Awaitable[None]) -> None:
        """Stories that have ended may be opened again; nothing ends before that is recorded.

        Args:
            recorded: Done when it is, and `reopen` was called with them.
        """
        if self._watches is not None:
            self._expected += 1
            self._scheduler.open += 1
            self._watches.start_soon(self._await_recorded, recorded)

    def reopen(self, reopened: Sequence[Reopened]) -> None:
        """Have items attempted once more whose stories had ended: the source has them again.

        What they ended with is counted no more. Where nothing more is admitted they are left.
        """
        for item in reopened:
            item.undo(self.tally)
            if item.again:
                self._scheduler.reopen(item.lane)
            if self._reopened is not None:
                self._reopened(item)
        self._regulate()
        self._wakeup.notify_all()

    async def _await_recorded(self, recorded: Awaitable[None]) -> None:
        await recorded
        self._expected -= 1
        self._scheduler.open -= 1
        if self._scheduler.over:
            self._wake_all()
        self._wakeup.notify_all()

    async def _is_more(self) -> bool:
        """Whether stories were opened again after all had come to their ends."""
        if self._look_back is not None:
            await self._look_back()
        while self._expected:
            await self._wakeup.wait()
        return not self._scheduler.over

    def resize(self, tokens: int, until: float = math.inf) -> None:
        """Let at most as many attempts be in flight at once, from 0 (a pause) on.

        Those in flight finish; further ones start when there are fewer. A pause lasts until it
        is ended or everything is stopped; it holds back nobody who has nothing left to do.

        Args:
            tokens: How many.
            until: The clock's time from which on none starts until this is called again.
        """
        self._until = until
        self._expired = False
        if tokens != self._cap:
            self._cap = tokens
            self._regulate()
        if self._late:
            self._wakeup.notify_all()

    def pace(self, per_second: float | None, burst: int) -> None:
        """Let at most as many attempts start a second from now on, above 0; None: any number.

        Args:
            per_second: Starts a second.
            burst: Starts at once after an idle time, at least 1.
        """
        self._slots.pace(per_second, burst)

    def hush(self) -> None:
        """A stop of all is on its way: that others have stopped first closes no gate here."""
        self._hushed = True

    def stop(self, end: End) -> None:
        """Admit nothing more, for good; the first end that it is given stays.

        Attempts in flight finish, however long they take: the grace is the engine's. Parked
        stories end as they stand.
        """
        if self._end is not None:
            return
        self._end = end
        self._scheduler.close()
        self._withhold()
        self._retries.clear()
        for pending in list(self._retries):
            if pending.in_flight:
                continue
            if pending.absent:
                self._retries.remove(pending)
                self._absent.add(pending)
            else:
                pending.scope.cancel()
        self._absent.close()
        self._wake_all()
        if self._ending is not None:
            self._ending(end)

    def _reconsider(self, lanes: Collection[int]) -> None:
        """The gates' answer may be another one for these lanes, some of which may be here."""
        if self._hushed or self._end is not None or not self._scheduler.reconsider(lanes):
            return
        self._scheduler.sweep()
        if self._scheduler.over:
            self._wake_all()
        else:
            self._wakeup.notify_all()

    def _withhold(self) -> None:
        """Say of retries that were due why they are not made, where that is the budget's doing."""
        due = [pending for pending in self._retries.ready if pending.charge is RetryCharge.RETRIES]
        if due and self._throttle.out_of_budget(self._clock.monotonic()):
            for pending in due:
                pending.history = msgspec.structs.replace(
                    pending.history, withheld=Cause.RETRY_BUDGET
                )

    def _wake_all(self) -> None:
        """Wake all workers, wherever they wait: there is nothing left to hold back."""
        self._slots.open()
        for hold in self._holds:
            hold.cancel()
        self._wakeup.notify_all()

    def _regulate(self) -> None:
        """Assign the slots anew, and see to it that this is done again when it is time."""
        self._tell_overdue()
        if self._end is not None or self._scheduler.over:
            return
        now = self._clock.monotonic()
        self._scheduler.reconsider_due(now)
        if why := self._throttle.given_up(now):
            self.stop(self._given_up(why))
            return
        permit = self._throttle.permit(now, self._busy_s())
        self._slots.resize(max(0, min(self._cap, permit.tokens) - permit.carried))
        self._timer.set(now + permit.for_s)
        self._employ()
        self._wakeup.notify_all()

    def _employ(self) -> None:
        """Have as many workers as the limit may keep busy.

        Whoever waits for a slot is given it in turn, so with more of them than slots every attempt
        would wait for another worker to wake up.
        """
        while self._running and self._workers < min(self._employable, self._wanted):
            self._workers += 1
            self._tasks.start_soon(self._work)

    @property
    def _wanted(self) -> int:
        """How many workers there should be: at least one, to hear of the end of a pause."""
        return max(1, min(self._cap, self._throttle.limit))

    def _given_up(self, why: str) -> End:
        """The end of a far side that is down; what all began with may say that it never was up."""
        outlook = self.tally.copy()
        for pending in self._retries:
            outlook.count(pending.history)
        for history in self._holds.values():
            if history is not None:
                outlook.count(history)
        blamed = self._halt_first.blame(outlook, self.name)
        return blamed or End(Cause.BREAKER_OPEN, GivenUp(self.name, why))

    def _busy_s(self) -> float:
        return self._clock.busy_s() if self._throttle.adapts else 0.0

    async def _work(self) -> None:
        limiter = self._slots.limiter
        # The slot is this worker's by name: asking for the current task costs more than the rest.
        worker = object()
        while not self._scheduler.over and self._workers <= self._wanted:
            if not self._scheduler.ready():
                await self._wakeup.wait()
                continue
            try:
                limiter.acquire_on_behalf_of_nowait(worker)
                startable = self._is_in_time()
            except anyio.WouldBlock:
                await limiter.acquire_on_behalf_of(worker)
                startable = self._startable()  # it was so before the wait
            try:
                if startable:
                    await self._step()
            finally:
                limiter.release_on_behalf_of(worker)
                if self._late:
                    self._wakeup.notify_all()
        self._workers -= 1

    def _startable(self) -> bool:
        """Whether a worker that holds a slot may use it, or gives it back after a `resize`."""
        return not self._slots.overdrawn and self._scheduler.ready() and self._is_in_time()

    def _is_in_time(self) -> bool:
        if self._until == math.inf or self._clock.monotonic() <= self._until:
            return True
        self.resize(0)
        self._expired = True
        return False

    async def _step(self) -> None:
        """Make one attempt, if there still is one to make."""
        start = await self._admit()
        if start is None:
            # A lane has just run out; or a probe was sent meanwhile, so that slots are too many.
            self._regulate()
            if self._scheduler.over:
                self._wake_all()
        elif start.pending is not None:
            await self._retry(start.pending, start.generation)
        else:
            await self._first(start.item, start.lane, start.generation)

    async def _admit(self) -> Start[ItemT, AttemptT] | None:
        rate_queue = self._slots.rate_queue
        if rate_queue is None:
            return await self._scheduler.take()
        async with rate_queue.lock:
            if self._startable():
                await rate_queue.pace()
            return await self._scheduler.take() if self._startable() else None

    async def _mark(self, item: ItemT, attempt: int) -> bool:
        """Have an attempt marked; whether it may be made, which it may by now.

        A mark may wait for so long that the limit's time is past. It cannot be taken back, for
        nobody knows after a kill that nothing was sent: so its attempt waits for the next limit.
        """
        if not await self._source.mark(item, attempt):
            return False
        if not self._is_in_time() or self._expired:
            limiter = self._slots.limiter
            self._late += 1
            try:
                while self.in_flight - self._late >= min(self._cap, limiter.total_tokens):
                    await self._wakeup.wait()
            finally:
                self._late -= 1
        return True

    async def _first(self, item: ItemT, lane: int, generation: int) -> None:
        if not await self._mark(item, 1):
            self._taken_away(lane, generation)
            return
        since = self._clock.monotonic()
        flight = Flight(generation, since, self._is_overdue)
        attempt, changed = await self._make(item, flight)
        history = AttemptHistory.begin(attempt)
        decision = self._judge(item, history, since)
        lingers = attempt.disposition.lingers
        if lingers:
            decision = await self._outlast(flight, history, decision)
        if isinstance(decision, Retry):
            pending = PendingRetry(item, history, decision, lane=lane, since=since)
            self._retries.add(pending)
            self._scheduler.sweep()
            self._tasks.start_soon(self._wait_for_retry, pending)
        elif isinstance(decision, Poll):
            self._queue_absent(PendingRetry(item, history, decision, lane=lane, since=since))
        else:
            self._settle(item, history)
        if changed:
            self._regulate()
        if lingers and flight in self._throttle.lingering:
            await self._hold(flight, None)

    async def _retry(self, pending: PendingRetry[ItemT, AttemptT], generation: int) -> None:
        if not await self._mark(pending.item, pending.history.attempts + 1):
            self._throttle.withdraw(generation, self._clock.monotonic())
            pending.history = msgspec.structs.replace(pending.history, withheld=Cause.SUPERSEDED)
            pending.decision = Stop("somebody else has taken it")
            self._go_on(pending)
            self._regulate()
            return
        flight = Flight(generation, self._clock.monotonic(), self._is_overdue)
        attempt, changed = await self._make(pending.item, flight)
        history = pending.history.then(attempt)
        decision = self._judge(pending.item, history, pending.since)
        if attempt.disposition.lingers:
            decision = await self._outlast(flight, history, decision)
        pending.history, pending.decision = history, decision
        self._go_on(pending)
        if changed:
            self._regulate()
        if flight in self._throttle.lingering:
            await self._hold(flight, None)

    def _go_on(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Do what was decided on an item that was tried again."""
        pending.in_flight = False
        if pending.absent:
            self._retries.remove(pending)
            if isinstance(pending.decision, Stop):
                self._absent.done()
                self._left_queue(pending.lane)
                self._settle(pending.item, pending.history)
            else:
                self._absent.add(pending)
        else:
            self._retries.add(pending)
            pending.answered.set()

    def _taken_away(self, lane: int, generation: int) -> None:
        """An item was taken by somebody else before its first attempt, as if it had not been."""
        self._throttle.withdraw(generation, self._clock.monotonic())
        self._scheduler.open -= 1
        self.tally.lose()
        if self._gates is not None:
            self._gates.returned(lane)
        self._regulate()
        if self._scheduler.over:
            self._wake_all()

    async def _make(self, item: ItemT, flight: Flight) -> tuple[AttemptT, bool]:
        """Make an attempt; it, and whether it changed how many there may be."""
        self._throttle.began(flight.began)
        self.under_way += 1
        try:
            attempt = await self._attempt(item, flight.overdue)
        finally:
            self.under_way -= 1
        if self._overdue:
            self._tell_overdue()
        ended = self._clock.monotonic()
        return attempt, self._throttle.ended(attempt, flight, ended, self._busy_s())

    def _is_overdue(self, flight: Flight) -> None:
        # Called by a timer, where nobody would hear of what is raised.
        self._overdue.append(flight)
        self._timer.set(self._clock.monotonic())

    def _tell_overdue(self) -> None:
        while self._overdue:
            flight = self._overdue.pop(0)
            self._throttle.overdue(flight, self._clock.monotonic(), self._busy_s())

    async def _outlast(
        self, flight: Flight, history: AttemptHistory[AttemptT], decision: Decision
    ) -> Decision:
        """Wait with what follows an attempt until nobody is at work on it; what follows then.

        Only a further attempt is worth waiting for.
        """
        if isinstance(decision, Stop) or flight not in self._throttle.lingering:
            return decision
        began = self._clock.monotonic()
        await self._hold(flight, history)
        if self._end is not None:
            self._cut_short = True
            return Stop(f"stopped: {self._end.cause}")
        if isinstance(decision, Retry):
            # The back-off ran meanwhile.
            after_s = max(0.0, decision.after_s - (self._clock.monotonic() - began))
            return msgspec.structs.replace(decision, after_s=after_s)
        return decision

    async def _hold(self, flight: Flight, history: AttemptHistory[AttemptT] | None) -> None:
        """Keep the slot until nobody is at work on what was sent, or nobody wants it any more.

        Args:
            flight: The attempt, whose connection has ended.
            history: What is to be said of its item meanwhile; None: that is said already.
        """
        self._regulate()
        lingering = self._throttle.lingering
        if self._end is not None or self._scheduler.over:
            lingering.leave(flight)
            return
        with anyio.CancelScope() as scope:
            self._holds[scope] = history
            try:
                await self._clock.sleep(max(0.0, lingering.until(flight) - self._clock.monotonic()))
            finally:
                del self._holds[scope]
        if scope.cancelled_caught:  # the slot is given back, and it counts without
            lingering.leave(flight)
        else:
            lingering.remove(flight)
            self._regulate()

    def _judge(self, item: ItemT, history: AttemptHistory[AttemptT], since: float) -> Decision:
        decision: Decision = APPLIED
        if history.last.disposition.cause is not None:
            decision = decide(
                self._policy,
                history,
                self._random,
                elapsed_s=self._clock.monotonic() - since,
                sweeping=not self._scheduler.fresh,
                awaiting=self._waits and self._absent.open,
            )
        if self._end is not None and not isinstance(decision, Stop):
            self._cut_short = True
            decision = Stop(f"stopped: {self._end.cause}")
        if self._observe is not None:
            self._observe(item, history.attempts, history.last, decision)
        if not isinstance(decision, Stop):
            self._source.attempted(item, history.attempts, history.last)
        return decision

    async def _wait_for_retry(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        def due() -> None:
            if self._end is not None:
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
                if isinstance(pending.decision, Poll) and self._end is None:
                    self._queue_absent(pending)
                else:
                    if isinstance(pending.decision, Retry):
                        self._cut_short = True
                    self._settle(pending.item, pending.history)
            self._wakeup.notify_all()

    def _queue_absent(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        if self._gates is not None:
            self._gates.awaits(pending.lane, 1)
        self._absent.add(pending)
        self._scheduler.sweep()

    def _left_queue(self, lane: int) -> None:
        if self._gates is not None:
            self._gates.awaits(lane, -1)

    def _attempt_absent(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Have an attempt made of a guest."""
        self._retries.add(pending)
        self._retries.ready.add(pending)
        self._wakeup.notify_all()

    def _expire_absent(self, item: ItemT, lane: int, history: AttemptHistory[AttemptT]) -> None:
        """Nobody waits for the one whom an item is about any more."""
        if self._end is not None:
            self._cut_short = True
        self._left_queue(lane)
        last = history.last.disposition
        if last.delivery is Delivery.NEVER_SENT and last.absence is not Absence.NONE:
            history = msgspec.structs.replace(history, withheld=Cause.NOT_SIGNED_IN)
        self._settle(item, history)
        self._wakeup.notify_all()

    def _settle(self, item: ItemT, history: AttemptHistory[AttemptT]) -> None:
        self._source.settle(item, history)
        self._scheduler.open -= 1
        self.tally.count(history)
        if self._end is None and self.tally.verdict is not None:
            ruling = self._halt_first.ask(self.tally, self.name)
            if isinstance(ruling, End):
                self.stop(ruling)
        if self._settled is not None:
            self._settled(history)
        if self._scheduler.over:
            self._wake_all()
