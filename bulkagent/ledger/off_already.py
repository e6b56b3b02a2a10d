"""Which agents who are to go off have gone before the run began: other runs took them off."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.elapsed import LegOrder, OrderedLeg, leg_order
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause


class OffAlready(msgspec.Struct, frozen=True):
    """Agents who go off in a run, and whom another run has taken off before."""

    down: Mapping[str, int]
    """By group, how many of them nothing else on disk of the run counts as down."""
    rows: Mapping[int, frozenset[int]]
    """By lane, the rows of those who are left to send."""


def taken_off(
    record: RunRecord, only: Collection[Cause] = (), *, now_ms: int, trusted_ms: int
) -> OffAlready:
    """Find who is off, or may be, by what other runs did last.

    The legs of other runs are gone through from the latest on, and only for agents whose last
    action is not found yet. What is in doubt and asked for the opposite leaves an agent as it was.

    Args:
        record: The run, of which a leg has begun.
        only: Only what ended with one of these causes is left to send; none: whatever the cause.
        now_ms: Time of day.
        trusted_ms: For how long what was set is relied on.

    Raises:
        LedgerUnavailable: The ledger is damaged, or there is no room.
    """
    turns = leg_order(record.database, now_ms)
    others = [leg for leg in turns.latest_first if _counts(turns, leg, record.run, trusted_ms)]
    down: Counter[str] = Counter()
    rows: defaultdict[int, set[int]] = defaultdict(set)
    if others:
        with Database(record.database.path) as own, read_as_written(record.database):
            own.define(_LEAVING)
            own.fill(_OWN, [(record.run,)])
            for leg in others:
                if not own.all("SELECT 1 FROM leaving WHERE off IS NULL LIMIT 1"):
                    break
                own.fill(_LAST, [(leg.run, leg.leg, leg.turn, now_ms - trusted_ms)])
            for row, lane, group, cause, to_send, since in own.query(_OFF):
                down[group] += not since
                if to_send and (not only or cause in only):
                    rows[lane].add(row)
    return OffAlready(down, {lane: frozenset(found) for lane, found in rows.items()})


def _counts(turns: LegOrder, leg: OrderedLeg, run: int, trusted_ms: int) -> bool:
    """Whether a leg is another run's, and not surely too long ago."""
    if leg.run == run:
        return False
    idle_ms = None if leg.finished_at is None else turns.idle_ms(leg, leg.finished_at)
    return idle_ms is None or idle_ms <= trusted_ms


# Of each row that goes off and was not taken off by its own run: `off` is NULL as long as nothing
# is known, and `since` says that another run did it after the row's own turn.
_LEAVING = """
CREATE TEMP TABLE leaving (
    row INTEGER PRIMARY KEY, lane INTEGER, group_name TEXT, agent_id TEXT, url TEXT,
    arguments TEXT, cause TEXT, to_send INTEGER, turn INTEGER, off INTEGER, since INTEGER
)
"""

_OWN = """
INSERT INTO leaving (row, lane, group_name, agent_id, url, arguments, cause, to_send, turn)
SELECT s.row, s.lane, l.group_name, s.agent_id, here.url, s.arguments, s.cause,
       s.status IN ('not_attempted', 'failed') AND s.cause NOT IN ('superseded', 'protected'),
       coalesce(t.turn, (SELECT min(turn) FROM legs WHERE run = ?1), 0)
FROM stories s
JOIN lanes l ON l.run = s.run AND l.lane = s.lane
JOIN endpoints here ON here.run = s.run AND here.gateway = s.gateway
LEFT JOIN legs t ON t.run = s.run AND t.leg = abs(s.leg)
WHERE s.run = ?1 AND l.wave > 0 AND here.url <> 'emulated'
AND s.status NOT IN ('applied', 'unknown') AND s.cause IS NOT 'not_signed_in'
"""

# In this order, from agents whose last word is open to what one leg has of each: SQLite would
# begin with the run, and go through all agents for each of its rows.
_LAST = """
UPDATE leaving SET off = b.arguments = leaving.arguments AND p.sent_at >= ?4,
                   since = leaving.turn < ?3
FROM assignments b INDEXED BY assignments_by_agent
CROSS JOIN outcomes p ON p.run = b.run AND p.row = b.row
CROSS JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
WHERE b.agent_id = leaving.agent_id AND b.run = ?1 AND abs(p.leg) = ?2
AND there.url = leaving.url AND leaving.off IS NULL
AND (p.status = 'applied'
     OR coalesce(p.status, 'unknown') = 'unknown' AND b.arguments = leaving.arguments)
"""

_OFF = "SELECT row, lane, group_name, cause, to_send, since FROM leaving WHERE off ORDER BY row"
