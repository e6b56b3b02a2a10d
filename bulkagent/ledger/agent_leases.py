"""Which agents belong to a run that is at work on them.

A lease is a row that is committed before the leases of other runs are read. Of two that are taken
at once, the later one sees the earlier: so at most one of them goes on, and no lock is held.
It counts for as long as its run's process is alive, so a kill leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bulkagent.ledger.dispatches import DISPATCHED_SINCE
from bulkagent.ledger.run_lock import is_locked
from bulkagent.ledger.run_record import RunRecord


class Overlap(msgspec.Struct, frozen=True):
    """Agents that a run in progress has and another run wants."""

    run: int
    """Its key in the ledger."""
    run_id: str
    agents: int
    same: bool = False
    """Whether it is a run of the same roster: the same agents, to be set the same."""
    gated: bool = False
    """Whether it counts its agents for a gate, a floor or a canary."""
    person: bool = False
    """Whether a person agreed to it at the terminal, or had it take over from another."""


class InFlight(msgspec.Struct, frozen=True):
    """Agents of a run with a request on its way."""

    run: int
    run_id: str
    agents: int
    timeout_s: float
    """How long that run waits for a reply."""


class RunSize(msgspec.Struct, frozen=True):
    """How many agents a run has."""

    agents: int
    left: int
    """Those that it has not come to an end with, and has not left to another run."""


def take_lease(record: RunRecord) -> tuple[Overlap, ...]:
    """Take the agents of a run for it, for as long as its process lives or until `release_lease`.

    Returns:
        What stands against it: the runs in progress that have any of them, the one with the most
        first. A caller that goes on against one of these must release the lease, or come to terms.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    record.database.write(("INSERT INTO leases (run) VALUES (?)", [(record.run,)]))
    ((own,),) = record.all("SELECT max(lease) FROM leases WHERE run = ?")
    return _overlaps_before(record, before=own)


def overlaps(record: RunRecord) -> tuple[Overlap, ...]:
    """The same without taking anything: what stands against a run at this moment."""
    return _overlaps_before(record, before=_LAST)


def _overlaps_before(record: RunRecord, *, before: int) -> tuple[Overlap, ...]:
    overlaps: dict[int, Overlap] = {}
    stale: list[tuple[object, ...]] = []
    for lease, other, run_id in record.database.all(_EARLIER, (before, record.run)):
        if not is_locked(record.database.path, run_id):
            stale.append((lease,))
            continue
        ((shared,),) = record.all(_SHARED, other)
        if shared:
            ((same, gated, person),) = record.all(_KIND, other)
            kind = bool(same), bool(gated), bool(person)
            overlaps[other] = Overlap(other, run_id, shared, *kind)
    if stale:
        record.database.write(("DELETE FROM leases WHERE lease = ?", stale))
    return tuple(sorted(overlaps.values(), key=lambda overlap: -overlap.agents))


def shared_agents(record: RunRecord, other: int, limit: int) -> tuple[str, ...]:
    """The IDs of the first agents that a run wants and another one has."""
    return tuple(agent_id for (agent_id,) in record.all(_SHARED_AGENTS, other, limit))


def run_size(record: RunRecord) -> RunSize:
    """How many agents a run has, and has left."""
    ((agents, left),) = record.all(_SIZE)
    return RunSize(agents, left)


def drained_for(record: RunRecord) -> tuple[str, ...]:
    """The IDs of the runs that were drained for a run, and that nobody has let go on since."""
    return tuple(run_id for (run_id,) in record.all(_DRAINED_FOR))


def release_lease(record: RunRecord) -> None:
    """Let others have the agents of a run.

    Raises:
        LedgerFailed: The ledger cannot be written; the lease then ends with the process.
    """
    record.database.write(("DELETE FROM leases WHERE run = ?", [(record.run,)]))


def has_lease(record: RunRecord) -> bool:
    """Whether a run has taken its agents, and not let go of them."""
    return bool(record.all("SELECT 1 FROM leases WHERE run = ? LIMIT 1"))


def note_take_over(record: RunRecord, leg: int, taken: Sequence[Overlap]) -> None:
    """Record which runs are drained for a leg, and that they are; within `Database.locked`.

    Also that there was none: a person has asked for it. From here on none of them goes on
    before a person has looked, whatever becomes of its process.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    names = ", ".join(overlap.run_id for overlap in taken)
    ((by,),) = record.all("SELECT id FROM runs WHERE run = ?")
    record.database.execute(
        "UPDATE legs SET took_over = ? WHERE run = ? AND leg = ?", [(names, record.run, leg)]
    )
    for overlap in taken:
        why = f"run {by} has taken over {overlap.agents:,} of its agents"
        record.database.execute(_DRAINED, [(by, overlap.run)])
        record.database.execute("UPDATE runs SET halted = ? WHERE run = ?", [(why, overlap.run)])


def give_back(record: RunRecord, other: int) -> None:
    """Give back to another run the agents that it has left to this one, and let it go on.

    An agent whom any run has dispatched since stays with that run.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    ((by,),) = record.all("SELECT id FROM runs WHERE run = ?")
    record.database.write(
        (_GIVEN_BACK, [(other, record.run)]),
        (_NOT_HALTED, [(other, by)]),
        ("UPDATE legs SET drained_for = NULL WHERE run = ? AND drained_for = ?", [(other, by)]),
    )


