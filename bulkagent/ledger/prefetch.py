"""The rows of a run that are left to send, read before they are asked for."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Collection, Sequence

from bulkagent.attempt import Carryover
from bulkagent.blocking import OwnThread
from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.lane_keys import LaneKey
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Assignment, Cause

Item = tuple[Assignment, Carryover | None]
"""What is handed out: an assignment, and what earlier legs left of it."""

# Rows read ahead at once, and how few may be left before more are fetched: at 10,000 agents a
# second the fetch, a few milliseconds, is over before the buffer is empty. Many lanes take turns,
# so each needs fewer, and all together hold no more than a few long ones.
_CHUNK = 2_000
_LEAST_CHUNK = 32
_BUFFERED = 16_000

# What this leg has not dispatched yet and another attempt may help.
_NEXT = """
SELECT row, gateway, agent_id, arguments, attempts, not_sent, first_sent_at,
       CASE status WHEN 'unknown' THEN cause END,
       CASE WHEN attempts > 0 THEN (
           SELECT CASE WHEN min(t.disposition) = max(t.disposition) THEN min(t.disposition) END
           FROM attempts t WHERE t.run = stories.run AND t.row = stories.row
       ) END
FROM stories
WHERE run = ?1 AND lane = ?2 AND row > ?3 AND leg < ?4
AND status IN ('not_attempted', 'failed', 'unknown') AND cause NOT IN ('superseded', 'protected')
AND (?5 IS NULL OR cause IN (SELECT value FROM json_each(?5)))
AND (?7 IS NULL OR (status = 'unknown' OR status = 'failed' AND cause = 'not_signed_in'
     OR row IN (SELECT value FROM json_each(?8))) = ?7)
ORDER BY row LIMIT ?6
"""


class _Buffer:
    """The next rows of one lane."""

    __slots__ = ("coming", "error", "items", "last_row", "more")

    def __init__(self) -> None:
        self.items: deque[Item] = deque()
        self.last_row = 0
        self.more = True
        self.coming: asyncio.Future[list[Item]] | None = None
        self.error: BaseException | None = None


class Prefetch:
    """Hands out the rows of one run, lane by lane.

    Args:
        record: The run, by a connection that is used in one thread alone.
        thread: That thread.
        operation: The operation's name, for the assignments.
        lanes: The keys of the lanes that there are; where there is one of a lane's rows in doubt,
            that of the lane is of its others.
        leg: Rows that were dispatched in this leg of the run are not handed out.
        only: Only rows that ended with one of these causes; none: whatever the cause.
        off_already: Rows of agents whom another run took off; they go with those in doubt.
    """

    def __init__(
        self,
        record: RunRecord,
        thread: OwnThread,
        operation: str,
        lanes: Sequence[int],
        *,
        leg: int = 1,
        only: Collection[Cause] = (),
        off_already: Collection[int] = (),
    ) -> None:
        self._record = record
        self._thread = thread
        self._operation = operation
        self._leg = leg
        self._only = json.dumps(sorted(only)) if only else None
        self._off_already = json.dumps(sorted(off_already))
        self._buffers = {lane: _Buffer() for lane in lanes}
        self._chunk = max(_LEAST_CHUNK, min(_CHUNK, _BUFFERED // max(1, len(lanes))))

    def __contains__(self, lane: int) -> bool:
        return lane in self._buffers

    async def take(self, lane: int) -> Item | None:
        """The lane's next assignment without a mark of this leg; None when there is none left.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        buffer = self._buffers[lane]
        if buffer.more and buffer.coming is None and len(buffer.items) < self._chunk // 4:
            self._fetch(lane, buffer)
        while not buffer.items:
            if buffer.error is not None:
                raise buffer.error
            if buffer.coming is None:
                if not buffer.more:
                    return None
                self._fetch(lane, buffer)
            else:
                await asyncio.wait((buffer.coming,))
        return buffer.items.popleft()

    def _fetch(self, lane: int, buffer: _Buffer) -> None:
        coming = self._thread.submit(self._read, lane, buffer.last_row)
        buffer.coming = coming
        coming.add_done_callback(lambda done: self._put(buffer, done))

    def _put(self, buffer: _Buffer, done: asyncio.Future[list[Item]]) -> None:
        buffer.coming = None
        if done.cancelled():
            return
        buffer.error = done.exception()
        if buffer.error is not None:
            return
        items = done.result()
        buffer.more = len(items) == self._chunk
        if items:
            buffer.last_row = items[-1][0].row
            buffer.items.extend(items)

    def _read(self, lane: int, after: int) -> list[Item]:
        operation = self._operation
        try:
            key = LaneKey(lane)
            in_doubt = key.is_in_doubt if key.other in self._buffers else None
            where = (key.lane, after, self._leg, self._only)
            rows = self._record.all(_NEXT, *where, self._chunk, in_doubt, self._off_already)
            return [
                (
                    Assignment(row, gateway, agent_id, operation, arguments),
                    Carryover(attempts, first, Cause(doubt) if doubt else None, not_sent, end or "")
                    if attempts
                    else None,
                )
                for row, gateway, agent_id, arguments, attempts, not_sent, first, doubt, end in rows
            ]
        except LedgerUnavailable as error:
            # That would say that nothing was sent.
            raise LedgerFailed.while_sending(error) from None
        except ValueError:
            raise LedgerFailed.while_sending("the ledger is damaged: a cause is none") from None
