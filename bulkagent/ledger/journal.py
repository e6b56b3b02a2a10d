"""A run's marks and outcomes, as they happen.

Reading ahead and checkpoints (which sync to disk) are for a thread with a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Self

import anyio

from bulkagent.attempt import Attempt, AttemptHistory, Carryover, conclude
from bulkagent.blocking import in_thread, own_thread
from bulkagent.clock import Clock
from bulkagent.ledger.committed import Callbacks, Committed
from bulkagent.ledger.counters import Counters
from bulkagent.ledger.database import Database
from bulkagent.ledger.group_commit import GroupCommit, Halted, LimitChanged, SwitchedOver
from bulkagent.ledger.prefetch import Prefetch
from bulkagent.ledger.redelivery import Doubted, Redelivery
from bulkagent.ledger.run_record import RunRecord
from bulkagent.ledger.taken_rows import TakenRows, Told
from bulkagent.model import Assignment, Cause, Delivery, Outcome, Status

_CHECKPOINT_S = 5.0


class Journal:
    """One leg's source of assignments and the record of what became of them.

    Args:
        record: The run; this journal opens two more connections to the ledger.
        leg: Which stretch of sending this is: 1, and one more with each resume.
        applied: The gateways at which earlier legs have applied an agent.
        only: Hand out only what ended with one of these causes; none: all that is left.
        off_already: Rows of agents whom another run took off: handed out with those in doubt.
        operation: The operation's name, for the assignments that it hands out.
        lanes: The lanes that it hands out.
        clock: Time.
        synced: Whether marks and outcomes must survive the loss of power.
        callbacks: Called with each outcome.

    Raises:
        LedgerUnavailable: The ledger is not there any more.
    """

    def __init__(
        self,
        record: RunRecord,
        *,
        leg: int = 1,
        applied: Collection[str] = (),
        only: Collection[Cause] = (),
        off_already: Collection[int] = (),
        operation: str,
        lanes: Sequence[int],
        clock: Clock,
        synced: bool = False,
        callbacks: Callbacks | None = None,
    ) -> None:
        callbacks = callbacks or Callbacks()
        path, self._run = record.database.path, record.run
        self._leg = leg
        self._clock = clock
        self._applied = set(applied)
        self._rows = TakenRows(whole=callbacks.ended is not None)
        self._reader = Database(path)
        self._thread = own_thread("bulkagent-ledger")
        reading = RunRecord(self._reader, self._run), self._thread, operation
        self._prefetch = Prefetch(*reading, lanes, leg=leg, only=only, off_already=off_already)
        self._again = Redelivery(*reading)
        self._spent = Redelivery(*reading)  # to be told alone
        self._committed = Committed(self._rows, self._again, self._spent, callbacks)
        self._checkpoints: asyncio.Task[None] | None = None
        try:
            self._commits = GroupCommit(path, synced=synced, committed=self._committed)
        except BaseException:
            self._reader.close()
            raise

    def tell(self, failing: Callable[[], None]) -> None:
        """Have this called when nothing is recorded any more: a wait for outcomes has no end."""
        self._commits.tell(failing)

    @property
    def counters(self) -> Counters:
        """What is on disk of the leg so far."""
        return self._committed.counters

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
                await in_thread(self._close)

    async def take(self, lane: int) -> Assignment | None:
        """The lane's next assignment that has no mark, or None when there is none left.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        item = await self._again.take(lane) if lane in self._again else None
        again = item is not None
        if item is None and lane in self._prefetch:
            item = await self._prefetch.take(lane)
        return None if item is None else self._rows.take(lane, item, again=again)

    async def mark(self, item: Assignment, attempt: int) -> bool:
        """Commit that an attempt is about to be made; only then may its first byte leave.

        Returns:
            Whether it may: not where another run has taken the agent, and then it has no mark.

        Raises:
            LedgerFailed: It cannot be, and nothing can from the first failure on.
        """
        if self._commits.failed is not None:
            raise self._commits.failed
        sent_at = self._clock.wall_ms()
        self._rows.mark(item.row, sent_at)
        mark = (self._run, item.row, self._leg, self.number(item, attempt), sent_at)
        self._commits.open.marks.append(mark)
        try:
            await self._commits.durable()
        except asyncio.CancelledError:
            # Nothing will be sent; where it is not committed yet, it need not say so.
            with contextlib.suppress(ValueError):
                self._commits.open.marks.remove(mark)
            raise
        if self._commits.refused and item.row in self._commits.refused:
            lane = self._rows.refuse(item.row, attempt)
            if lane is not None:
                self._spent.add(lane, item.row)
            return False
        return True

    def attempted(self, item: Assignment, attempt: int, ended: Attempt) -> None:
        """Record an attempt after which another follows."""
        if ended.disposition.delivery is Delivery.NEVER_SENT:
            self._take_back(item.row, attempt, self._rows.carried.get(item.row))
        self._commits.open.attempts.append(
            (
                self._run,
                item.row,
                self.number(item, attempt),
                ended.disposition.name,
                # As its mark says, which may be all that is left of it.
                self._rows.sent_at(item.row, ended.sent_at),
                ended.latency_ms,
                ended.retcode,
                ended.message or ended.detail,
                ended.http_status,
            )
        )
        self._commits.schedule()

    def settle(self, item: Assignment, history: AttemptHistory[Attempt]) -> None:
        """Record an outcome; it is counted when it is on disk."""
        carried, told, now_ms = self._rows.settle(item.row, self._clock.wall_ms())
        outcome = conclude(
            *(item.row, history, now_ms, carried),
            others_applied=carried is not None and item.gateway in self._applied,
        )
        if self._leg > 1 and outcome.status is Status.APPLIED:
            self._applied.add(item.gateway)
        if history.not_sent:
            # The last one too, where no other was to follow it.
            while history.not_sent > self._rows.unsent_so_far(item.row):
                self._take_back(item.row, history.attempts, carried)
            self._rows.forget_unsent(item.row)
        self._commits.open.outcomes.append(_written(outcome, self._run))
        self._commits.open.ended.append(outcome)
        self._commits.schedule()
        if told is not None and outcome.status is Status.APPLIED:
            self.reopen((item.row,), told)

    def reopen(self, rows: Collection[int], told: Told) -> asyncio.Future[None]:
        """Put attempts of these rows in doubt, in spite of their answers.

        A finished row is so no more, on disk from the next commit on, and is handed out once more,
        but only once in a leg; of any other, only a later attempt's success says anything.

        Args:
            rows: Each with an attempt of this leg.
            told: Called with what was said of the former, and as one of which lane each is handed
                out, when that is on disk.

        Returns:
            Done when it is on disk.
        """
        if settled := self._rows.put_in_doubt(rows, told):
            doubted = Doubted(self._run, tuple(sorted(settled)), told)
            self._commits.open.doubts.append(doubted)
        recorded = self._commits.durable()
        recorded.add_done_callback(_retrieved)  # a leg that has stopped does not wait for it
        return recorded

    async def leave(self) -> None:
        """Tell that rows which were put in doubt, and are not sent any more, are unknown.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        await self._committed.leave(self._clock.wall_ms)

    def halted(self, reason: str) -> None:
        """Record that a halt rule has ended a part of the run, so that a person must look."""
        self._commits.open.facts.append(Halted(reason, self._run))
        self._commits.schedule()

    def switched_over(self, gateway: str, began_at: int) -> None:
        """Record that a gateway began to say at that time of day that it is switching over."""
        began_at = self._rows.not_before(began_at, self._clock.wall_ms())
        self._commits.open.facts.append(SwitchedOver(self._run, gateway, began_at, self._leg))
        self._commits.schedule()

    def limit_changed(self, gateway: str, concurrency: int, breaker: str) -> None:
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
        """Which attempt of all legs an attempt of this leg is."""
        return self._rows.number(item.row, attempt)

    def _take_back(self, row: int, attempt: int, carried: Carryover | None) -> None:
        """What its mark said of an attempt may have left, and did not."""
        in_all, retried = self._rows.unsent(row, attempt, carried)
        self._commits.open.not_sent.append((in_all, self._run, row))
        self._commits.open.took_back.append(retried)

    async def _checkpoint_now_and_then(self) -> None:
        while True:
            await self._clock.sleep(_CHECKPOINT_S)
            await self._thread.submit(self._reader.checkpoint)

    def _close(self) -> None:
        self._thread.close()
        self._reader.checkpoint()
        self._reader.close()
        self._commits.close()


def _written(outcome: Outcome, run: int) -> tuple[object, ...]:
    return (
        outcome.status.value,
        None if outcome.cause is None else outcome.cause.value,
        outcome.disposition,
        outcome.retcode,
        outcome.message,
        outcome.http_status,
        outcome.attempts + outcome.not_sent,
        outcome.latency_ms,
        outcome.finished_at,
        outcome.absent,
        run,
        outcome.row,
    )


def _retrieved(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()
