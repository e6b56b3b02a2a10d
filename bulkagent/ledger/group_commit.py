"""Group commit: everything that one turn of the event loop records is one transaction.

Without syncing, a batch is committed on the loop: small commits cost far below a millisecond
there, while a writer thread gives up the interpreter lock at every row and crawls beside a busy
loop. With it (`synced`) each commit waits for the disk, which the loop must not; then a thread
commits one batch while the next one fills.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from bulkagent.blocking import own_thread
from bulkagent.errors import LedgerFailed
from bulkagent.ledger.database import Busy, Database
from bulkagent.ledger.redelivery import Doubted, doubts_as_written, former_of, left_of
from bulkagent.model import Outcome

_BUSY_RETRY_S = 0.005
_BUSY_LIMIT = 6_000  # half a minute of another process holding the lock

# One statement may not depend on where in the table a row goes: a mark makes the row, or opens
# it again for the next attempt, which leaves the outcome before it to say nothing any more. From
# its commit on a byte may have left, until an end says that none did.
_MARK = """
INSERT INTO outcomes (run, row, leg, attempts, first_sent_at, sent_at) SELECT ?1,?2,?3,?4,?5,?5
WHERE NOT EXISTS (SELECT 1 FROM set_aside WHERE run = ?1 AND row = ?2)
ON CONFLICT (run, row) DO UPDATE SET leg = ?3, attempts = ?4, sent_at = ?5, status = NULL,
cause = NULL, disposition = NULL, retcode = NULL, message = NULL, http_status = NULL,
latency_ms = NULL, finished_at = NULL, absent = 0,
first_sent_at = iif(first_sent_at = 0, ?5, min(first_sent_at, ?5))
"""
# What another run has taken is not marked, which one look into an index prevents.
_MARKED = """
SELECT row, leg, attempts FROM outcomes
WHERE run = ? AND row IN (SELECT value FROM json_each(?))
"""
_OUTCOME = """
UPDATE outcomes SET status = ?, cause = ?, disposition = ?, retcode = ?, message = ?,
http_status = ?, attempts = ?, latency_ms = ?, finished_at = ?, absent = ?
WHERE run = ? AND row = ?
"""
# Rare, so it is a statement of its own.
_NOT_SENT = """
UPDATE outcomes SET not_sent = ?1, first_sent_at = iif(attempts > ?1, first_sent_at, 0)
WHERE run = ?2 AND row = ?3
"""
_ATTEMPT = "INSERT OR REPLACE INTO attempts VALUES (?,?,?,?,?,?,?,?,?)"


class Halted(msgspec.Struct, frozen=True):
    """A halt rule has ended a part of a run, so that a person must look."""

    reason: str
    run: int


class SwitchedOver(msgspec.Struct, frozen=True):
    """A gateway has begun to say that it is switching over."""

    run: int
    gateway: str
    began_at: int
    leg: int


class LimitChanged(msgspec.Struct, frozen=True):
    """From a moment on, how much a gateway is sent at once."""

    run: int
    leg: int
    gateway: str
    at: int
    concurrency: int
    breaker: str


Fact = Halted | SwitchedOver | LimitChanged
"""What is rarely recorded."""

_FACTS: Mapping[type[Fact], str] = {
    Halted: "UPDATE runs SET halted = ? WHERE run = ?",
    SwitchedOver: "INSERT OR REPLACE INTO switch_overs VALUES (?,?,?,?)",
    LimitChanged: "INSERT INTO limit_changes VALUES (?,?,?,?,?,?)",
}


class Batch:
    """Records that become durable together, and the callers that wait for that."""

    __slots__ = (
        "attempts",
        "doubts",
        "ended",
        "facts",
        "marks",
        "not_sent",
        "outcomes",
        "refused",
        "took_back",
        "waiting",
    )

    def __init__(self) -> None:
        self.outcomes: list[tuple[object, ...]] = []
        self.attempts: list[tuple[object, ...]] = []
        self.marks: list[tuple[int, int, int, int, int]] = []
        self.refused: frozenset[int] = frozenset()
        """Rows whose marks are not on disk, because another run has taken them."""
        self.not_sent: list[tuple[int, int, int]] = []
        """Of rows of which an attempt sent nothing: how many of theirs by now, run, row."""
        self.took_back: list[bool] = []
        """Marks after which no byte left: for each, whether it was taken for a retry's."""
        self.facts: list[Fact] = []
        self.doubts: list[Doubted] = []
        self.ended: list[Outcome] = []
        self.waiting: list[asyncio.Future[None]] = []


