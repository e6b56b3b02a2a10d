"""The scheduler: a lane's next item, a retry, or a probe is attempted next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, NamedTuple, TypeVar

from bulkagent.attempt import AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.gates.gate import Gates, NotYet
from bulkagent.engine.gates.halt_rules import End
from bulkagent.engine.retry.pending_retry import PendingRetry
from bulkagent.engine.retry.queue import RetryQueue
from bulkagent.engine.retry.timers import Timer, Wakeup
from bulkagent.engine.round_robin import RoundRobin
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.circuit_breaker import Yes
from bulkagent.engine.throttle.throttle import Throttle
from bulkagent.model import RetryCharge

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Start(NamedTuple, Generic[ItemT, AttemptT]):
    """What a worker is about to attempt; the item alone where it is its first attempt."""

    item: ItemT
    lane: int
    generation: int
    pending: PendingRetry[ItemT, AttemptT] | None = None


class Scheduler(Generic[ItemT, AttemptT]):
    """The choice of what a bulkhead attempts.

    Args:
        lanes: Its lanes, in the order in which they are to be worked off.
        source: Where items come from.
        retries: The items that are between two attempts.
        throttle: Whether anything may be attempted.
        gates: Whether a lane may give items, and which lanes take turns; None: any, in order.
        rows: How many items its lanes have in all; 0 where nobody knows.
        clock: Time.
        wakeup: Notified when there may be something to attempt that was not there before.
        timer: Set to when a retry that is held back may be made.
    """

    __slots__ = (
        "_clock",
        "_closed",
        "_gates",
        "_held",
        "_probed",
        "_retries",
        "_rows",
        "_source",
        "_taken",
        "_throttle",
        "_timer",
        "_wakeup",
        "lanes",
        "lanes_ended",
        "lanes_left",
        "open",
    )

    def __init__(
        self,
        lanes: Sequence[int],
        source: Source[ItemT, AttemptT],
        retries: RetryQueue[ItemT, AttemptT],
        throttle: Throttle,
        *,
        gates: Gates | None = None,
        rows: int,
        clock: Clock,
        wakeup: Wakeup,
        timer: Timer,
    ) -> None:
        self.lanes = RoundRobin(lanes, gates.group if gates else None)
        """Those that may give an item, as far as is known."""
        self.lanes_left: list[int] = []
        """Lanes that `close` closed before the source had said that they have no more."""
        self.lanes_ended: dict[int, End] = {}
        """Lanes that their gates have closed for good, and why."""
        self._held: dict[int, float] = {}  # lane -> when to ask for it again
        self._gates = gates
        self.open = 0
        """Items asked for or taken that have not ended."""
        self._rows = rows
        self._taken = 0
        self._source = source
        self._retries = retries
        self._throttle = throttle
        self._clock = clock
        self._wakeup = wakeup
        self._timer = timer
        self._probed: ItemT | None = None
        self._closed = False

    @property
    def over(self) -> bool:
        """Whether there is nothing more to come, and nobody has anything any more."""
        # In the order in which they are likely to answer: this is asked around every attempt.
        return not (self.open or self.lanes or self._held)

    @property
    def fresh(self) -> bool:
        """Whether a new item may be taken."""
        return bool(self.lanes) and not self._retries.full

    def close(self) -> None:
        """Choose nothing more; what is in flight comes to its end."""
        self._closed = True
        left = [*self.lanes, *self._held]
        self.lanes_left.extend(left)
        self.lanes.clear()
        self._held.clear()
        if self._gates is not None:
            for lane in left:
                self._gates.closed(lane)

    def reopen(self, lane: int) -> None:
        """The lane has one item more, although it may have had its last."""
        if self._rows:
            self._rows += 1
        if not (self._closed or lane in self._held or lane in self.lanes):
            self.lanes.add(lane)

    def reconsider(self, lanes: Collection[int]) -> bool:
        """Ask the gates again for those of the lanes that are held; whether any is not any more."""
        gates = self._gates
        if gates is None or not self._held:
            return False
        now = self._clock.monotonic()
        held = len(self._held)
        for lane in lanes:
            if lane not in self._held:
                continue
            admits = gates.ask(lane, now)
            if isinstance(admits, NotYet):
                self._hold(lane, admits)
                continue
            del self._held[lane]
            if isinstance(admits, End):
                self._end(lane, admits)
            else:
                self.lanes.add(lane)
        return len(self._held) < held

    def reconsider_due(self, now: float) -> None:
        """Ask the gates again for lanes whose time has come."""
        self.reconsider([lane for lane, at in self._held.items() if at <= now])
        if self._held:
            # The timer keeps the earliest time alone, and that may have been another one's.
            self._timer.set(min(self._held.values()))

    def ready(self) -> bool:
        """Whether there is anything to attempt: a due retry goes before a new item."""
        if self.fresh:
            return True
        # After the end the slots are open to all, so who found what is in flight to be a probe
        # would be sent round in circles, without ever letting it end.
        probing = self._throttle.wants_probe and not self._closed
        if not (self._retries.waiting if probing else self._retries.ready):
            return False
        now = self._clock.monotonic()
        if probing:
            # Whichever will be the probe, there is room for it.
            room_in_s = max(self._throttle.room_in(charge, now) for charge in RetryCharge)
        else:
            heads = self._retries.ready.heads()
            room_in_s = min(self._throttle.room_in(head.charge, now) for head in heads)
        if room_in_s:
            self._timer.set(now + room_in_s)
        return not room_in_s

    async def take(self) -> Start[ItemT, AttemptT] | None:
        """A due retry, else a lane's next item; neither where a lane has just run out."""
        answer = self._throttle.may_dispatch(self._clock.monotonic())
        if not isinstance(answer, Yes):
            return None
        if answer.probe:
            start = await self._take_new() if self.fresh else await self._take_longest()
            if start is not None:
                self._probed = start.item
            return start
        if self._retries.ready:
            now = self._clock.monotonic()
            for head in self._retries.ready.heads():
                if self._throttle.grant(head.charge, now):
                    return self._pick(head)
        return await self._take_new() if self.fresh else None

    async def _take_new(self) -> Start[ItemT, AttemptT] | None:
        now = self._clock.monotonic()
        lane = self.lanes.next()
        if self._gates is not None:
            admits = self._gates.ask(lane, now)
            if isinstance(admits, End | NotYet):
                self.lanes.remove(lane)
                if isinstance(admits, End):
                    self._end(lane, admits)
                else:
                    self._hold(lane, admits)
                self.sweep()
                return None
            self._gates.taken(lane)
        generation = self._throttle.dispatch(now)
        self.open += 1
        try:
            item = await self._source.take(lane)
        except BaseException:
            self.open -= 1  # nothing was taken, so nothing is cut short
            raise
        if item is None:
            self._throttle.withdraw(generation, self._clock.monotonic())
            self._exhausted(lane)
            return None
        self._throttle.first(now)
        self._taken += 1
        if self._taken == self._rows:
            # Nobody need wait for a pause to end, only to hear that there is nothing left.
            self.lanes.clear()
            self._held.clear()
            self.sweep()
        return Start(item, lane, generation)

    async def _take_longest(self) -> Start[ItemT, AttemptT] | None:
        """The retry that waits the longest, as a probe, whether its own time has come or not."""
        self.sweep()
        pending = self._retries.longest(but=self._probed)
        if pending is None:
            return None
        if pending not in self._retries.ready:
            pending.hurry()
        while pending not in self._retries.ready:
            # It may have ended by now; or there is room for a new item, which is the better
            # probe, and then this one may have been put off and would not come to be due.
            if pending not in self._retries or self.fresh:
                return None
            await self._wakeup.wait()
        granted = self._throttle.grant(pending.charge, self._clock.monotonic())
        return self._pick(pending) if granted else None

    def _pick(self, pending: PendingRetry[ItemT, AttemptT]) -> Start[ItemT, AttemptT]:
        generation = self._throttle.dispatch(self._clock.monotonic())
        self._retries.pick(pending)
        return Start(pending.item, pending.lane, generation, pending)

    def _hold(self, lane: int, until: NotYet) -> None:
        self._held[lane] = until.at
        self._timer.set(until.at)

    def _end(self, lane: int, end: End) -> None:
        self.lanes_ended[lane] = end
        if self._gates is not None:
            self._gates.closed(lane)

    def _exhausted(self, lane: int) -> None:
        self.open -= 1
        # Several may have asked at once, or the end may have closed it meanwhile.
        if lane in self.lanes:
            self.lanes.remove(lane)
        self._held.pop(lane, None)
        if lane in self.lanes_left:
            self.lanes_left.remove(lane)
        if self._gates is not None:
            self._gates.returned(lane)
            self._gates.closed(lane)
        self.sweep()

    def sweep(self) -> None:
        """Try those again whose attempts are spent, if nothing new is to be taken."""
        if not self.fresh and self._retries.sweep():
            self._wakeup.notify_all()