def take_from(record: RunRecord, other: int) -> None:
    """Have another run leave to this one what both want and it has not finished with.

    Within `Database.locked`. Whatever is in flight of that comes to its end; nothing more of it
    is marked.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    record.database.execute(_TAKE_FROM, [(record.run, other)])


def leave_to(record: RunRecord, other: int) -> None:
    """Leave to another run what both want, within `Database.locked`: the same seen from here."""
    record.database.execute(_LEAVE_TO, [(record.run, other)])


def in_flight(record: RunRecord) -> tuple[InFlight, ...]:
    """Agents with a request on its way whom other runs have left to this one."""
    return tuple(InFlight(*found) for found in record.all(_IN_FLIGHT))


_LAST = 1 << 62

_EARLIER = """
SELECT l.lease, l.run, r.id FROM leases l JOIN runs r ON r.run = l.run
WHERE l.lease < ? AND l.run <> ? ORDER BY l.lease
"""

# At the same gateway, whatever it was called; those inside the command are each run's own. What
# the run has finished with, or left to another, it does not want; nor does the other one.
_BOTH = """
FROM assignments a
JOIN endpoints here ON here.run = a.run AND here.gateway = a.gateway
CROSS JOIN assignments b INDEXED BY assignments_by_agent
    ON b.agent_id = a.agent_id AND b.run = ?2
JOIN endpoints there ON there.run = b.run AND there.gateway = b.gateway
WHERE a.run = ?1 AND a.lane IS NOT NULL AND b.lane IS NOT NULL
AND here.url = there.url AND here.url <> 'emulated'
"""

_OPEN = """
AND NOT EXISTS (
    SELECT 1 FROM outcomes o
    WHERE o.run = a.run AND o.row = a.row AND o.status IN ('applied', 'rejected')
)
AND NOT EXISTS (SELECT 1 FROM set_aside s WHERE s.run = a.run AND s.row = a.row)
AND NOT EXISTS (SELECT 1 FROM set_aside s WHERE s.run = b.run AND s.row = b.row)
"""

_SHARED = f"SELECT count(*) {_BOTH} {_OPEN}"

_SHARED_AGENTS = f"SELECT a.agent_id {_BOTH} {_OPEN} ORDER BY a.row LIMIT ?3"

_SIZE = """
SELECT count(*), count(*) FILTER (
    WHERE s.row IS NULL AND coalesce(o.status, '') NOT IN ('applied', 'rejected')
)
FROM assignments a
LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
LEFT JOIN set_aside s ON s.run = a.run AND s.row = a.row
WHERE a.run = ?1 AND a.lane IS NOT NULL
"""

_DRAINED_FOR = """
SELECT r.id FROM legs l JOIN runs r ON r.run = l.run
WHERE l.drained_for = (SELECT id FROM runs WHERE run = ?1) AND r.halted IS NOT NULL
AND l.leg = (SELECT max(leg) FROM legs WHERE run = l.run)
ORDER BY r.run
"""

_KIND = """
SELECT own.fingerprint <> '' AND own.fingerprint = r.fingerprint
           AND own.reverts IS NULL AND r.reverts IS NULL,
       EXISTS (SELECT 1 FROM handovers h WHERE h.run = r.run)
           OR iif(json_valid(r.settings), json_extract(r.settings, '$.canary'), 0) > 0,
       EXISTS (
           SELECT 1 FROM legs l
           WHERE l.run = r.run AND (l.consent = 'terminal' OR l.took_over IS NOT NULL)
       )
FROM runs own JOIN runs r ON r.run = ?2 WHERE own.run = ?1
"""

_DRAINED = """
UPDATE legs SET drained_for = ?1
WHERE run = ?2 AND leg = (SELECT max(leg) FROM legs WHERE run = ?2)
"""

_NOT_HALTED = """
UPDATE runs SET halted = NULL WHERE run = ?1
AND EXISTS (SELECT 1 FROM legs l WHERE l.run = ?1 AND l.drained_for = ?2)
"""

# Both also what it has finished with, which it might send once more: after a failover, or
# because a stray reply has put it in doubt.
_TAKE_FROM = f"""
INSERT OR REPLACE INTO set_aside (run, row, cause, by_run)
SELECT b.run, b.row, 'superseded', ?1 {_BOTH}
"""

_LEAVE_TO = f"""
INSERT OR REPLACE INTO set_aside (run, row, cause, by_run)
SELECT a.run, a.row, 'superseded', ?2 {_BOTH}
"""

_GIVEN_BACK = f"""
DELETE FROM set_aside WHERE run = ?1 AND by_run = ?2
AND NOT EXISTS (
    SELECT 1 FROM assignments a LEFT JOIN outcomes o ON o.run = a.run AND o.row = a.row
    WHERE a.run = set_aside.run AND a.row = set_aside.row
    AND EXISTS (SELECT 1 FROM {DISPATCHED_SINCE})
)
"""  # noqa: S608 - of the ledger's own text

# Marked, and without an end of that attempt.
_IN_FLIGHT = """
SELECT r.run, r.id, count(*),
       coalesce(iif(json_valid(r.settings), json_extract(r.settings, '$.timeout_s'), NULL), 0.0)
FROM set_aside s
JOIN runs r ON r.run = s.run
JOIN outcomes o ON o.run = s.run AND o.row = s.row
WHERE s.by_run = ?1 AND o.status IS NULL
AND NOT EXISTS (
    SELECT 1 FROM attempts t WHERE t.run = o.run AND t.row = o.row AND t.attempt = o.attempts
)
AND EXISTS (SELECT 1 FROM leases l WHERE l.run = s.run)
GROUP BY r.run
"""
