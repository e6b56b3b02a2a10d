"""Which agents belong to a run that is at work on them.

What may live here: taking leases, and who has them. What this room must not know: what a run does
with its agents, and what becomes of one that is refused.

A lease is a row that is committed before anybody else's is looked at. Of two that are taken at
once, the later one sees the earlier: so at most one of them goes on, and no lock is held meanwhile.
It counts for as long as its run's process is alive, so a kill leaves nothing behind.
"""

from __future__ import annotations

import msgspec

from bulkagent.ledger.database import Database
from bulkagent.ledger.ownership import is_claimed

__all__ = ["Overlap", "has_lease", "note_take_over", "release_lease", "take_lease"]


class Overlap(msgspec.Struct, frozen=True):
    """Agents whom a run in progress has, and another one wants."""

    run_id: str
    agents: int


def take_lease(database: Database, run: int) -> Overlap | None:
    """Take the agents of a run for it, unless a run in progress has any of them.

    Returns:
        What stands against it: the run with the most of them; None: they are this run's from here
        on, until `release_lease` or the end of its process.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    database.write(("INSERT INTO leases (run) VALUES (?)", [(run,)]))
    ((own,),) = database.all("SELECT max(lease) FROM leases WHERE run = ?", (run,))
    overlaps: list[Overlap] = []
    stale: list[tuple[object, ...]] = []
    for lease, other, run_id in database.all(_EARLIER, (own, run)):
        if not is_claimed(database.path, run_id):
            stale.append((lease,))
            continue
        ((shared,),) = database.all(_SHARED, (run, other))
        if shared:
            overlaps.append(Overlap(run_id, shared))
    if stale:
        database.write(("DELETE FROM leases WHERE lease = ?", stale))
    if not overlaps:
        return None
    release_lease(database, run)
    return max(overlaps, key=lambda overlap: overlap.agents)


def release_lease(database: Database, run: int) -> None:
    """Let others have the agents of a run.

    Raises:
        LedgerFailed: The ledger cannot be written; the lease then ends with the process.
    """
    database.write(("DELETE FROM leases WHERE run = ?", [(run,)]))


def has_lease(database: Database, run: int) -> bool:
    """Whether a run has taken its agents, and not let go of them."""
    return bool(database.all("SELECT 1 FROM leases WHERE run = ? LIMIT 1", (run,)))


def note_take_over(database: Database, run: int, leg: int, taken: str) -> None:
    """Record which run was drained for a leg.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    database.write(("UPDATE legs SET took_over = ? WHERE run = ? AND leg = ?", [(taken, run, leg)]))


_EARLIER = """
SELECT l.lease, l.run, r.id FROM leases l JOIN runs r ON r.run = l.run
WHERE l.lease < ? AND l.run <> ? ORDER BY l.lease
"""

# At the same gateway, whatever it was called; those inside the command are each run's own.
_SHARED = """
SELECT count(*) FROM assignments a
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
CROSS JOIN assignments b INDEXED BY assignments_by_agent
    ON b.agent_id = a.agent_id AND b.run = ?2
JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
WHERE a.run = ?1 AND a.lane IS NOT NULL AND b.lane IS NOT NULL
AND here.url = there.url AND here.url <> 'emulated'
"""
