"""One upstream's share of the work: its workers, its slots, its rate, its retries that wait.

One bulkhead knows nothing of another, so that one upstream's trouble is not another's.

How many slots there are is assigned here and nowhere else, by what the throttle says: none while
the upstream is paused or given time to recover, one while it is probed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import anyio

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.attempts import Attempts, Parts
from bulkagent.engine.gates.gate import Gates
from bulkagent.engine.gates.halt_rules import End, Tally
from bulkagent.engine.reopened import Reopened, Reopening
from bulkagent.engine.retry.policy import Decision, RetryPolicy
from bulkagent.engine.retry.poller import PollPolicy
from bulkagent.engine.retry.queue import RetryQueue
from bulkagent.engine.retry.timers import Timer, Wakeup
from bulkagent.engine.scheduler import Scheduler
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.slots import Limits, Slots
from bulkagent.engine.throttle.throttle import Throttle
from bulkagent.engine.throttle.throttle_policy import ThrottleEvent, ThrottlePolicy
from bulkagent.engine.workers import Workers
from bulkagent.model import Cause

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Bulkhead(Generic[ItemT, AttemptT]):
    """The workers of one upstream.

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
        throttle_policy: How soon the upstream is spared, and when it is given up.
        gates: Whether a lane may give items, and which lanes take turns; None: all may, in order.
        poll_policy: How long items are polled whose agents are not there; None: they are not.
        answered: Whether the upstream is known to have answered before.
        carried: When those requests began, by the clock, that others sent to the upstream and that
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
        notify: Called on the loop when something about the upstream as a whole has changed.
        before_end: Awaited when all has been attempted: whether items are to come again.
    """

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
        before_end: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self.tally = Tally(rows, applied_before=applied_before)
        self._clock = clock
        self._gates = gates
        self._ending = ending
        self._slots = Slots(limits, clock)
        self.space_out = self._slots.space_out
        """Wait for a turn in the rate once more, before what was held up since its start leaves."""
        self._throttle = Throttle(
            *(limits, throttle_policy or ThrottlePolicy(), random),
            answered=answered,
            carried=carried,
            notify=notify,
        )
        self._retries: RetryQueue[ItemT, AttemptT] = RetryQueue(limits.max_pending)
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
        parts = Parts(
            name=name,
            clock=clock,
            source=source,
            tally=self.tally,
            throttle=self._throttle,
            slots=self._slots,
            scheduler=self._scheduler,
            retries=self._retries,
            gates=gates,
            wakeup=self._wakeup,
            timer=self._timer,
            regulate=self._regulate,
            wake_all=self._wake_all,
            stop=self.stop,
        )
        self._attempts = Attempts(
            parts,
            attempt,
            policy=policy,
            poll_policy=poll_policy,
            random=random,
            halt_first=halt_first,
            observe=observe,
        )
        self._workers = Workers(parts, self._attempts, most=limits.most, rows=rows)
        self._reopening = Reopening(parts, before_end)
        if gates is not None:
            gates.listen(self._reconsider)
        self._stop_expected = False

    def __repr__(self) -> str:
        return (
            f"<Bulkhead {self.name}: {self.in_flight} in flight of"
            f" {self._slots.limiter.total_tokens}, {self.pending} wait for a retry,"
            f" {len(self._retries.ready)} due,"
            f" {len(self._scheduler.lanes)} lanes left"
            f"{f', stopped: {self._attempts.end.cause}' if self._attempts.end else ''}>"
        )

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._slots.limiter.borrowed_tokens

    @property
    def under_way(self) -> int:
        """Attempts that are being made; some slots wait for the rate."""
        return self._attempts.under_way

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
        return len(self._attempts.held) + self._throttle.lingering.carried(self._clock.monotonic())

    @property
    def pending(self) -> int:
        """Items between two attempts."""
        return len(self._retries)

    @property
    def awaited(self) -> int:
        """Items that wait in the absent queue."""
        return len(self._attempts.absent)

    @property
    def throttle(self) -> Throttle:
        """The reason why it is held back, for an observer."""
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
        an item was cut short, or an attempt in flight was. A halt always is, because what it
        says of the items that were sent is true however few were left. Final once `run` returned.
        """
        end = self._attempts.end
        if (
            end is None
            or end.cause is Cause.HALTED
            or self._scheduler.lanes_left
            or self._attempts.cut_short
        ):
            return end
        return end if self._scheduler.open else None

    def follow(self, earlier: Bulkhead[ItemT, AttemptT]) -> None:
        """Go on from what another one found out about the same upstream a moment ago."""
        self._throttle.follow(earlier._throttle)
        self._slots.follow(earlier._slots)

    async def run(
        self,
        settled: Callable[[AttemptHistory[AttemptT]], None] | None = None,
        reopened: Callable[[Reopened], None] | None = None,
    ) -> None:
        """Work off all lanes; return when every item that was taken has ended.

        Args:
            settled: Called with the attempts of every item that ended, once they are counted here.
            reopened: Called with every item that comes again, once that is counted.
        """
        self._attempts.settled = settled
        self._reopening.reopened = reopened
        self._regulate()
        async with anyio.create_task_group() as watches:
            self._reopening.tasks = watches
            watches.start_soon(self._timer.run)
            watches.start_soon(self._attempts.absent.run)
            await self._workers.run()
            while await self._reopening.is_more():
                self._regulate()
                await self._workers.run()
            self._reopening.tasks = None
            watches.cancel_scope.cancel()

    def expect(self, recorded: Awaitable[None]) -> None:
        """Items that have ended may come again; nothing ends before that is recorded.

        Args:
            recorded: Done when it is, and `reopen` was called with them.
        """
        self._reopening.expect(recorded)

    def reopen(self, reopened: Sequence[Reopened]) -> None:
        """Have items attempted once more that had ended: the source has them again.

        What they ended with is counted no more. Where nothing more is admitted they are left.
        """
        self._reopening.reopen(reopened)

    def resize(self, tokens: int, until: float = math.inf) -> None:
        """Let at most as many attempts be in flight at once, from 0 (a pause) on.

        Those in flight finish; further ones start when there are fewer. A pause lasts until it
        is ended or everything is stopped; it holds back nobody who has nothing left to do.

        Args:
            tokens: How many.
            until: The clock's time from which on none starts until this is called again.
        """
        self._workers.resize(tokens, until)

    def pace(self, per_second: float | None, burst: int) -> None:
        """Let at most as many attempts start a second from now on, above 0; None: any number.

        Args:
            per_second: Starts a second.
            burst: Starts at once after an idle time, at least 1.
        """
        self._slots.pace(per_second, burst)

    def expect_stop(self) -> None:
        """A stop of all is on its way: that others have stopped first closes no gate here."""
        self._stop_expected = True

    def stop(self, end: End) -> None:
        """Admit nothing more, for good; the first end that it is given stays.

        Attempts in flight finish, however long they take: the grace is the engine's. Items
        that wait for a retry end as they stand.
        """
        if self._attempts.end is not None:
            return
        self._attempts.close(end)
        self._wake_all()
        if self._ending is not None:
            self._ending(end)

    def _reconsider(self, lanes: Collection[int]) -> None:
        """The gates' answer may be another one for these lanes, some of which may be here."""
        if (
            self._stop_expected
            or self._attempts.end is not None
            or not self._scheduler.reconsider(lanes)
        ):
            return
        self._scheduler.sweep()
        if self._scheduler.over:
            self._wake_all()
        else:
            self._wakeup.notify_all()

    def _wake_all(self) -> None:
        """Wake all workers, wherever they wait: there is nothing left to hold back."""
        self._slots.open()
        self._attempts.held.release()
        self._wakeup.notify_all()

    def _regulate(self) -> None:
        """Assign the slots anew, and see to it that this is done again when it is time."""
        self._attempts.held.report_overdue()
        if self._attempts.end is not None or self._scheduler.over:
            return
        now = self._clock.monotonic()
        self._scheduler.reconsider_due(now)
        if down := self._throttle.given_up(now):
            self.stop(self._attempts.given_up(down))
            return
        permit = self._throttle.permit(now, self._attempts.held.busy_s())
        self._slots.resize(max(0, min(self._workers.cap, permit.tokens) - permit.carried))
        self._timer.set(now + permit.for_s)
        self._workers.employ()
        self._wakeup.notify_all()
