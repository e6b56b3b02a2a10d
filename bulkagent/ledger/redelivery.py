"""Assignments whose outcomes cannot be relied on any more: put in doubt, and handed out again.

They are known by their rows alone, however many there are: what else belongs to one is read again
when it is its turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from bulkagent.attempt import Carryover
from bulkagent.blocking import OwnThread
from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.dispatches import DISPATCHED_SINCE
from bulkagent.ledger.prefetch import Item
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Assignment, Cause, Outcome, Status

_CHUNK = 256
"""So many are read at once."""

# What was said of them stays among their attempts; that nothing is said of them is committed with
# it, so that nothing in between takes any of them for set.
_KEEP = """
INSERT OR REPLACE INTO attempts
SELECT run, row, attempts, disposition, sent_at, coalesce(latency_ms, 0.0), coalesce(retcode, ''),
       coalesce(message, ''), coalesce(http_status, 0)
FROM outcomes
WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2)) AND disposition IS NOT NULL
"""

_NAME = "out_of_step"
_WORDS = (
    "a reply too many came on its connection, so what was answered may have been meant for another"
    " agent"
)

_DOUBT = """
UPDATE outcomes SET status = 'unknown', cause = 'bad_reply', retcode = '', http_status = 0,
absent = 0, disposition = ?3, message = ?4
WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2)) AND status IS NOT NULL
"""

# In the same transaction: an agent whom another run has dispatched since is left to that run.
_LEAVE = f"""
INSERT OR IGNORE INTO set_aside (run, row, cause, by_run)
SELECT a.run, a.row, 'superseded', max(later.run)
FROM assignments a JOIN outcomes o ON o.run = a.run AND o.row = a.row CROSS JOIN {DISPATCHED_SINCE}
AND a.run = ?1 AND a.row IN (SELECT value FROM json_each(?2))
GROUP BY a.row
"""  # noqa: S608 - of the ledger's own text

_LEFT = "SELECT row FROM set_aside WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2))"

_UNVERIFIED = """
DELETE FROM verifications WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2))
"""

_FORMER = """
SELECT a.row, a.lane, o.status, o.cause, o.disposition, o.absent
FROM assignments a LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
WHERE a.run = ?1 AND a.row IN (SELECT value FROM json_each(?2))
"""

_AGAIN = """
SELECT a.row, a.gateway, a.agent_id, a.arguments, o.attempts, nullif(o.first_sent_at, 0),
       coalesce(s.cause, o.cause), o.not_sent
FROM assignments a JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN set_aside s ON s.run = a.run AND s.row = a.row
WHERE a.run = ?1 AND a.row IN (SELECT value FROM json_each(?2)) AND o.status = 'unknown'
ORDER BY a.row
"""


def doubtful(row: int, carried: Carryover | None, now_ms: int) -> Outcome:
    """What is said of a row that is put in doubt, and is not sent again."""
    return Outcome(
        row=row,
        status=Status.UNKNOWN,
        cause=carried.doubt or Cause.BAD_REPLY if carried else Cause.BAD_REPLY,
        disposition=_NAME,
        retcode="",
        message=_WORDS,
        http_status=0,
        attempts=carried.attempts - carried.not_sent if carried else 0,
        latency_ms=None,
        first_sent_at=carried.first_sent_at if carried else None,
        finished_at=now_ms,
        not_sent=carried.not_sent if carried else 0,
    )


class FormerOutcome(msgspec.Struct, frozen=True):
    """What was said of an assignment until now."""

    lane: int
    outcome: Outcome
    """As far as counts go by it, without what the gateway said."""
    again: bool = True
    """Whether it is handed out once more; a row that was already, and is in doubt again, is not."""
    left: bool = False
    """Whether it is left as it is, because another run has dispatched it since or taken it."""


class Doubted(msgspec.Struct):
    """Assignments that are put in doubt together."""

    run: int
    rows: tuple[int, ...]
    told: Callable[[Sequence[tuple[int, FormerOutcome]]], None]
    """Called when that is on disk, with the lane as one of which each is handed out again."""
    former: Sequence[FormerOutcome] = ()


def doubts_as_written(
    doubts: Iterable[Doubted],
) -> tuple[tuple[str, list[tuple[object, ...]]], ...]:
    """The statements that put them in doubt."""
    rows: list[tuple[object, ...]] = [(each.run, str(list(each.rows))) for each in doubts]
    said = [(*row, _NAME, _WORDS) for row in rows]
    return ((_KEEP, rows), (_DOUBT, said), (_LEAVE, rows), (_UNVERIFIED, rows)) if rows else ()


def left_of(database: Database, doubted: Doubted) -> frozenset[int]:
    """The rows of those that are left to another run, once they are in doubt.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    found = database.all(_LEFT, (doubted.run, str(list(doubted.rows))))
    return frozenset(row for (row,) in found)


