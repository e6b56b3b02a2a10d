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
from bulkagent.engine.retry.absent import Lobby
from bulkagent.engine.retry.bell import Bell
from bulkagent.engine.retry.parked import Parked
from bulkagent.engine.retry.policy import (
    APPLIED,
    Again,
    Decision,
    Enough,
    RetryPolicy,
    Yet,
    decide,
)
from bulkagent.engine.retry.poller import Patience
from bulkagent.engine.retry.queue import Parking, until_enough
from bulkagent.engine.retry.timers import Alarm
from bulkagent.engine.scheduler import Intake, Start
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.lingering import Flight
from bulkagent.engine.throttle.slots import Admission, Limits
from bulkagent.engine.throttle.throttle import Caution, Notice, Restraint
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
        caution: How soon the far side is spared, and when it is given up.
        gates: Whether a lane may give items, and which lanes take turns; None: all may, in order.
        patience: How long those are waited for who are not there; None: they are not.
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
            stop is shown as `Enough`. What it raises ends the run as a defect.
        ending: Called once, at the moment from which on nothing more is admitted.
        notice: Called on the loop when something about the far side as a whole has changed.
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
        caution: Caution | None = None,
        gates: Gates | None = None,
        patience: Patience | None = None,
        answered: bool = False,
        carried: Iterable[float] = (),
        rows: int = 0,
        applied_before: bool = False,
        halt_first: int = 0,
        observe: Callable[[ItemT, int, AttemptT, Decision], None] | None = None,
        ending: Callable[[End], None] | None = None,
        notice: Callable[[Notice], None] | None = None,
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
        self._admission = Admission(limits, clock)
        self._restraint = Restraint(
            *(limits, caution or Caution(), random),
            answered=answered,
            carried=carried,
            notice=notice,
        )
        self._overdue: list[Flight] = []  # of which nobody has been told
        self._holds: dict[anyio.CancelScope, AttemptHistory[AttemptT] | None] = {}
        self._parking: Parking[ItemT, AttemptT] = Parking(limits.max_parked)
        self._gates = gates
        self._waits = patience is not None
        self._lobby: Lobby[ItemT, AttemptT] = Lobby(
            patience, clock, random, admit=self._call_in, dismiss=self._dismiss_guest
        )
        self._bell = Bell()
        self._alarm = Alarm(clock, self._regulate)
        self._intake = Intake(
            lanes,
            source,
            self._parking,
            self._restraint,
            gates=gates,
            rows=rows,
            clock=clock,
            bell=self._bell,
            alarm=self._alarm,
        )
        if gates is not None:
            gates.listen(self._reconsider)
        self._end: End | None = None
        self._hushed = False
        self._cut_short = False

    def __repr__(self) -> str:
        return (
            f"<Bulkhead {self.name}: {self.in_flight} in flight of"
            f" {self._admission.slots.total_tokens}, {self.parked} parked,"
            f" {len(self._parking.due)} due,"
            f" {len(self._intake.lanes)} lanes left"
            f"{f', stopped: {self._end.cause}' if self._end else ''}>"
        )

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._admission.slots.borrowed_tokens

    @property
    def in_use(self) -> int:
        """The same, with those that others left behind."""
        return self.in_flight + self._restraint.lingering.carried(self._clock.monotonic())

    @property
    def lingering(self) -> int:
        """Requests that use a slot although their answer is overdue, or will not come."""
        carried = self._restraint.lingering.carried(self._clock.monotonic())
        return len(self._restraint.lingering) + carried

    @property
    def held(self) -> int:
        """Of these, those whose connection has ended."""
        return len(self._holds) + self._restraint.lingering.carried(self._clock.monotonic())

    @property
    def parked(self) -> int:
        """Items between two attempts."""
        return len(self._parking)

    @property
    def awaited(self) -> int:
        """Items that wait for whoever they are about."""
        return len(self._lobby)

    @property
    def restraint(self) -> Restraint:
        """What holds it back, for whoever looks on."""
        return self._restraint

    @property
    def lanes_ended(self) -> Mapping[int, End]:
        """Lanes that their gates have closed for good, and why."""
        return self._intake.lanes_ended

    @property
    def lanes_left(self) -> tuple[int, ...]:
        """Lanes that the end closed before the source had said that they have no more."""
        return tuple(self._intake.lanes_left)

    @property
    def ended(self) -> End | None:
        """Why it ended before its time; None where it came to its own end.

        A stop that came too late to change anything is no end: it is one if lanes were left, or
        a story was cut short, or an attempt in flight was. A halt always is, because what it
        says of the items that were sent is true however few were left. Final once `run` returned.
        """
        end = self._end
        if end is None or end.cause is Cause.HALTED or self._intake.lanes_left or self._cut_short:
            return end
        return end if self._intake.open else None

    def follow(self, earlier: Bulkhead[ItemT, AttemptT]) -> None:
        """Go on from what another one found out about the same far side a moment ago."""
        self._restraint.follow(earlier._restraint)

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
            watches.start_soon(self._alarm.run)
            watches.start_soon(self._lobby.run)
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
            self._intake.open += 1
            self._watches.start_soon(self._await_recorded, recorded)

    def reopen(self, reopened: Sequence[Reopened]) -> None:
        """Have items attempted once more whose stories had ended: the source has them again.

        What they ended with is counted no more. Where nothing more is admitted they are left.
        """
        for item in reopened:
            item.undo(self.tally)
            if item.again:
                self._intake.reopen(item.lane)
            if self._reopened is not None:
                self._reopened(item)
        self._regulate()
        self._bell.ring()

    async def _await_recorded(self, recorded: Awaitable[None]) -> None:
        await recorded
        self._expected -= 1
        self._intake.open -= 1
        if self._intake.over:
            self._dismiss()
        self._bell.ring()

    async def _is_more(self) -> bool:
        """Whether stories were opened again after all had come to their ends."""
        if self._look_back is not None:
            await self._look_back()
        while self._expected:
            await self._bell.wait()
        return not self._intake.over

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
            self._bell.ring()

    def pace(self, per_second: float | None, burst: int) -> None:
        """Let at most as many attempts start a second from now on, above 0; None: any number.

        Args:
            per_second: Starts a second.
            burst: Starts at once after an idle time, at least 1.
        """
        self._admission.pace(per_second, burst)

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
        self._intake.close()
        self._withhold()
        self._parking.clear()
        for parked in list(self._parking):
            if parked.in_flight:
                continue
            if parked.guest:
                self._parking.remove(parked)
                self._lobby.receive(parked)
            else:
                parked.scope.cancel()
        self._lobby.close()
        self._dismiss()
        if self._ending is not None:
            self._ending(end)

    def _reconsider(self, lanes: Collection[int]) -> None:
        """The gates' answer may be another one for these lanes, some of which may be here."""
        if self._hushed or self._end is not None or not self._intake.reconsider(lanes):
            return
        self._intake.sweep()
        if self._intake.over:
            self._dismiss()
        else:
            self._bell.ring()

    def _withhold(self) -> None:
        """Say of retries that were due why they are not made, where that is the budget's doing."""
        due = [parked for parked in self._parking.due if parked.charge is RetryCharge.RETRIES]
        if due and self._restraint.out_of_budget(self._clock.monotonic()):
            for parked in due:
                parked.history = msgspec.structs.replace(
                    parked.history, withheld=Cause.RETRY_BUDGET
                )

    def _dismiss(self) -> None:
        """Wake all workers, wherever they wait: there is nothing left to hold back."""
        self._admission.open()
        for hold in self._holds:
            hold.cancel()
        self._bell.ring()

    def _regulate(self) -> None:
        """Assign the slots anew, and see to it that this is done again when it is time."""
        self._tell_overdue()
        if self._end is not None or self._intake.over:
            return
        now = self._clock.monotonic()
        self._intake.reconsider_due(now)
        if why := self._restraint.given_up(now):
            self.stop(self._given_up(why))
            return
        allowance = self._restraint.allowance(now, self._busy_s())
        self._admission.resize(max(0, min(self._cap, allowance.tokens) - allowance.carried))
        self._alarm.set(now + allowance.for_s)
        self._employ()
        self._bell.ring()

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
        return max(1, min(self._cap, self._restraint.limit))

    def _given_up(self, why: str) -> End:
        """The end of a far side that is down; what all began with may say that it never was up."""
        outlook = self.tally.copy()
        for parked in self._parking:
            outlook.count(parked.history)
        for history in self._holds.values():
            if history is not None:
                outlook.count(history)
        blamed = self._halt_first.blame(outlook, self.name)
        return blamed or End(Cause.BREAKER_OPEN, GivenUp(self.name, why))

    def _busy_s(self) -> float:
        return self._clock.busy_s() if self._restraint.adapts else 0.0

    async def _work(self) -> None:
        slots = self._admission.slots
        # The slot is this worker's by name: asking for the current task costs more than the rest.
        worker = object()
        while not self._intake.over and self._workers <= self._wanted:
            if not self._intake.ready():
                await self._bell.wait()
                continue
            try:
                slots.acquire_on_behalf_of_nowait(worker)
                startable = self._is_in_time()
            except anyio.WouldBlock:
                await slots.acquire_on_behalf_of(worker)
                startable = self._startable()  # it was so before the wait
            try:
                if startable:
                    await self._step()
            finally:
                slots.release_on_behalf_of(worker)
                if self._late:
                    self._bell.ring()
        self._workers -= 1

    def _startable(self) -> bool:
        """Whether a worker that holds a slot may use it, or gives it back after a `resize`."""
        return not self._admission.overdrawn and self._intake.ready() and self._is_in_time()

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
            if self._intake.over:
                self._dismiss()
        elif start.parked is not None:
            await self._retry(start.parked, start.era)
        else:
            await self._first(start.item, start.lane, start.era)

    async def _admit(self) -> Start[ItemT, AttemptT] | None:
        turnstile = self._admission.turnstile
        if turnstile is None:
            return await self._intake.take()
        async with turnstile.lock:
            if self._startable():
                await turnstile.pace()
            return await self._intake.take() if self._startable() else None

    async def _mark(self, item: ItemT, attempt: int) -> bool:
        """Have an attempt marked; whether it may be made, which it may by now.

        A mark may wait for so long that the limit's time is past. It cannot be taken back, for
        nobody knows after a kill that nothing was sent: so its attempt waits for the next limit.
        """
        if not await self._source.mark(item, attempt):
            return False
        if not self._is_in_time() or self._expired:
            slots = self._admission.slots
            self._late += 1
            try:
                while self.in_flight - self._late >= min(self._cap, slots.total_tokens):
                    await self._bell.wait()
            finally:
                self._late -= 1
        return True

    async def _first(self, item: ItemT, lane: int, era: int) -> None:
        if not await self._mark(item, 1):
            self._taken_away(lane, era)
            return
        since = self._clock.monotonic()
        flight = Flight(era, since, self._is_overdue)
        attempt, changed = await self._make(item, flight)
        history = AttemptHistory.begin(attempt)
        decision = self._judge(item, history, since)
        lingers = attempt.disposition.lingers
        if lingers:
            decision = await self._outlast(flight, history, decision)
        if isinstance(decision, Again):
            parked = Parked(item, history, decision, lane=lane, since=since)
            self._parking.add(parked)
            self._intake.sweep()
            self._tasks.start_soon(self._park, parked)
        elif isinstance(decision, Yet):
            self._await(Parked(item, history, decision, lane=lane, since=since))
        else:
            self._settle(item, history)
        if changed:
            self._regulate()
        if lingers and flight in self._restraint.lingering:
            await self._hold(flight, None)

    async def _retry(self, parked: Parked[ItemT, AttemptT], era: int) -> None:
        if not await self._mark(parked.item, parked.history.attempts + 1):
            self._restraint.withdraw(era, self._clock.monotonic())
            parked.history = msgspec.structs.replace(parked.history, withheld=Cause.SUPERSEDED)
            parked.decision = Enough("somebody else has taken it")
            self._go_on(parked)
            self._regulate()
            return
        flight = Flight(era, self._clock.monotonic(), self._is_overdue)
        attempt, changed = await self._make(parked.item, flight)
        history = parked.history.then(attempt)
        decision = self._judge(parked.item, history, parked.since)
        if attempt.disposition.lingers:
            decision = await self._outlast(flight, history, decision)
        parked.history, parked.decision = history, decision
        self._go_on(parked)
        if changed:
            self._regulate()
        if flight in self._restraint.lingering:
            await self._hold(flight, None)

    def _go_on(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Do what was decided on an item that was tried again."""
        parked.in_flight = False
        if parked.guest:
            self._parking.remove(parked)
            if isinstance(parked.decision, Enough):
                self._lobby.left()
                self._part(parked.lane)
                self._settle(parked.item, parked.history)
            else:
                self._lobby.receive(parked)
        else:
            self._parking.add(parked)
            parked.answered.set()

    def _taken_away(self, lane: int, era: int) -> None:
        """An item was taken by somebody else before its first attempt, as if it had not been."""
        self._restraint.withdraw(era, self._clock.monotonic())
        self._intake.open -= 1
        self.tally.lose()
        if self._gates is not None:
            self._gates.returned(lane)
        self._regulate()
        if self._intake.over:
            self._dismiss()

    async def _make(self, item: ItemT, flight: Flight) -> tuple[AttemptT, bool]:
        """Make an attempt; it, and whether it changed how many there may be."""
        self._restraint.began(flight.began)
        self.under_way += 1
        try:
            attempt = await self._attempt(item, flight.overdue)
        finally:
            self.under_way -= 1
        if self._overdue:
            self._tell_overdue()
        ended = self._clock.monotonic()
        return attempt, self._restraint.ended(attempt, flight, ended, self._busy_s())

    def _is_overdue(self, flight: Flight) -> None:
        # Called by a timer, where nobody would hear of what is raised.
        self._overdue.append(flight)
        self._alarm.set(self._clock.monotonic())

    def _tell_overdue(self) -> None:
        while self._overdue:
            flight = self._overdue.pop(0)
            self._restraint.overdue(flight, self._clock.monotonic(), self._busy_s())

    async def _outlast(
        self, flight: Flight, history: AttemptHistory[AttemptT], decision: Decision
    ) -> Decision:
        """Wait with what follows an attempt until nobody is at work on it; what follows then.

        Only a further attempt is worth waiting for.
        """
        if isinstance(decision, Enough) or flight not in self._restraint.lingering:
            return decision
        began = self._clock.monotonic()
        await self._hold(flight, history)
        if self._end is not None:
            self._cut_short = True
            return Enough(f"stopped: {self._end.cause}")
        if isinstance(decision, Again):
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
        lingering = self._restraint.lingering
        if self._end is not None or self._intake.over:
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
                sweeping=not self._intake.fresh,
                awaiting=self._waits and self._lobby.open,
            )
        if self._end is not None and not isinstance(decision, Enough):
            self._cut_short = True
            decision = Enough(f"stopped: {self._end.cause}")
        if self._observe is not None:
            self._observe(item, history.attempts, history.last, decision)
        if not isinstance(decision, Enough):
            self._source.attempted(item, history.attempts, history.last)
        return decision

    async def _park(self, parked: Parked[ItemT, AttemptT]) -> None:
        def due() -> None:
            if self._end is not None:
                return  # its cancellation is under way
            if isinstance(parked.decision, Again) and parked.decision.last and self._intake.fresh:
                self._parking.put_off(parked)
                return
            self._parking.due.add(parked)
            self._bell.ring()

        try:
            with parked.scope:
                await until_enough(parked, due=due, clock=self._clock)
        finally:
            self._parking.remove(parked)
            # However it came to its end, what stands is told; what is in flight does not stand.
            if not parked.in_flight:
                if isinstance(parked.decision, Yet) and self._end is None:
                    self._await(parked)
                else:
                    if isinstance(parked.decision, Again):
                        self._cut_short = True
                    self._settle(parked.item, parked.history)
            self._bell.ring()

    def _await(self, parked: Parked[ItemT, AttemptT]) -> None:
        if self._gates is not None:
            self._gates.awaits(parked.lane, 1)
        self._lobby.receive(parked)
        self._intake.sweep()

    def _part(self, lane: int) -> None:
        if self._gates is not None:
            self._gates.awaits(lane, -1)

    def _call_in(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Have an attempt made of a guest."""
        self._parking.add(parked)
        self._parking.due.add(parked)
        self._bell.ring()

    def _dismiss_guest(self, item: ItemT, lane: int, history: AttemptHistory[AttemptT]) -> None:
        """Nobody waits for the one whom an item is about any more."""
        if self._end is not None:
            self._cut_short = True
        self._part(lane)
        last = history.last.disposition
        if last.delivery is Delivery.NEVER_SENT and last.absence is not Absence.NONE:
            history = msgspec.structs.replace(history, withheld=Cause.NOT_SIGNED_IN)
        self._settle(item, history)
        self._bell.ring()

    def _settle(self, item: ItemT, history: AttemptHistory[AttemptT]) -> None:
        self._source.settle(item, history)
        self._intake.open -= 1
        self.tally.count(history)
        if self._end is None and self.tally.verdict is not None:
            ruling = self._halt_first.ask(self.tally, self.name)
            if isinstance(ruling, End):
                self.stop(ruling)
        if self._settled is not None:
            self._settled(history)
        if self._intake.over:
            self._dismiss()
