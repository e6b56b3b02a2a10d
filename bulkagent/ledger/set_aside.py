"""Assignments that a run leaves for good.

A later run has dispatched their agents, or a person has; or the agents are protected by now.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause


def supersede(
    record: RunRecord, *, since_ms: int | None = None, since_turn: int | None = None
) -> Mapping[str, int]:
    """Leave for good what is left of a run and a later run has dispatched.

    Two assignments concern the same agent where ID and URL of the gateway are the same, whatever
    the gateways were called.

    Args:
        record: The run.
        since_ms: Another run is also later if it dispatched the agent after this time of day, or
            in a leg that began after this run was planned, whatever the clock said then.
        since_turn: The turn of the last leg that had begun by then; None: of the run's own last.

    Returns:
        How many of the run's assignments each later run, by its ID, has superseded in all.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    since, turn = _NEVER, _NEVER
    if since_ms is not None:
        since = since_ms
        ((own,),) = record.all("SELECT max(turn) FROM legs WHERE run = ?")
        turn = own if since_turn is None else since_turn
    # Read without the write lock, which a run that is sending waits for at each commit.
    with Database(record.database.path) as reader:
        found = reader.query(_LEFT_TO_OTHERS, (record.run, since, turn))
        _set_aside(record, found)
    return dict(record.all(_SUPERSEDED))


class LeftTo(msgspec.Struct, frozen=True):
    """Agents that a run has left to a later one."""

    run_id: str
    """The later one."""
    who: str
    """The user and machine that have begun it; "" where nobody knows."""
    arguments: str
    """What it has set them to; "" where it has not."""
    agents: int
    some: tuple[str, ...]
    """The IDs of the first of them."""
    at: int | None
    """When the last of them was set; None where none was."""


def left_to(record: RunRecord, agent_id: str | None = None) -> tuple[LeftTo, ...]:
    """The agents that a run has left to later ones, by these and by what they have set.

    Args:
        record: The run.
        agent_id: Of one agent alone; None: of all.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_as_written(record.database):
        return tuple(
            LeftTo(run_id, who or "", arguments or "", agents, tuple(json.loads(some)), at)
            for run_id, who, arguments, agents, some, at in record.all(_LEFT_TO, agent_id)
        )


def protect(record: RunRecord, protected: Callable[[str, str], bool]) -> int:
    """Leave for good the agents that are left of a run and are protected by now.

    An agent who was left so before and may be set again is not left any more.

    Args:
        record: The run.
        protected: Whether the agent of a gateway's name and an ID is.

    Returns:
        How many have been left so in all.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    with Database(record.database.path) as reader:
        record.database.write(
            ("DELETE FROM set_aside WHERE run = ? AND cause = 'protected'", [(record.run,)])
        )
        found = (
            (record.run, row, Cause.PROTECTED.value, None)
            for row, gateway, agent_id in reader.query(_LEFT_ROWS, (record.run,))
            if protected(gateway, agent_id)
        )
        _set_aside(record, found)
    ((count,),) = record.all(_PROTECTED)
    return int(count)


def leave_to_persons(record: RunRecord, since: int) -> int:
    """Leave alone agents whom a person has set otherwise since the latest run of the same roster.

    Also what that run had left to a person before it.

    Args:
        record: A new run that no person looks at.
        since: The key of the latest run of the same roster.

    Returns:
        How many agents are left.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    with Database(record.database.path) as reader:
        found = reader.query(_TO_PERSONS, (record.run, since))
        _set_aside(record, found)
    return sum(dict(record.all(_SUPERSEDED)).values())


def set_otherwise(record: RunRecord) -> Mapping[str, int]:
    """How many of the agents that a run has set each later leg has set otherwise, by its run's ID.

    The last leg of another run that has dispatched an agent counts for it. A request in doubt may
    have taken effect, so it counts too.

    Args:
        record: The run.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    ((later,),) = record.all(_HAS_LATER)
    # A first leg has none, and would look a million agents up for nothing.
    return dict(record.all(_SET_OTHERWISE)) if later else {}


def _set_aside(record: RunRecord, found: Iterator[tuple[object, ...]]) -> None:
    while batch := list(itertools.islice(found, _BATCH)):
        record.database.write((_SET_ASIDE, batch))


# Agents that a later run has dispatched at the same gateway, whatever that was called.
_LATER = """
FROM assignments a
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
CROSS JOIN assignments later ON later.agent_id = a.agent_id AND later.run <> a.run
JOIN endpoints there ON there.run = later.run AND there.gateway = later.gateway
JOIN outcomes dispatched ON dispatched.run = later.run AND dispatched.row = later.row
LEFT JOIN legs t ON t.run = dispatched.run AND t.leg = abs(dispatched.leg)
WHERE a.run = ?1 AND a.lane IS NOT NULL AND there.url = here.url
AND (later.run > a.run OR dispatched.sent_at > ?2 OR t.turn > ?3)
"""

_LEFT_TO_OTHERS = f"""
SELECT a.run, a.row, 'superseded', max(later.run) {_LATER}
AND coalesce(o.status, '') NOT IN ('applied', 'rejected')
GROUP BY a.row
"""

