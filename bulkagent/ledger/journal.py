"""A run's marks and outcomes, as they happen.

Reading ahead and checkpoints (which sync to disk) are for a thread with a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import anyio
import msgspec

from bulkagent.clock import Clock
from bulkagent.ledger.database import Database
from bulkagent.ledger.group_commit import Batch, GroupCommit, Halted, LimitChanged, SwitchedOver
from bulkagent.ledger.prefetch import Prefetch
from bulkagent.ledger.redelivery import Doubted, FormerOutcome, Redelivery, doubtful
from bulkagent.model import (
    Assignment,
    Attempt,
    AttemptHistory,
    Carryover,
    Cause,
    Delivery,
    Outcome,
    Status,
    conclude,
)

_CHECKPOINT_S = 5.0


class Counters:
    """What is on disk of this leg so far; never ahead of it."""

    __slots__ = (
        "by_cause",
        "by_status",
        "finished",
        "in_doubt",
        "not_sent",
        "once_more",
        "requests",
        "retries",
        "unfinished",
    )

    def __init__(self) -> None:
        self.requests = 0
        """Attempts of which a byte may have left."""
        self.retries = 0
        """Of these, beyond the first for an agent in this leg."""
        self.not_sent = 0
        """Further attempts, of which no byte left."""
        self.finished = 0
        self.unfinished = 0
        """Agents to whom a request was sent and who have no outcome; those in doubt aside."""
        self.once_more = 0
        """Agents who had been set and were put in doubt, to be sent once more."""
        self.in_doubt = 0
        """Of these, those who have not finished again."""
        self.by_status: dict[Status, int] = dict.fromkeys(Status, 0)
        self.by_cause: dict[str, int] = {}
        """Of those that are not applied."""

    def followed_by(self, later: Counters, once_more: int) -> Counters:
        """Both together, where `later` is of so many agents who had been put in doubt."""
        both = Counters()
        both.requests = self.requests + later.requests
        both.retries = self.retries + later.retries
        both.not_sent = self.not_sent + later.not_sent
        both.finished = self.finished + later.finished
        both.unfinished = self.unfinished
        both.once_more = once_more
        both.in_doubt = once_more - later.finished
        both.by_status = {
            status: count + later.by_status[status] for status, count in self.by_status.items()
        }
        causes = (*self.by_cause.items(), *later.by_cause.items())
        for cause, count in causes:
            both.by_cause[cause] = both.by_cause.get(cause, 0) + count
        return both


_Told = Callable[[Sequence[tuple[int, FormerOutcome]]], None]


class Journal:
    """One leg's source of assignments and the record of what became of them.

    Args:
        database: The ledger; this journal opens two more connections to it.
        run: The run's key in it.
        leg: Which stretch of sending this is: 1, and one more with each resume.
        applied: The gateways at which earlier legs have applied somebody.
        only: Hand out only what ended with one of these causes; none: all that is left.
        operation: The operation's name, for the assignments that it hands out.
        lanes: The lanes that it hands out.
        clock: Time.
        synced: Whether marks and outcomes must survive the loss of power.
        settled: Called with each outcome once it is on disk. What it raises ends the run: from
            then on every mark raises it.
        ended: Called with the lane, the assignment and the outcome, the same.
        batched: Called when all outcomes of a commit have been told.
        reopened: Called with each assignment that was finished and has been put in doubt, once
            that is on disk; it says as one of which lane it is to be handed out again.

    Raises:
        LedgerUnavailable: The ledger is not there any more.
    """

    def __init__(
        self,
        database: Database,
        run: int,
        *,
        leg: int = 1,
        applied: Collection[str] = (),
        only: Collection[Cause] = (),
        operation: str,
        lanes: Sequence[int],
        clock: Clock,
        synced: bool = False,
        settled: Callable[[Outcome], None] | None = None,
        ended: Callable[[int, Assignment, Outcome], None] | None = None,
        batched: Callable[[], None] | None = None,
        reopened: Callable[[FormerOutcome], int] = lambda former: former.lane,
    ) -> None:
        self.counters = Counters()
        self._reopened = reopened
        self._ended = ended
        self._batched = batched
        self._taken: dict[int, tuple[int, Assignment]] = {}
        self._run = run
        self._leg = leg
        self._clock = clock
        self._settled = settled
        self._commits = GroupCommit(database.path, synced=synced, committed=self._count)
        try:
            self._reader = Database(database.path)
        except BaseException:
            self._commits.close()
            raise
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bulkagent-ledger")
        self._shelves = Prefetch(
            self._reader,
            self._thread,
            run,
            operation,
            lanes,
            leg=leg,
            only=only,
        )
        self._applied = set(applied)
        self._again = Redelivery(self._reader, self._thread, run, operation)
        self._spent = Redelivery(self._reader, self._thread, run, operation)  # to be told alone
        self._carried: dict[int, Carryover] = {}
        self._open: set[int] = set()  # marked, and not settled
        self._waiting: set[int] = set()  # put in doubt, and not marked since
        self._resent: dict[int, int] = {}  # handed out again in this leg, by which lane
        # Open, and an attempt is not to be relied on: an earlier one (None), or the latest, which
        # may have been answered a moment ago.
        self._doubtful: dict[int, _Told | None] = {}
        self._sent_at: dict[int, int] = {}
        self._not_sent: dict[int, int] = {}  # of this leg's attempts of a row, where there are any
        self._last_sent_at = 0
        self._checkpoints: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._checkpoints = asyncio.get_running_loop().create_task(self._checkpoint_now_and_then())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A cancelled run's last records are as good as any.
        with anyio.CancelScope(shield=True):
            try:
                if self._checkpoints is not None:
                    self._checkpoints.cancel()
                    await asyncio.wait((self._checkpoints,))
                await self._commits.flushed()
            except Exception:
                self._commits.rescue()
                if exc is None:  # else that is what happened first
                    raise
            finally:
                # Not on the loop: the thread may be in the middle of a checkpoint's sync.
                await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def take(self, lane: int) -> Assignment | None:
        """The lane's next assignment that has no mark, or None when there is none left.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        item = await self._again.take(lane) if lane in self._again else None
        if item is not None:
            self._resent[item[0].row] = lane
        elif lane in self._shelves:
            item = await self._shelves.take(lane)
        if item is None:
            return None
        assignment, carried = item
        if carried is not None:
            self._carried[assignment.row] = carried
        if self._ended is not None:
            self._taken[assignment.row] = (lane, assignment)
        return assignment

    async def mark(self, item: Assignment, attempt: int) -> bool:
        """Commit that an attempt is about to be made; only then may its first byte leave.

        Returns:
            Whether it may: not where another run has taken the agent, and then it has no mark.

        Raises:
            LedgerFailed: It cannot be, and nothing can from the first failure on.
        """
        if self._commits.failed is not None:
            raise self._commits.failed
        number = self.number(item, attempt)
        sent_at = self._clock.wall_ms()
        self._sent_at[item.row] = sent_at
        self._last_sent_at = max(sent_at, self._last_sent_at)
        mark = (self._run, item.row, self._leg, number, sent_at)
        self._commits.open.marks.append(mark)
        self._open.add(item.row)
        self._waiting.discard(item.row)
        if item.row in self._doubtful:
            self._doubtful[item.row] = None
        try:
            await self._commits.durable()
        except asyncio.CancelledError:
            # Nothing will be sent; where it is not committed yet, it need not say so.
            with contextlib.suppress(ValueError):
                self._commits.open.marks.remove(mark)
            raise
        if self._commits.refused and item.row in self._commits.refused:
            self._sent_at.pop(item.row, None)
            self._open.discard(item.row)
            if attempt == 1 and item.row in self._resent:
                self._spent.add(self._resent[item.row], item.row)
            if attempt == 1:  # else its story is told yet
                self._carried.pop(item.row, None)
                self._taken.pop(item.row, None)
            return False
        return True

    def attempted(self, item: Assignment, attempt: int, ended: Attempt) -> None:
        """Record an attempt after which another follows."""
        if ended.disposition.delivery is Delivery.NEVER_SENT:
            self._take_back(item.row, attempt, self._carried.get(item.row))
        self._commits.open.attempts.append(
            (
                self._run,
                item.row,
                self.number(item, attempt),
                ended.disposition.name,
                # As its mark says, which may be all that is left of it.
                self._sent_at.pop(item.row, ended.sent_at),
                ended.latency_ms,
                ended.retcode,
                ended.message or ended.detail,
                ended.http_status,
            )
        )
        self._commits.schedule()

    def settle(self, item: Assignment, history: AttemptHistory[Attempt]) -> None:
        """Record an outcome; it is counted when it is on disk."""
        carried = self._carried.pop(item.row, None)
        self._open.discard(item.row)
        told = None
        if item.row in self._doubtful:
            told = self._doubtful.pop(item.row)
            carried = carried or Carryover(0, None, None)
            carried = msgspec.structs.replace(carried, doubt=carried.doubt or Cause.BAD_REPLY)
        # The machine's clock may have been set back meanwhile.
        now_ms = max(self._clock.wall_ms(), self._sent_at.pop(item.row, 0))
        if carried is not None and (carried.first_sent_at or 0) > now_ms:
            carried = msgspec.structs.replace(carried, first_sent_at=now_ms)
        outcome = conclude(
            *(item.row, history, now_ms, carried),
            others_applied=carried is not None and item.gateway in self._applied,
        )
        if self._leg > 1 and outcome.status is Status.APPLIED:
            self._applied.add(item.gateway)
        if history.not_sent:
            # The last one too, where no other was to follow it.
            while history.not_sent > self._not_sent.get(item.row, 0):
                self._take_back(item.row, history.attempts, carried)
            del self._not_sent[item.row]
        cause = outcome.cause
        self._commits.open.outcomes.append(
            (
                outcome.status.value,
                None if cause is None else cause.value,
                outcome.disposition,
                outcome.retcode,
                outcome.message,
                outcome.http_status,
                outcome.attempts + outcome.not_sent,
                outcome.latency_ms,
                outcome.finished_at,
                outcome.absent,
                self._run,
                outcome.row,
            )
        )
        self._commits.open.ended.append(outcome)
        self._commits.schedule()
        if told is not None and outcome.status is Status.APPLIED:
            self.reopen((item.row,), told)

    def reopen(self, rows: Collection[int], told: _Told) -> asyncio.Future[None]:
        """Put attempts of these rows in doubt, whatever they were told.

        Whoever is finished is so no more, on disk from the next commit on, and is handed out once
        more, but only once in a leg; of who is not, only a later attempt's success says anything.

        Args:
            rows: Each with an attempt of this leg.
            told: Called with what was said of the former, and as one of which lane each is handed
                out, when that is on disk.

        Returns:
            Done when it is on disk.
        """
        settled = set(rows) - self._open - self._waiting
        self._doubtful.update(dict.fromkeys(self._open.intersection(rows), told))
        if settled:
            self._waiting |= settled
            doubted = Doubted(self._run, tuple(sorted(settled)), told)
            self._commits.open.doubts.append(doubted)
        recorded = self._commits.durable()
        recorded.add_done_callback(_heard)  # who has stopped does not wait for it
        return recorded

    async def leave(self) -> None:
        """Tell of those who were put in doubt and are not sent any more, as what they are.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        for lane, (assignment, carried) in (*await self._again.rest(), *await self._spent.rest()):
            self._waiting.discard(assignment.row)
            outcome = doubtful(assignment.row, carried, self._clock.wall_ms())
            self.counters.unfinished -= 1
            self._add(outcome)
            if self._settled is not None:
                self._settled(outcome)
            if self._ended is not None:
                self._ended(lane, assignment, outcome)

    def halted(self, reason: str) -> None:
        """Record that a halt rule has ended a part of the run, so that a person must look."""
        self._commits.open.facts.append(Halted(reason, self._run))
        self._commits.schedule()

    def switched_over(self, gateway: str, began_at: int) -> None:
        """Record that a gateway began to say at that time of day that it is switching over."""
        if self._clock.wall_ms() < self._last_sent_at:
            # The machine's clock was set back in this leg: whoever was sent to was sent to before.
            began_at = max(began_at, self._last_sent_at)
        self._commits.open.facts.append(SwitchedOver(self._run, gateway, began_at, self._leg))
        self._commits.schedule()

    def granted(self, gateway: str, concurrency: int, breaker: str) -> None:
        """Record how much a gateway is sent at once from now on.

        Args:
            gateway: Its name.
            concurrency: Requests at once, at least 1.
            breaker: `closed`, `open` or `half-open`.
        """
        at = self._clock.wall_ms()
        self._commits.open.facts.append(
            LimitChanged(self._run, self._leg, gateway, at, concurrency, breaker)
        )
        self._commits.schedule()

    async def flushed(self) -> None:
        """Wait until everything recorded so far is on disk.

        Raises:
            LedgerFailed: It cannot be.
        """
        await self._commits.flushed()

    def number(self, item: Assignment, attempt: int) -> int:
        """Which attempt of its whole story an attempt of this leg is."""
        carried = self._carried.get(item.row) if self._carried else None
        return attempt + (carried.attempts if carried else 0)

    def _take_back(self, row: int, attempt: int, carried: Carryover | None) -> None:
        """What its mark said of an attempt may have left, and did not."""
        before = self._not_sent.get(row, 0)
        self._not_sent[row] = before + 1
        in_all = before + 1 + (carried.not_sent if carried else 0)
        self._commits.open.not_sent.append((in_all, self._run, row))
        again = attempt - 1 + (row in self._resent)
        self._commits.open.took_back.append(again > before)

    def _count(self, batch: Batch) -> None:
        counters = self.counters
        counters.requests += len(batch.marks)
        for _, row, _, attempts, _ in batch.marks:
            carried = self._carried.get(row) if self._carried else None
            before = attempts - 1 - (carried.attempts if carried else 0) + (row in self._resent)
            counters.retries += before > (self._not_sent.get(row, 0) if self._not_sent else 0)
            counters.unfinished += not before
        if batch.took_back:
            counters.requests -= len(batch.took_back)
            counters.not_sent += len(batch.took_back)
            counters.retries -= sum(batch.took_back)
        counters.unfinished -= len(batch.ended)
        for outcome in batch.ended:
            self._add(outcome)
        if self._settled is not None:
            for outcome in batch.ended:
                self._settled(outcome)
        if self._ended is not None:
            for outcome in batch.ended:
                self._ended(*self._taken.pop(outcome.row), outcome)
        for doubted in batch.doubts:
            self._open_again(doubted)
        if self._batched is not None and (batch.ended or batch.doubts):
            self._batched()

    def _open_again(self, doubted: Doubted) -> None:
        reopened: list[tuple[int, FormerOutcome]] = []
        for former in doubted.former:
            self.counters.unfinished += 1
            self._add(former.outcome, -1)
            row = former.outcome.row
            again = row not in self._resent and not former.left
            known = msgspec.structs.replace(former, again=again)
            lane = self._reopened(known)
            (self._again if known.again else self._spent).add(lane, row)
            reopened.append((lane, known))
        doubted.told(reopened)

    def _add(self, outcome: Outcome, number: int = 1) -> None:
        counters = self.counters
        counters.finished += number
        counters.by_status[outcome.status] += number
        if outcome.cause is not None:
            cause = outcome.cause.value
            counters.by_cause[cause] = counters.by_cause.get(cause, 0) + number

    async def _checkpoint_now_and_then(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._clock.sleep(_CHECKPOINT_S)
            await loop.run_in_executor(self._thread, self._reader.checkpoint)

    def _close(self) -> None:
        self._thread.shutdown(wait=True)
        self._reader.checkpoint()
        self._reader.close()
        self._commits.close()


def _heard(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
