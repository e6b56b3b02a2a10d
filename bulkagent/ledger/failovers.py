"""Agents who were set before a gateway switched over, and so may have lost the right again.

No document says whether a talk right survives one.
"""

from __future__ import annotations

from bulkagent.ledger.dispatches import DISPATCHED_SINCE
from bulkagent.ledger.lanes import Lane
from bulkagent.ledger.run_record import RunRecord

# An agent whom another run has dispatched since, or has taken, is left to that run.
_SET_BEFORE = f"""
FROM switch_overs w CROSS JOIN assignments a ON a.run = w.run AND a.gateway = w.gateway
JOIN lanes l ON l.run = a.run AND l.lane = a.lane
JOIN outcomes o ON o.run = a.run AND o.row = a.row
WHERE w.run = ?1 AND o.status = 'applied'
AND NOT EXISTS (
    SELECT 1 FROM set_aside s WHERE s.run = a.run AND s.row = a.row AND s.cause = 'superseded'
)
AND (abs(o.leg) < w.leg OR w.leg IN (0, abs(o.leg)) AND o.sent_at <= w.began_at)
AND NOT EXISTS (SELECT 1 FROM {DISPATCHED_SINCE})
"""  # noqa: S608 - of the ledger's own text

_LANES = f"""
SELECT a.lane, a.gateway, l.wave, a.arguments, count(*)
{_SET_BEFORE} GROUP BY a.lane ORDER BY l.wave, a.lane
"""

_ROWS = f"SELECT a.row {_SET_BEFORE} ORDER BY a.row"

_KEEP = """
INSERT OR REPLACE INTO attempts
SELECT run, row, attempts, disposition, sent_at, latency_ms, retcode, message, http_status
FROM outcomes WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2))
"""

# Of none of the legs to come, so that the leg which does it can send them too.
_DOUBT = """
UPDATE outcomes SET leg = -abs(leg), status = 'unknown', cause = 'switch_over', retcode = '',
disposition = 'switched_over',
message = 'set before the gateway failed over, which may have undone that'
WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2))
"""

# What was seen of them was seen before.
_UNVERIFIED = """
DELETE FROM verifications WHERE run = ?1 AND row IN (SELECT value FROM json_each(?2))
"""

# So many rows a transaction: another run's commits wait for it a few hundredths of a second.
_BATCH = 4_000


def lanes_set_before(record: RunRecord) -> tuple[Lane, ...]:
    """The lanes of a run with those that were set before their gateway switched over.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    return tuple(Lane(*lane) for lane in record.all(_LANES))


def put_in_doubt(record: RunRecord) -> tuple[Lane, ...]:
    """Say of those that it is unknown how they are, so that they are sent again as such.

    What is known of their attempts is kept. Nothing that follows, a stop or a kill, then takes
    any of them for set.

    Returns:
        Their lanes, with how many there are of each.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    lanes = lanes_set_before(record)
    rows = [row for (row,) in record.all(_ROWS)] if lanes else []
    for start in range(0, len(rows), _BATCH):
        batch = str(rows[start : start + _BATCH])  # a list of whole numbers is the same in JSON
        record.database.write(
            (_KEEP, [(record.run, batch)]),
            (_DOUBT, [(record.run, batch)]),
            (_UNVERIFIED, [(record.run, batch)]),
        )
    return lanes
