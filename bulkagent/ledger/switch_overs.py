"""Who was set before a gateway switched over, and so may have lost the right again.

What may live here: which assignments these are. What this room must not know: how a switch-over
is noticed, and what is done about it. No document says whether a talk right survives one.
"""

from __future__ import annotations

from bulkagent.ledger.database import Database
from bulkagent.ledger.plan import Lane

__all__ = ["NEXT_SET_BEFORE", "keep_attempts", "lanes_set_before"]

_SET_BEFORE = """
FROM switch_overs w CROSS JOIN assignments a ON a.run = w.run AND a.gateway = w.gateway
JOIN outcomes o ON o.run = a.run AND o.row = a.row
WHERE w.run = ?1 AND a.lane IS NOT NULL AND o.status = 'applied' AND o.sent_at <= w.began_at
"""

NEXT_SET_BEFORE = f"""
SELECT a.row, a.gateway, a.agent_id, a.arguments, o.attempts, o.first_sent_at, NULL
{_SET_BEFORE} AND a.lane = ?2 AND a.row > ?3 ORDER BY a.row LIMIT ?4
"""
"""The next rows of a lane: run, lane, row after which, how many."""

_LANES = f"""
SELECT a.lane, a.gateway, l.wave, a.arguments, count(*)
{_SET_BEFORE.replace("WHERE", "JOIN lanes l ON l.run = a.run AND l.lane = a.lane WHERE")}
GROUP BY a.lane ORDER BY l.wave, a.lane
"""

_KEEP = f"""
INSERT OR REPLACE INTO attempts
SELECT o.run, o.row, o.attempts, o.disposition, o.sent_at, o.latency_ms, o.retcode, o.message,
       o.http_status
{_SET_BEFORE} AND a.row >= ?2 AND a.row < ?3
"""

# So many rows a transaction: another run's commits wait for it a few hundredths of a second.
_BATCH = 4_000


def lanes_set_before(database: Database, run: int) -> tuple[Lane, ...]:
    """The lanes of a run with those that were set before their gateway switched over.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    return tuple(Lane(*lane) for lane in database.all(_LANES, (run,)))


def keep_attempts(database: Database, run: int) -> None:
    """Keep what is known of the attempts that are about to be made once more.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    ((last_row,),) = database.all("SELECT max(row) FROM outcomes WHERE run = ?", (run,))
    for row in range(0, (last_row or 0) + 1, _BATCH):
        database.write((_KEEP, [(run, row, row + _BATCH)]))