def former_of(
    database: Database, doubted: Doubted, ended: Mapping[int, Outcome]
) -> tuple[FormerOutcome, ...]:
    """What is said of them until now.

    Args:
        database: The ledger.
        doubted: The rows in doubt.
        ended: What is said in the same transaction, by row.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    found = database.all(_FORMER, (doubted.run, str(list(doubted.rows))))
    former = []
    with read_as_written(database):
        for row, lane, status, cause, disposition, absent in found:
            outcome = ended.get(row)
            if outcome is None and status is not None:
                outcome = Outcome(
                    row=row,
                    status=Status(status),
                    cause=Cause(cause) if cause else None,
                    disposition=disposition or "",
                    retcode="",
                    message="",
                    http_status=0,
                    attempts=0,
                    latency_ms=None,
                    first_sent_at=None,
                    finished_at=0,
                    absent=bool(absent),
                )
            if outcome is not None:
                former.append(FormerOutcome(lane, outcome))
    return tuple(former)


class _Lane:
    __slots__ = ("coming", "error", "items", "rows")

    def __init__(self) -> None:
        self.rows: deque[int] = deque()
        self.items: deque[Item] = deque()
        self.coming: asyncio.Future[list[Item]] | None = None
        self.error: BaseException | None = None


class Redelivery:
    """Hands rows out that were handed out before.

    Args:
        record: The run, by a connection that is used in one thread alone.
        thread: That thread.
        operation: The operation's name, for the assignments.
    """

    def __init__(self, record: RunRecord, thread: OwnThread, operation: str) -> None:
        self._record = record
        self._thread = thread
        self._operation = operation
        self._lanes: dict[int, _Lane] = {}

    def __contains__(self, lane: int) -> bool:
        return lane in self._lanes

    def add(self, lane: int, row: int) -> None:
        """Hand out a row, which is in doubt on disk, as one of that lane."""
        self._lanes.setdefault(lane, _Lane()).rows.append(row)

    async def take(self, lane: int) -> Item | None:
        """The lane's next row with what is known of it; None when there is none now.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        queue = self._lanes[lane]
        while not queue.items:
            if queue.error is not None:
                raise queue.error
            if queue.coming is None:
                if not queue.rows:
                    return None
                self._fetch(queue)
            if queue.coming is not None:
                await asyncio.wait((queue.coming,))
        return queue.items.popleft()

    async def rest(self) -> list[tuple[int, Item]]:
        """All that was not taken, with their lanes; they are handed out no more."""
        left: list[tuple[int, Item]] = []
        for lane in self._lanes:
            while (item := await self.take(lane)) is not None:
                left.append((lane, item))
        return left

    def _fetch(self, queue: _Lane) -> None:
        rows = [queue.rows.popleft() for _ in range(min(_CHUNK, len(queue.rows)))]
        coming = self._thread.submit(self._read, rows)
        queue.coming = coming
        coming.add_done_callback(lambda done: self._come(queue, done))

    def _come(self, queue: _Lane, done: asyncio.Future[list[Item]]) -> None:
        queue.coming = None
        if done.cancelled():
            return
        queue.error = done.exception()
        if queue.error is None:
            queue.items.extend(done.result())

    def _read(self, rows: Collection[int]) -> list[Item]:
        try:
            found = self._record.all(_AGAIN, str(list(rows)))
            return [
                (
                    Assignment(row, gateway, agent_id, self._operation, arguments),
                    Carryover(attempts, first, Cause(cause), not_sent),
                )
                for row, gateway, agent_id, arguments, attempts, first, cause, not_sent in found
            ]
        except LedgerUnavailable as error:
            raise LedgerFailed.while_sending(error) from None
        except ValueError:
            raise LedgerFailed.while_sending("the ledger is damaged: a cause is none") from None
