"""The legs of a run: stretches of sending, and what each leaves for the next."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from bulkagent.ledger.batches import outcome_batches
from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause, Status


class Leg(msgspec.Struct, frozen=True):
    """One stretch of sending of a run."""

    leg: int
    command: str
    """`apply`, `resume` or `revert`."""
    started_at: int
    finished_at: int | None
    state: str | None
    exit_code: int | None
    reason: str | None
    """Why it ended early."""
    override: str | None
    """Why somebody overrode a guardrail."""
    took_over: str | None = None
    """The runs that were drained for it."""
    who: str | None = None
    """Who has begun it: user and machine."""
    note: str | None = None
    """What they wanted to be remembered with it."""
    consent: str | None = None
    """How it was agreed to: `terminal`, `yes` or `program`; None: it needed nobody's consent, or
    an older bulkagent began it."""
    on_behalf_of: str | None = None
    """For whom they said that it was; a claim."""
    drained_for: str | None = None
    """The run that took over, which ended it."""


class Portion(msgspec.Struct, frozen=True):
    """Assignments of one lane that stand the same."""

    lane: int
    gateway: str
    wave: int
    arguments: str
    status: Status
    cause: Cause | None
    count: int
    group: str = ""

    @property
    def left(self) -> bool:
        """Whether another attempt may help."""
        return self.status in _LEFT and self.cause not in _FOR_GOOD


_FOR_GOOD = frozenset({Cause.SUPERSEDED, Cause.PROTECTED})
_LEFT = frozenset({Status.FAILED, Status.UNKNOWN, Status.NOT_ATTEMPTED})


def portions(record: RunRecord) -> tuple[Portion, ...]:
    """How the assignments of a run stand, in the order in which lanes are worked off.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_as_written(record.database):
        return tuple(
            Portion(
                lane,
                gateway,
                wave,
                arguments,
                Status(status),
                Cause(cause) if cause else None,
                n,
                group,
            )
            for lane, gateway, wave, arguments, status, cause, n, group in record.all(_GROUPS)
        )


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
        while batch := list(itertools.islice(found, _BATCH)):
            record.database.write((_SET_ASIDE, batch))
    return dict(record.all(_SUPERSEDED))


def protect(record: RunRecord, protected: Callable[[str, str], bool]) -> int:
    """Leave for good those of what is left of a run who are not to be touched any more.

    Whoever was left so before and may be touched again is not left any more.

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
        while batch := list(itertools.islice(found, _BATCH)):
            record.database.write((_SET_ASIDE, batch))
    ((count,),) = record.all(_PROTECTED)
    return int(count)


def latest_turn(database: Database) -> int:
    """The turn of the leg, of whichever run, that began last; 0: there is none."""
    ((turn,),) = database.all("SELECT coalesce(max(turn), 0) FROM legs")
    return int(turn)


def leave_to_persons(record: RunRecord, since: int) -> int:
    """Leave to a person what he has set otherwise since the latest run of the same roster.

    Also what that run had left to a person before it.

    Args:
        record: A new run that nobody looks at.
        since: The key of the latest run of the same roster.

    Returns:
        How many agents are left.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    with Database(record.database.path) as reader:
        found = reader.query(_TO_PERSONS, (record.run, since))
        while batch := list(itertools.islice(found, _BATCH)):
            record.database.write((_SET_ASIDE, batch))
    return sum(dict(record.all(_SUPERSEDED)).values())


def begin_leg(
    record: RunRecord,
    *,
    command: str,
    only: Collection[Cause],
    override: str,
    now_ms: int,
    within: Callable[[int], None] = lambda _leg: None,
) -> int:
    """Record that sending begins or goes on. How earlier attempts ended is kept beside new ones.

    Args:
        record: The run.
        command: What begins it: apply, resume or revert.
        only: The causes of the rows that the leg is about; none: all.
        override: Why somebody overrode a guardrail; "": nobody did.
        now_ms: Time of day.
        within: Called with its number within the transaction that begins the leg, so that nobody
            else can write between what it finds and the leg. What it raises takes all back.

    Returns:
        The leg's number.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    for first, last in outcome_batches(record):
        record.database.write((_KEEP_ATTEMPTS, [(record.run, first, last)]))
    statements: list[tuple[str, list[tuple[object, ...]]]] = [
        (_BEGIN, [(record.run, command, now_ms, override or None)]),
        (_UNDER_WAY, [(record.run,)]),
    ]
    if override:
        statements.append(("UPDATE runs SET halted = NULL WHERE run = ?", [(record.run,)]))
    if not only:
        # What stopped the last leg says nothing about rows that are all tried again.
        statements.append(("UPDATE lanes SET cause = NULL WHERE run = ?", [(record.run,)]))
    with record.database.locked():
        for sql, rows in statements:
            record.database.execute(sql, rows)
        ((leg,),) = record.all("SELECT max(leg) FROM legs WHERE run = ?")
        within(leg)
    return int(leg)


def sign_leg(
    record: RunRecord,
    leg: int,
    *,
    who: str,
    note: str,
    consent: str | None,
    on_behalf_of: str,
) -> None:
    """Record who has begun a leg and for whom, what they noted, and how it was agreed to.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    record.database.write(
        (_SIGN, [(who or None, note or None, consent, on_behalf_of or None, record.run, leg)])
    )


