"""How the groups of a handover stand, counted from what is on disk."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.dispatches import HELD
from bulkagent.ledger.last_words import REQUESTS, last_words
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause


class HandoverGroup(msgspec.Struct, frozen=True):
    """One group, as a run has left it so far."""

    group: str
    incoming: int
    """Rows that come on, duplicates aside."""
    outgoing: int
    """Rows that go off, duplicates aside."""
    up: int
    """Incoming agents that are applied, by any run since this one asked last."""
    off: int
    """Outgoing agents that are applied."""
    down: int
    """Outgoing agents that no queue can count on, by what became of the run's own rows: applied,
    in doubt, absent, or unknown."""
    held: int
    """Outgoing agents that were not attempted because of a rule of the handover."""
    cause: Cause | None
    """That rule; None where none was held."""


def groups_of(record: RunRecord) -> tuple[HandoverGroup, ...]:
    """The groups of a run; none where it does not hand over.

    Raises:
        LedgerUnavailable: The ledger is damaged or cannot be read.
    """
    with read_as_written(record.database):
        rows = record.all(_GROUPS)
        found = {
            counts[0]: HandoverGroup(*counts, cause=Cause(cause) if cause else None)  # type: ignore[misc]
            for *counts, cause in rows
        }
        for group, more in last_words(record, _UP_SINCE) if found else ():
            stands = found[group]
            found[group] = msgspec.structs.replace(stands, up=stands.up + more)
    return tuple(found.values())


def up_already(record: RunRecord) -> set[int]:
    """The rows of incoming agents whom `groups_of` counts as up by what another run did alone.

    Raises:
        LedgerUnavailable: The ledger is damaged or cannot be read.
    """
    return {row for (row,) in last_words(record, _UP_ALREADY)}


def down_already(record: RunRecord, only: Collection[Cause] = ()) -> Mapping[int, int]:
    """Of each lane, how many of the agents that are left to send do not cover even now."""
    about = json.dumps(sorted(only)) if only else None
    return dict(record.all(_DOWN_ALREADY, about))


def contested(record: RunRecord, *, now_ms: int, timeout_s: float) -> Mapping[int, int]:
    """The lanes with agents for whom another request, of another kind, is in doubt.

    Such a request may still take effect until twice the timeout has passed: that of the run which
    sent it, or this one's where that is longer. One that was sent by a clock that was ahead is as
    if it had been sent just now.

    Args:
        record: The run.
        now_ms: Time of day.
        timeout_s: This run's.

    Returns:
        Lane -> the time of day from which on none may.
    """
    return dict(record.all(_CONTESTED, now_ms, timeout_s))


def applied_incoming(record: RunRecord) -> list[tuple[int, str, str, str]]:
    """Row, gateway, agent and group of the incoming agents that are applied and still on.

    An agent whom another run has taken off since may be at the desk, and gets no call there.
    """
    off = {row for (row,) in last_words(record, _UP_NO_MORE)}
    return [found for found in record.all(_APPLIED_INCOMING) if found[0] not in off]


def same_groups(record: RunRecord, other: int) -> bool:
    """Whether two runs of the same roster have each of its agents in the same group."""
    ((differ,),) = record.all(_REGROUPED, other)
    return not differ


_REGROUPED = """
SELECT EXISTS (
    SELECT 1 FROM assignments a
    JOIN lanes here ON here.run = a.run AND here.lane = a.lane
    CROSS JOIN assignments b INDEXED BY assignments_by_agent
        ON b.agent_id = a.agent_id AND b.run = ?2 AND b.gateway = a.gateway
    JOIN lanes there ON there.run = b.run AND there.lane = b.lane
    WHERE a.run = ?1 AND here.group_name <> there.group_name
)
"""


def absent_rows(record: RunRecord, arguments: str) -> int:
    """How many agents that were to be set to these arguments were certainly not there."""
    ((count,),) = record.all(_ABSENT, arguments)
    return int(count)


_ABSENT = """
SELECT count(*) FROM outcomes o JOIN assignments a ON a.run = o.run AND a.row = o.row
WHERE o.run = ? AND o.absent AND o.status = 'failed' AND a.arguments = ?
AND NOT EXISTS (SELECT 1 FROM set_aside s WHERE s.run = o.run AND s.row = o.row)
"""

GONE = """
o.row IS NOT NULL AND (
    coalesce(o.status, 'unknown') IN ('applied', 'unknown')
    OR o.status = 'failed' AND o.cause IS 'not_signed_in'
)
"""
"""Whether an outgoing agent with the outcome `o` cannot be counted on."""

_GROUPS = f"""
SELECT h.group_name, h.incoming, h.outgoing,
       coalesce(sum(l.wave = 0 AND o.status = 'applied'), 0),
       coalesce(sum(l.wave > 0 AND o.status = 'applied'), 0),
       h.absent + coalesce(sum(l.wave > 0 AND {GONE}), 0),
       coalesce(sum(l.wave > 0 AND a.row IS NOT NULL AND o.row IS NULL AND s.row IS NULL
           AND l.cause IN ('gate', 'floor')), 0),
       max(CASE WHEN l.wave > 0 AND a.row IS NOT NULL AND o.row IS NULL AND s.row IS NULL
           AND l.cause IN ('gate', 'floor') THEN l.cause END)
