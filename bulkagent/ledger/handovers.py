"""How the groups of a handover stand, counted from what is on disk.

What may live here: who of a group comes on and goes off, and how far that is. What this room must
not know: what gate and floor make of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.outcome import Cause

__all__ = [
    "HandoverGroup",
    "absent_rows",
    "applied_incoming",
    "contested",
    "down_already",
    "handover_groups",
]


class HandoverGroup(msgspec.Struct, frozen=True):
    """One group, as a run has left it so far."""

    group: str
    incoming: int
    """Rows that come on, duplicates aside."""
    outgoing: int
    """Rows that go off, duplicates aside."""
    up: int
    """Incoming agents who are applied."""
    off: int
    """Outgoing agents who are applied."""
    down: int
    """Outgoing agents on whom nobody can count: applied, in doubt, not signed in, or nobody."""
    held: int
    """Outgoing agents who were not attempted because of a rule of the handover."""
    cause: Cause | None
    """That rule; None where none was held."""


def handover_groups(database: Database, run: int) -> tuple[HandoverGroup, ...]:
    """The groups of a run; none where it does not hand over.

    Raises:
        LedgerUnavailable: The ledger is damaged or cannot be read.
    """
    with read_as_written(database):
        return tuple(
            HandoverGroup(*counts, cause=Cause(cause) if cause else None)  # type: ignore[misc]
            for *counts, cause in database.all(_GROUPS, (run,))
        )


def down_already(database: Database, run: int, only: Collection[Cause] = ()) -> Mapping[int, int]:
    """Of each lane, how many of what is left to send nobody can count on even now."""
    about = json.dumps(sorted(only)) if only else None
    return dict(database.all(_DOWN_ALREADY, (run, about)))


def contested(database: Database, run: int, since_ms: int) -> Mapping[int, int]:
    """The lanes with agents of whom another request, for something else, is in doubt.

    Args:
        database: The ledger.
        run: The run's key in it.
        since_ms: Only requests that were sent after this time of day may still take effect.

    Returns:
        Lane -> when the last such request was sent.
    """
    return dict(database.all(_CONTESTED, (run, since_ms)))


def applied_incoming(database: Database, run: int) -> list[tuple[int, str, str, str]]:
    """Row, gateway, agent and group of those who were set on, where somebody goes off after."""
    return database.all(_APPLIED_INCOMING, (run,))


def absent_rows(database: Database, run: int, arguments: str) -> int:
    """How many who were to be set to these arguments were surely not there to be set."""
    ((count,),) = database.all(_ABSENT, (run, arguments))
    return int(count)


_ABSENT = """
SELECT count(*) FROM outcomes o JOIN assignments a ON a.run = o.run AND a.row = o.row
WHERE o.run = ? AND o.absent AND o.status = 'failed' AND a.arguments = ?
"""

_GROUPS = """
SELECT h.group_name, h.incoming, h.outgoing,
       coalesce(sum(l.wave = 0 AND s.status = 'applied'), 0),
       coalesce(sum(l.wave > 0 AND s.status = 'applied'), 0),
       h.absent + coalesce(sum(l.wave > 0 AND (
           s.status IN ('applied', 'unknown')
           OR s.status = 'failed' AND s.cause = 'not_signed_in'
       )), 0),
       coalesce(sum(l.wave > 0 AND s.status = 'not_attempted'
           AND s.cause IN ('gate', 'floor')), 0),
       max(CASE WHEN l.wave > 0 AND s.status = 'not_attempted'
           AND s.cause IN ('gate', 'floor') THEN s.cause END)
FROM handovers h
LEFT JOIN lanes l ON l.run = h.run AND l.group_name = h.group_name
LEFT JOIN stories s ON s.run = l.run AND s.lane = l.lane
WHERE h.run = ? GROUP BY h.group_name ORDER BY h.group_name
"""

_DOWN_ALREADY = """
SELECT lane, count(*) FROM stories
WHERE run = ?1 AND lane IS NOT NULL AND cause NOT IN ('superseded', 'protected')
AND (status = 'unknown' OR status = 'failed' AND cause = 'not_signed_in')
AND (?2 IS NULL OR cause IN (SELECT value FROM json_each(?2)))
GROUP BY lane
"""

# At the same gateway, whatever it was called.
_CONTESTED = """
SELECT a.lane, max(o.sent_at)
FROM outcomes o
JOIN assignments b ON b.run = o.run AND b.row = o.row
JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
JOIN assignments a ON a.agent_id = b.agent_id AND a.run = ?1
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
WHERE o.run IN (SELECT run FROM legs WHERE coalesce(finished_at, ?2) >= ?2 AND run <> ?1)
AND coalesce(o.status, 'unknown') = 'unknown' AND o.sent_at > ?2
AND a.lane IS NOT NULL AND a.arguments <> b.arguments AND there.url = here.url
GROUP BY a.lane
"""

_APPLIED_INCOMING = """
SELECT s.row, s.gateway, s.agent_id, l.group_name
FROM stories s JOIN lanes l ON l.run = s.run AND l.lane = s.lane
WHERE s.run = ? AND l.wave = 0 AND s.status = 'applied' ORDER BY s.row
"""
