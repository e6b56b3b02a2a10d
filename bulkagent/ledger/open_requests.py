"""Requests of earlier legs that a gateway may still be at work on.

Times of day are milliseconds since the epoch.

A gateway does not notice that a client was killed, or hung up. A request without a whole answer
therefore counts from its dispatch mark on, for twice the timeout, and for once more where its GUID
was asked for in between.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from bulkagent.ledger.dispatches import HELD
from bulkagent.ledger.run_lock import is_locked
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause


def requests_at_work(
    record: RunRecord, *, without_answer: Collection[str], now_ms: int, timeout_s: float
) -> Mapping[str, tuple[int, ...]]:
    """Of each gateway of a run, until when each request counts that others left there.

    Those of runs in progress are not among them: they count as their own.

    Args:
        record: The run.
        without_answer: The dispositions of attempts that ended without a whole answer.
        now_ms: Time of day.
        timeout_s: This run's; that of the run which sent it counts where it is longer.

    Returns:
        Gateway -> times of day, each after `now_ms`; none beyond that time, also where the clock
        was ahead when the request was sent.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    found: dict[str, list[int]] = {}
    # The next leg has written so of attempts that were left without any end.
    ends = json.dumps([Cause.INTERRUPTED, *sorted(without_answer)])
    rows = record.all(_AT_WORK, now_ms, timeout_s, ends)
    in_progress = _others_in_progress(record) if rows else frozenset()
    for gateway, other, until_ms in rows:
        if other not in in_progress:
            found.setdefault(gateway, []).append(until_ms)
    return {gateway: tuple(times) for gateway, times in found.items()}


def _others_in_progress(record: RunRecord) -> frozenset[int]:
    leases = record.all(_LEASES)
    return frozenset(key for key, run_id in leases if is_locked(record.database.path, run_id))


_LEASES = "SELECT DISTINCT r.run, r.id FROM leases l JOIN runs r ON r.run = l.run WHERE r.run <> ?"

# A leg without an end was killed, or its machine was, at an unknown time. None lives for a week.
_AT_WORK = f"""
SELECT here.gateway, o.run, min(o.sent_at, ?2) + held.ms
FROM ({HELD}) held
JOIN endpoints there ON there.run = held.run
JOIN endpoints here ON here.run = ?1 AND here.url = there.url
JOIN outcomes o ON o.run = held.run
JOIN assignments a ON a.run = o.run AND a.row = o.row AND a.gateway = there.gateway
LEFT JOIN attempts t ON t.run = o.run AND t.row = o.row AND t.attempt = o.attempts
WHERE EXISTS (
    SELECT 1 FROM legs l WHERE l.run = held.run AND (
        l.finished_at + held.ms > ?2
        OR (l.finished_at IS NULL AND l.started_at > ?2 - 7 * 86400000)
    )
)
AND o.sent_at + held.ms > ?2
AND iif(
    o.status IS NULL,
    coalesce(t.disposition, 'interrupted') IN (SELECT value FROM json_each(?4)),
    o.status = 'unknown' AND o.disposition IN (SELECT value FROM json_each(?4))
)
"""  # noqa: S608 - of the ledger's own text
