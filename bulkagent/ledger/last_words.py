"""What other runs did last with the agents of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.elapsed import LegOrder, OrderedLeg, leg_order
from bulkagent.ledger.run_record import RunRecord


class TrustedTime(msgspec.Struct, frozen=True):
    """For how long what was set before a run began is relied on."""

    now_ms: int
    """Time of day."""
    trusted_ms: int


def last_words(
    record: RunRecord, sql: str, *, trust: TrustedTime | None = None
) -> Iterator[tuple[Any, ...]]:
    """Ask about `REQUESTS`: what other runs asked of the agents, and what came of it.

    It takes as long as the agents and their requests since the oldest of these are many, however
    many other runs there are.

    Args:
        record: The run, of which a leg has begun.
        sql: Has `REQUESTS` in it.
        trust: With it, also what was asked before the run began, as far as that is relied on.

    Raises:
        LedgerUnavailable: While iterating: the ledger is damaged, or there is no room.
    """
    legs = leg_order(record.database, trust.now_ms if trust else 0)
    first = min((leg.turn for leg in legs.latest_first if leg.run == record.run), default=0)
    others = [
        (leg.run, leg.leg, leg.turn, since)
        for leg in legs.latest_first
        if leg.run != record.run
        and (since := _relied_on_since(legs, leg, first, trust)) is not None
    ]
    if not others:
        return
    with Database(record.database.path) as own, read_as_written(record.database):
        own.define(_OTHERS)
        own.fill("INSERT INTO others VALUES (?, ?, ?, ?)", others)
        for (oldest,) in own.all(_OLDEST, (record.run,)):
            yield from own.query(sql, (record.run, oldest))


def _relied_on_since(
    legs: LegOrder, leg: OrderedLeg, first: int, trust: TrustedTime | None
) -> int | None:
    """The time from which on what a leg of another run asked counts; None: nothing of it does."""
    if leg.turn > first:
        return 0
    if trust is None:
        return None
    # A leg that has not ended may have asked for something at any time since it began.
    idle_ms = None if leg.finished_at is None else legs.idle_ms(leg, leg.finished_at)
    if idle_ms is not None and idle_ms > trust.trusted_ms:
        return None
    return trust.now_ms - trust.trusted_ms


_OTHERS = """
CREATE TEMP TABLE others (
    run INTEGER, leg INTEGER, turn INTEGER, since INTEGER, PRIMARY KEY (run, leg)
) WITHOUT ROWID
"""

# Of a leg that was killed nobody wrote when it ended: its requests tell.
_OLDEST = """
SELECT r.run FROM (SELECT run, min(since) AS since FROM others GROUP BY run) r
WHERE EXISTS (
    SELECT 1 FROM endpoints there JOIN endpoints here ON here.run = ?1 AND here.url = there.url
    WHERE there.run = r.run
) AND EXISTS (SELECT 1 FROM outcomes o WHERE o.run = r.run AND o.sent_at >= r.since)
ORDER BY r.run LIMIT 1
"""

REQUESTS = """
FROM lanes l
JOIN assignments a ON a.run = l.run AND a.lane = l.lane
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
CROSS JOIN assignments b INDEXED BY assignments_by_agent
    ON b.agent_id = a.agent_id AND b.run >= ?2 AND b.run <> a.run
CROSS JOIN outcomes p ON p.run = b.run AND p.row = b.row
CROSS JOIN others t ON t.run = p.run AND t.leg = abs(p.leg) AND p.sent_at >= t.since
CROSS JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
WHERE l.run = ?1 AND there.url = here.url AND here.url <> 'emulated'
AND coalesce(p.status, 'unknown') IN ('applied', 'unknown')
"""
"""Rows `a` of the run in lanes `l` with their outcomes `o`; rows `b` of other runs for the same
agents, with outcomes `p` that may have had an effect, of legs `t`.

The gateway is the same, whatever it was called; the emulated one inside a command is that
command's own. It is read in this order: SQLite would begin with the other runs.
"""