# A person agreed to it at the terminal, or had it take over from another run.
_TO_PERSONS = """
SELECT a.run, a.row, 'superseded', max(p.run)
FROM assignments a
JOIN runs latest ON latest.run = ?2
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
CROSS JOIN assignments p INDEXED BY assignments_by_agent
    ON p.agent_id = a.agent_id AND p.run <> a.run
JOIN endpoints there ON there.run = p.run AND there.gateway = p.gateway
JOIN outcomes done ON done.run = p.run AND done.row = p.row
LEFT JOIN legs turn ON turn.run = done.run AND turn.leg = abs(done.leg)
WHERE a.run = ?1 AND a.lane IS NOT NULL AND p.arguments <> a.arguments
AND there.url = here.url AND here.url <> 'emulated'
AND coalesce(done.status, 'unknown') IN ('applied', 'unknown')
AND EXISTS (
    SELECT 1 FROM legs l
    WHERE l.run = p.run AND (l.consent = 'terminal' OR l.took_over IS NOT NULL)
)
AND (
    p.run > latest.run OR turn.turn > (SELECT min(turn) FROM legs WHERE run = latest.run)
    OR EXISTS (
        SELECT 1 FROM set_aside s JOIN assignments r ON r.run = s.run AND r.row = s.row
        WHERE s.run = latest.run AND s.by_run = p.run
        AND r.agent_id = a.agent_id AND r.gateway = a.gateway
    )
)
-- What another run has set since is not the person's setting any more.
AND NOT EXISTS (
    SELECT 1 FROM assignments q INDEXED BY assignments_by_agent
    JOIN endpoints e ON e.run = q.run AND e.gateway = q.gateway AND e.url = here.url
    JOIN outcomes o ON o.run = q.run AND o.row = q.row
    JOIN legs t ON t.run = o.run AND t.leg = abs(o.leg)
    WHERE q.agent_id = a.agent_id AND q.run NOT IN (a.run, p.run) AND t.turn > turn.turn
    AND coalesce(o.status, 'unknown') IN ('applied', 'unknown')
)
GROUP BY a.row
"""

_HAS_LATER = """
SELECT EXISTS (
    SELECT 1 FROM legs WHERE run <> ?1 AND turn > (SELECT min(turn) FROM legs WHERE run = ?1)
)
"""

# A bare column is of the row that has the maximum (sqlite.org/lang_select.html, section 2.5).
_SET_OTHERWISE = """
SELECT r.id, count(*) FROM (
    SELECT later.run AS by_run, later.arguments <> a.arguments AS otherwise, max(t.turn)
    FROM assignments a
    JOIN outcomes o ON o.run = a.run AND o.row = a.row AND o.status = 'applied'
    JOIN legs mine ON mine.run = o.run AND mine.leg = abs(o.leg)
    JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
    CROSS JOIN assignments later INDEXED BY assignments_by_agent
        ON later.agent_id = a.agent_id AND later.run <> a.run
    JOIN endpoints there ON there.run = later.run AND there.gateway = later.gateway
    JOIN outcomes done ON done.run = later.run AND done.row = later.row
    JOIN legs t ON t.run = done.run AND t.leg = abs(done.leg)
    WHERE a.run = ? AND a.lane IS NOT NULL AND there.url = here.url AND t.turn > mine.turn
    AND coalesce(done.status, 'unknown') IN ('applied', 'unknown')
    GROUP BY a.row
) JOIN runs r ON r.run = by_run WHERE otherwise
GROUP BY by_run ORDER BY by_run
"""

# What the later run has set, at the same gateway, whatever that was called.
_LEFT_TO = """
WITH found AS (
    SELECT s.by_run AS by_run, a.row AS row, a.agent_id AS agent_id,
        iif(done.status = 'applied', later.arguments, NULL) AS arguments,
        iif(done.status = 'applied', done.sent_at, NULL) AS at
    FROM set_aside s
    JOIN assignments a ON a.run = s.run AND a.row = s.row
    JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
    LEFT JOIN outcomes o ON o.run = s.run AND o.row = s.row
    LEFT JOIN assignments later ON later.agent_id = a.agent_id AND later.run = s.by_run
        AND later.lane IS NOT NULL AND EXISTS (
            SELECT 1 FROM endpoints there
            WHERE there.run = later.run AND there.gateway = later.gateway AND there.url = here.url
        )
    LEFT JOIN outcomes done ON done.run = later.run AND done.row = later.row
    WHERE s.run = ?1 AND s.cause = 'superseded' AND a.agent_id = coalesce(?2, a.agent_id)
    AND coalesce(o.status, '') NOT IN ('applied', 'rejected')
)
SELECT r.id, (SELECT who FROM legs l WHERE l.run = r.run AND l.leg = 1), f.arguments, count(*),
    (
        SELECT json_group_array(agent_id) FROM (
            SELECT agent_id FROM found x
            WHERE x.by_run = f.by_run AND x.arguments IS f.arguments ORDER BY x.row LIMIT 3
        )
    ),
    max(f.at)
FROM found f JOIN runs r ON r.run = f.by_run
GROUP BY f.by_run, f.arguments ORDER BY f.by_run, f.arguments LIMIT 10
"""

_SET_ASIDE = "INSERT OR REPLACE INTO set_aside (run, row, cause, by_run) VALUES (?,?,?,?)"

_NEVER = 1 << 62

# So many rows a transaction: another run's commits wait for it a few hundredths of a second.
_BATCH = 4_000

_LEFT_ROWS = """
SELECT row, gateway, agent_id FROM stories
WHERE run = ? AND lane IS NOT NULL AND status IN ('failed', 'unknown', 'not_attempted')
"""

_PROTECTED = "SELECT count(*) FROM set_aside WHERE run = ? AND cause = 'protected'"

_SUPERSEDED = """
SELECT r.id, count(*) FROM set_aside s JOIN runs r ON r.run = s.by_run
LEFT JOIN outcomes o ON o.run = s.run AND o.row = s.row
WHERE s.run = ? AND s.cause = 'superseded' AND coalesce(o.status, '') NOT IN ('applied', 'rejected')
GROUP BY r.run ORDER BY r.run
"""