def finish_leg(
    record: RunRecord,
    leg: int,
    *,
    state: str,
    exit_code: int,
    reason: str,
    not_attempted: Mapping[int, Cause],
    only: Collection[Cause] = (),
    now_ms: int,
) -> None:
    """Record how a leg, and with it the run so far, ended.

    Args:
        record: The run.
        leg: The leg's number.
        state: `completed`, `halted` or `interrupted`.
        exit_code: Of the process.
        reason: Why it ended early, or "".
        not_attempted: Lane -> why its last rows were not attempted.
        only: The causes of the rows that the leg was about; none: all.
        now_ms: Time of day.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    about = json.dumps(sorted(only)) if only else None
    record.database.write(
        (
            _LANE_ENDED,
            [(cause.value, record.run, lane, about) for lane, cause in not_attempted.items()],
        ),
        (
            _FINISH,
            [(state, exit_code, reason or None, now_ms, record.run, leg)],
        ),
        (
            "UPDATE runs SET state = ?, exit_code = ?, finished_at = ? WHERE run = ?",
            [(state, exit_code, now_ms, record.run)],
        ),
        ("DELETE FROM leases WHERE run = ?", [(record.run,)]),
    )


def legs_of(record: RunRecord) -> tuple[Leg, ...]:
    """The legs of a run, from the first."""
    fields = Leg.__struct_fields__
    rows: list[tuple[Any, ...]] = record.all(_LEGS)
    with read_as_written(record.database):
        return tuple(msgspec.convert(dict(zip(fields, row, strict=True)), Leg) for row in rows)


def elapsed_ms_of(record: RunRecord) -> int:
    """For how many milliseconds the legs of a run that have ended were at work."""
    ((elapsed_ms,),) = record.all(_ELAPSED)
    return int(elapsed_ms)


_GROUPS = """
SELECT s.lane, s.gateway, l.wave, s.arguments, s.status, s.cause, count(*), l.group_name
FROM stories s JOIN lanes l ON l.run = s.run AND l.lane = s.lane
WHERE s.run = ? AND s.lane IS NOT NULL
GROUP BY s.lane, s.arguments, s.status, s.cause
ORDER BY l.wave, s.lane, s.arguments, s.status, s.cause
"""

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
-- What somebody else has set since is not the person's setting any more.
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

_SET_ASIDE = "INSERT OR REPLACE INTO set_aside (run, row, cause, by_run) VALUES (?,?,?,?)"

_NEVER = 1 << 62

# So many rows a transaction: another run's commits wait for it a few hundredths of a second.
_BATCH = 4_000

_LANE_ENDED = """
UPDATE lanes SET cause = ?1 WHERE run = ?2 AND lane = ?3
AND (?4 IS NULL OR cause IS NULL OR cause IN (SELECT value FROM json_each(?4)))
"""

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

# Those that a new attempt would write over; a dispatch without an outcome is kept as what it is.
_KEEP_ATTEMPTS = """
INSERT OR REPLACE INTO attempts
SELECT run, row, attempts, coalesce(disposition, 'interrupted'), sent_at,
       coalesce(latency_ms, 0.0),
       -- What was said before the last attempt is not the last attempt's.
       CASE WHEN retcode = disposition THEN retcode ELSE '' END,
       CASE WHEN retcode IN ('', disposition) THEN message ELSE '' END,
       CASE WHEN retcode IN ('', disposition) THEN http_status ELSE 0 END
FROM outcomes WHERE run = ? AND row BETWEEN ? AND ?
AND coalesce(status, '') NOT IN ('applied', 'rejected')
"""

_BEGIN = """
INSERT INTO legs (run, leg, command, started_at, override, turn)
SELECT ?1, coalesce(max(leg), 0) + 1, ?2, ?3, ?4,
    -- One beyond it is nobody's, and what follows it would be no whole number any more.
    (SELECT coalesce(max(turn), 0) + 1 FROM legs WHERE turn < 4503599627370496)
FROM legs WHERE run = ?1
"""

_UNDER_WAY = """
UPDATE runs SET state = 'planned', exit_code = NULL, finished_at = NULL, totals = NULL
WHERE run = ?
"""

_FINISH = """
UPDATE legs SET state = ?, exit_code = ?, reason = ?, finished_at = ? WHERE run = ? AND leg = ?
"""

_ELAPSED = "SELECT coalesce(sum(max(finished_at - started_at, 0)), 0) FROM legs WHERE run = ?"

_SIGN = "UPDATE legs SET who = ?, note = ?, consent = ?, on_behalf_of = ? WHERE run = ? AND leg = ?"

_LEGS = """
SELECT leg, command, started_at, finished_at, state, exit_code, reason, override,
       nullif(took_over, ''), who, note, consent, on_behalf_of, drained_for
FROM legs WHERE run = ? ORDER BY leg
"""