FROM handovers h
LEFT JOIN lanes l ON l.run = h.run AND l.group_name = h.group_name
LEFT JOIN assignments a ON a.run = l.run AND a.lane = l.lane
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN set_aside s ON s.run = a.run AND s.row = a.row
WHERE h.run = ? GROUP BY h.group_name ORDER BY h.group_name
"""  # noqa: S608 - of the ledger's texts

# An agent is up who was last set on for certain, by any run. Of a leg's two requests, the one
# that leaves it in doubt decides.
_SINCE = f"""
SELECT a.row AS row, l.group_name AS group_name, coalesce(o.status, '') = 'applied' AS was,
       max(2 * t.turn + (p.status IS NOT 'applied' OR b.arguments <> a.arguments)) % 2 = 0 AS up
{REQUESTS}
AND l.wave = 0 AND t.turn > coalesce(
    (SELECT turn FROM legs WHERE run = a.run AND leg = abs(o.leg)),
    (SELECT min(turn) FROM legs WHERE run = a.run)
)
GROUP BY a.row
"""  # noqa: S608 - of the ledger's texts

_UP_SINCE = f"SELECT group_name, sum(up - was) FROM ({_SINCE}) GROUP BY group_name"  # noqa: S608 - of the ledger's texts
_UP_ALREADY = f"SELECT row FROM ({_SINCE}) WHERE up AND NOT was"  # noqa: S608 - of the ledger's texts
_UP_NO_MORE = f"SELECT row FROM ({_SINCE}) WHERE was AND NOT up"  # noqa: S608 - of the ledger's texts

_DOWN_ALREADY = """
SELECT lane, count(*) FROM stories
WHERE run = ?1 AND lane IS NOT NULL AND cause NOT IN ('superseded', 'protected')
AND (status = 'unknown' OR status = 'failed' AND cause = 'not_signed_in')
AND (?2 IS NULL OR cause IN (SELECT value FROM json_each(?2)))
GROUP BY lane
"""

# At the same gateway, whatever it was called.
_CONTESTED = f"""
SELECT a.lane, max(min(o.sent_at, ?2) + held.ms)
FROM ({HELD}) held
JOIN outcomes o ON o.run = held.run
JOIN assignments b ON b.run = o.run AND b.row = o.row
JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
CROSS JOIN assignments a INDEXED BY assignments_by_agent
    ON a.agent_id = b.agent_id AND a.run = ?1
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
WHERE held.run <> ?1
AND EXISTS (
    SELECT 1 FROM legs l
    WHERE l.run = held.run AND coalesce(l.finished_at, ?2) + held.ms >= ?2
)
AND coalesce(o.status, 'unknown') = 'unknown' AND o.sent_at + held.ms > ?2
AND a.lane IS NOT NULL AND a.arguments <> b.arguments
AND there.url = here.url AND here.url <> 'emulated'
GROUP BY a.lane
"""  # noqa: S608 - of the ledger's own text

_APPLIED_INCOMING = """
SELECT s.row, s.gateway, s.agent_id, l.group_name
FROM stories s JOIN lanes l ON l.run = s.run AND l.lane = s.lane
WHERE s.run = ? AND l.wave = 0 AND s.status = 'applied' ORDER BY s.row
"""
