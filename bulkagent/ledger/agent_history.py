"""Where one agent appears in all runs of a ledger."""

from __future__ import annotations

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.model import Cause, Status


class HistoryEntry(msgspec.Struct, frozen=True):
    """One row of a run that names an agent."""

    run_id: str
    row: int
    gateway: str
    arguments: str
    status: Status
    cause: Cause | None
    retcode: str
    attempts: int
    """Of which a byte may have left."""
    sent_at: int | None
    """Time of day of the last request; None: none was sent."""
    planned_at: int
    who: str | None
    """The user and machine that began the leg in which it was sent."""


def history_of(database: Database, agent_id: str, limit: int) -> list[HistoryEntry]:
    """The latest rows of planned runs that name an agent, the latest first.

    Raises:
        LedgerUnavailable: The ledger is damaged.
    """
    fields = HistoryEntry.__struct_fields__
    with read_as_written(database):
        return [
            msgspec.convert(dict(zip(fields, row, strict=True)), HistoryEntry)
            for row in database.all(_APPEARANCES, (agent_id, limit))
        ]


_APPEARANCES = """
SELECT r.id, s.row, s.gateway, s.arguments, s.status, s.cause, coalesce(s.retcode, ''),
       s.attempts - s.not_sent, iif(s.first_sent_at, nullif(s.sent_at, 0), NULL), r.planned_at,
       (SELECT who FROM legs l WHERE l.run = s.run AND l.leg = max(abs(s.leg), 1))
FROM stories s JOIN runs r ON r.run = s.run
WHERE s.agent_id = ? AND r.planned_at BETWEEN 0 AND 253402300799999
AND coalesce(s.sent_at, 0) BETWEEN 0 AND 253402300799999  -- what no clock says is no answer
ORDER BY (SELECT turn FROM legs l WHERE l.run = s.run AND l.leg = max(abs(s.leg), 1)) DESC,
         s.run DESC, s.row DESC
LIMIT ?
"""
