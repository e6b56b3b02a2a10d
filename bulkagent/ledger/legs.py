"""The legs of a run: stretches of sending, and what each leaves for the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from bulkagent.ledger.batches import outcome_batches
from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause


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
    """Why a person overrode a guardrail."""
    took_over: str | None = None
    """The runs that were drained for it."""
    who: str | None = None
    """The user and the machine that have begun it."""
    note: str | None = None
    """What they wanted to be remembered with it."""
    consent: str | None = None
    """How it was agreed to: `terminal`, `yes` or `program`; None: it needed no consent, or
    an older bulkagent began it."""
    on_behalf_of: str | None = None
    """For whom they said that it was; a claim."""
    drained_for: str | None = None
    """The run that took over, which ended it."""


def latest_turn(database: Database) -> int:
    """The turn of the leg, of whichever run, that began last; 0: there is none."""
    ((turn,),) = database.all("SELECT coalesce(max(turn), 0) FROM legs")
    return int(turn)


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
        override: Why a person overrode a guardrail; "": no person did.
        now_ms: Time of day.
        within: Called with the leg's number within the transaction that begins the leg, so that no
            other run writes between what it finds and the leg. What it raises takes all back.

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


def halted_at(record: RunRecord) -> int | None:
    """When a run was halted last; None: it never was.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    ((at,),) = record.all("SELECT max(finished_at) FROM legs WHERE run = ? AND state = 'halted'")
    return None if at is None else int(at)


def sign_leg(
    record: RunRecord,
    leg: int,
    *,
    who: str,
    note: str,
    consent: str | None,
    on_behalf_of: str,
) -> None:
    """Record the user of a leg and the ticket or name noted, and how it was agreed to.

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


_LANE_ENDED = """
UPDATE lanes SET cause = ?1 WHERE run = ?2 AND lane = ?3
AND (?4 IS NULL OR cause IS NULL OR cause IN (SELECT value FROM json_each(?4)))
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
    -- No leg has a turn beyond it, and the next one would be no whole number any more.
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