class GroupCommit:
    """Commits batches, one after the other.

    Args:
        path: The ledger's file.
        synced: Whether a commit must survive the loss of power.
        committed: Told of each batch that is on disk, on the loop. What it raises ends the run:
            from then on nothing is durable any more.

    Raises:
        LedgerUnavailable: The ledger is not there any more.
    """

    def __init__(self, path: Path, *, synced: bool, committed: Callable[[Batch], None]) -> None:
        self.writer = Database(path, busy_wait_s=0.0, synced=synced)
        self._committed = committed
        self._thread = own_thread("bulkagent-commits") if synced else None
        self.open = Batch()
        """Takes records; `schedule` sees to its commit."""
        self.refused: set[int] = set()
        """Rows that another run has taken, so that they are not to be attempted."""
        self.failed: Exception | None = None
        """Why nothing is recorded any more."""
        self._failing: Callable[[], None] = lambda: None
        self._scheduled = False
        self._busy = 0

    def tell(self, failing: Callable[[], None]) -> None:
        """Have this called when nothing is recorded any more, at once where that is so by now."""
        self._failing = failing
        if self.failed is not None:
            failing()

    def schedule(self) -> None:
        """See to a commit that will have everything recorded in this turn of the loop."""
        if not self._scheduled and self.failed is None:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._flush)

    def durable(self) -> asyncio.Future[None]:
        """Done when everything recorded until now is on disk.

        One future for each caller: a shared one would need a shield around each, against
        one's cancellation reaching all, and that costs twice as much.
        """
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.open.waiting.append(durable)
        self.schedule()
        return durable

    async def flushed(self) -> None:
        """Wait until everything recorded so far is on disk.

        Raises:
            LedgerFailed: It cannot be.
        """
        if self._scheduled:
            await self.durable()
        if self.failed is not None:
            raise self.failed

    def rescue(self) -> None:
        """Try once more to write what came of requests that were made before the failure."""
        batch, self.open = self.open, Batch()
        batch.marks.clear()
        with contextlib.suppress(Exception):
            self._write(batch)
            self._committed(batch)

    def close(self) -> None:
        """Close the connection; not for the loop, because a commit may be under way."""
        if self._thread is not None:
            self._thread.close()
        self.writer.close()

    def _flush(self) -> None:
        batch, self.open = self.open, Batch()
        if self._thread is None:
            try:
                self._write(batch)
            except Exception as error:  # noqa: BLE001 - raised by every mark, see `_settle`
                self._settle(batch, error)
            else:
                self._settle(batch, None)
            return
        writing = self._thread.submit(self._write, batch)
        writing.add_done_callback(lambda done: self._settle(batch, done.exception()))

    def _write(self, batch: Batch) -> None:
        """Write a batch as one transaction."""
        try:
            self._write_records(batch)
        except UnicodeEncodeError:
            # Half characters, which a hostile reply can bring into what the network said.
            batch.outcomes = [_encodable(record) for record in batch.outcomes]
            batch.attempts = [_encodable(record) for record in batch.attempts]
            self._write_records(batch)

    def _write_records(self, batch: Batch) -> None:
        if batch.doubts:
            ended = {outcome.row: outcome for outcome in batch.ended}
            for doubted in batch.doubts:
                doubted.former = former_of(self.writer, doubted, ended)
        self.writer.write(
            (_OUTCOME, batch.outcomes),
            (_ATTEMPT, batch.attempts),
            *((_FACTS[type(fact)], [msgspec.structs.astuple(fact)]) for fact in batch.facts),
            *(((_NOT_SENT, batch.not_sent),) if batch.not_sent else ()),
            # After what they put in doubt, before the marks by which it is sent again.
            *doubts_as_written(batch.doubts),
            (_MARK, batch.marks),
        )
        if batch.marks and self.writer.changed < len(batch.marks):
            batch.refused = self._refused(batch)
        for doubted in batch.doubts:
            if left := left_of(self.writer, doubted):
                doubted.former = [
                    msgspec.structs.replace(former, left=former.outcome.row in left)
                    for former in doubted.former
                ]

    def _refused(self, batch: Batch) -> frozenset[int]:
        """The rows of a batch that have no mark; no other process marks rows of this run."""
        rows = str([row for _, row, *_ in batch.marks])  # a list of whole numbers is JSON
        found = set(self.writer.all(_MARKED, (batch.marks[0][0], rows)))
        return frozenset(
            row for _, row, leg, attempts, _ in batch.marks if (row, leg, attempts) not in found
        )

    def _settle(self, batch: Batch, error: BaseException | None) -> None:
        """Tell the callers that wait what came of a batch; see to the next one."""
        self._scheduled = False
        self._busy = self._busy + 1 if isinstance(error, Busy) else 0
        if 0 < self._busy < _BUSY_LIMIT:
            # What is recorded meanwhile joins the same commit.
            self._put_back(batch)
            self._scheduled = True
            asyncio.get_running_loop().call_later(_BUSY_RETRY_S, self._flush)
            return
        if error is not None:
            self._put_back(batch)
            self._fail(error)
            return
        if batch.refused:
            self.refused |= batch.refused
            batch.marks = [mark for mark in batch.marks if mark[1] not in batch.refused]
        try:
            self._committed(batch)
        except Exception as defect:  # noqa: BLE001 - raised by every mark from here on
            self.failed = defect
        for durable in batch.waiting:
            if not durable.done():  # its task may have been cancelled meanwhile
                durable.set_result(None)
        if self.failed is not None:
            self._fail(self.failed)
        elif self.open.outcomes or self.open.attempts or self.open.facts or self.open.waiting:
            self.schedule()

    def _fail(self, error: BaseException) -> None:
        # From the first failure on every mark fails, so nothing more is sent.
        if isinstance(error, LedgerFailed):
            error = LedgerFailed.while_sending(error)
        self.failed = error if isinstance(error, Exception) else LedgerFailed(str(error))
        waiting, self.open.waiting = self.open.waiting, []
        for durable in waiting:
            if not durable.done():
                durable.set_exception(self.failed)
        self._failing()

    def _put_back(self, batch: Batch) -> None:
        later, self.open = self.open, batch
        batch.outcomes += later.outcomes
        batch.attempts += later.attempts
        batch.facts += later.facts
        batch.doubts += later.doubts
        batch.marks += later.marks
        batch.not_sent += later.not_sent
        batch.took_back += later.took_back
        batch.ended += later.ended
        batch.waiting += later.waiting


def _encodable(record: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in record
    )
