"""A run's marks and outcomes, as they happen.

What may live here: group commit, and the counters of what is on disk. What this room must
not know: what an attempt is made of beyond its record, and how rows are read ahead.

Everything that one turn of the event loop produces is one transaction. It is committed on the
loop: small commits cost far below a millisecond there, while a writer thread gives up the
interpreter lock at every row and crawls beside a busy loop. Reading ahead and checkpoints
(which sync to disk) are for threads with connections of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import anyio

from bulkagent.clock import Clock
from bulkagent.errors import LedgerFailed
from bulkagent.ledger.database import Busy, Database
from bulkagent.ledger.shelves import STOPPED, Shelves
from bulkagent.outcome import Assignment, Attempt, Outcome, Status, Story, conclude

__all__ = ["Counters", "Journal"]

_BUSY_RETRY_S = 0.005
_BUSY_LIMIT = 6_000  # half a minute of another process holding the lock
_CHECKPOINT_S = 5.0

_MARK = """
INSERT INTO outcomes (run, row, attempts, first_sent_at) VALUES (?1,?2,?3,?4)
ON CONFLICT (run, row) DO UPDATE SET attempts = ?3, status = NULL, cause = NULL, retcode = NULL,
message = NULL, http_status = NULL, latency_ms = NULL, finished_at = NULL
"""
_OUTCOME = """
UPDATE outcomes SET status = ?, cause = ?, retcode = ?, message = ?, http_status = ?,
attempts = ?, latency_ms = ?, finished_at = ? WHERE run = ? AND row = ?
"""
_ATTEMPT = "INSERT OR REPLACE INTO attempts VALUES (?,?,?,?,?,?,?,?,?)"


class Counters:
    """What is on disk of this run so far; never ahead of it."""

    __slots__ = ("by_status", "finished", "requests", "retries")

    def __init__(self) -> None:
        self.requests = 0
        self.retries = 0
        self.finished = 0
        self.by_status: dict[Status, int] = dict.fromkeys(Status, 0)


class Journal:
    """One run's source of assignments and the record of what became of them.

    Args:
        database: The ledger; this journal opens two more connections to it.
        run: The run's key in it.
        operation: The operation's name, for the assignments that it hands out.
        lanes: The lanes that it hands out.
        clock: Time.
        settled: Called with each outcome once it is on disk. What it raises ends the run: from
            then on every mark raises it.

    Raises:
        LedgerUnavailable: The ledger is not there any more.
    """

    def __init__(
        self,
        database: Database,
        run: int,
        *,
        operation: str,
        lanes: Sequence[int],
        clock: Clock,
        settled: Callable[[Outcome], None] | None = None,
    ) -> None:
        self.counters = Counters()
        self._run = run
        self._clock = clock
        self._settled = settled
        self._writer = Database(database.path, busy_wait_s=0.0)
        try:
            self._reader = Database(database.path)
        except BaseException:
            self._writer.close()
            raise
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bulkagent-ledger")
        self._shelves = Shelves(self._reader, self._thread, run, operation, lanes)
        self._marks: list[tuple[int, int, int, int]] = []
        self._outcomes: list[tuple[object, ...]] = []
        self._attempts: list[tuple[object, ...]] = []
        self._ended: list[Outcome] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._scheduled = False
        self._failed: Exception | None = None
        self._busy = 0
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
                await self.flushed()
            except Exception:
                self._rescue()
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
        return await self._shelves.take(lane)

    async def mark(self, item: Assignment, attempt: int) -> None:
        """Commit that an attempt is about to be made; only then may its first byte leave.

        Raises:
            LedgerFailed: It cannot be, and nothing can from the first failure on.
        """
        if self._failed is not None:
            raise self._failed
        mark = (self._run, item.row, attempt, self._clock.wall_ms())
        self._marks.append(mark)
        try:
            await self._durable()
        except asyncio.CancelledError:
            # Nothing will be sent; where it is not committed yet, it need not say so.
            with contextlib.suppress(ValueError):
                self._marks.remove(mark)
            raise

    def attempted(self, item: Assignment, attempt: int, ended: Attempt) -> None:
        """Record an attempt after which another follows."""
        self._attempts.append(
            (
                self._run,
                item.row,
                attempt,
                ended.disposition.name,
                ended.sent_at,
                ended.latency_ms,
                ended.retcode,
                ended.message or ended.detail,
                ended.http_status,
            )
        )
        self._schedule()

    def settle(self, item: Assignment, story: Story[Attempt]) -> None:
        """Record an outcome; it is counted when it is on disk."""
        outcome = conclude(item.row, story, self._clock.wall_ms())
        cause = outcome.cause
        self._outcomes.append(
            (
                outcome.status.value,
                None if cause is None else cause.value,
                outcome.retcode,
                outcome.message,
                outcome.http_status,
                outcome.attempts,
                outcome.latency_ms,
                outcome.finished_at,
                self._run,
                outcome.row,
            )
        )
        self._ended.append(outcome)
        self._schedule()

    async def flushed(self) -> None:
        """Wait until everything recorded so far is on disk.

        Raises:
            LedgerFailed: It cannot be.
        """
        if self._scheduled:
            await self._durable()
        if self._failed is not None:
            raise self._failed

    def _durable(self) -> asyncio.Future[None]:
        """Done when everything recorded until now is on disk.

        One future for each who asks: a shared one would need a shield around each, against
        one's cancellation reaching all, and that costs twice as much.
        """
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(durable)
        self._schedule()
        return durable

    def _schedule(self) -> None:
        """See to a commit that will have everything recorded in this turn of the loop."""
        if not self._scheduled and self._failed is None:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        try:
            self._commit()
        except Busy as error:
            self._busy += 1
            if self._busy < _BUSY_LIMIT:
                # What is recorded meanwhile joins the same commit.
                asyncio.get_running_loop().call_later(_BUSY_RETRY_S, self._flush)
            else:
                self._end_commit(LedgerFailed(f"{error}; {STOPPED}"))
        except LedgerFailed as error:
            self._end_commit(LedgerFailed(f"{error}; {STOPPED}"))
        except Exception as defect:  # noqa: BLE001 - raised by every mark, for nobody may wait here
            self._end_commit(defect)
        else:
            self._end_commit(None)
            self._tell()

    def _commit(self) -> None:
        """Write all there is as one transaction, and count it."""
        try:
            self._writer.write(
                (_OUTCOME, self._outcomes), (_ATTEMPT, self._attempts), (_MARK, self._marks)
            )
        except UnicodeEncodeError:
            # Half characters, which a hostile reply can bring into what the network said.
            self._outcomes = [_encodable(record) for record in self._outcomes]
            self._attempts = [_encodable(record) for record in self._attempts]
            self._writer.write(
                (_OUTCOME, self._outcomes), (_ATTEMPT, self._attempts), (_MARK, self._marks)
            )
        counters = self.counters
        counters.requests += len(self._marks)
        counters.retries += sum([mark[2] > 1 for mark in self._marks])
        for outcome in self._ended:
            counters.finished += 1
            counters.by_status[outcome.status] += 1
        self._marks.clear()
        self._outcomes.clear()
        self._attempts.clear()

    def _end_commit(self, failed: Exception | None) -> None:
        self._scheduled = False
        self._busy = 0
        # From the first failure on every mark fails, so nothing more is sent.
        self._failed = failed
        waiting, self._waiting = self._waiting, []
        for durable in waiting:
            if durable.done():  # its task was cancelled meanwhile
                continue
            if failed is None:
                durable.set_result(None)
            else:
                durable.set_exception(failed)

    def _tell(self) -> None:
        ended, self._ended = self._ended, []
        if self._settled is not None:
            try:
                for outcome in ended:
                    self._settled(outcome)
            except Exception as defect:  # noqa: BLE001 - raised by every mark from here on
                self._failed = defect

    def _rescue(self) -> None:
        """Try once more to write what came of requests that were made before the failure."""
        self._marks.clear()
        with contextlib.suppress(Exception):
            self._commit()
            self._tell()

    async def _checkpoint_now_and_then(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._clock.sleep(_CHECKPOINT_S)
            await loop.run_in_executor(self._thread, self._reader.checkpoint)

    def _close(self) -> None:
        self._thread.shutdown(wait=True)
        self._reader.checkpoint()
        self._reader.close()
        self._writer.close()


def _encodable(record: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in record
    )
