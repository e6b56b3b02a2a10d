"""Runs that are taken out of the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bulkagent.errors import LedgerFailed, LedgerUnavailable, RunBusy
from bulkagent.ledger.database import Database
from bulkagent.ledger.run_lock import RunLock
from bulkagent.ledger.run_record import RunRecord
from bulkagent.ledger.runs import RunFacts, every_run, last_active

# So many rows a transaction: another run's commits wait for it a few hundredths of a second.
_BATCH = 4_000

_ROWS = ("assignments", "outcomes", "attempts", "verifications", "set_aside")


def forget_run(record: RunRecord) -> None:
    """Take a run out of the ledger again, and all that refers to it.

    Raises:
        LedgerUnavailable: The ledger cannot be written.
    """
    # By batches as it came, and with the mark first, so that no part of it is ever reported on.
    _write(record.database, ("UPDATE runs SET planned_at = NULL WHERE run = ?", [(record.run,)]))
    for table in _ROWS:
        while record.all(f"SELECT 1 FROM {table} WHERE run = ? LIMIT 1"):  # noqa: S608
            _write(record.database, (_FORGET_ROWS.format(table=table), [(record.run, _BATCH)]))
    # And all that refers to it.
    _write(record.database, ("DELETE FROM runs WHERE run = ?", [(record.run,)]))


def idle_since(database: Database, before_ms: int) -> list[RunFacts]:
    """The runs that have not been at work since a time of day, the latest first.

    A run that is at work is never among them, and neither is one that a later run has set back
    which stays: what that one did could not be understood without it.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    found: list[RunFacts] = []
    kept: set[str | None] = set()
    for facts in every_run(database):
        idle = not facts.running and last_active(database, facts) < before_ms
        if idle and facts.id not in kept:
            found.append(facts)
        else:
            kept.add(facts.reverts)
    return found


def prune_run(database: Database, facts: RunFacts, before_ms: int) -> bool:
    """Take a run out of the ledger that has not been at work since a time of day.

    Returns:
        Whether that was done: not where the run was resumed or reverted meanwhile.

    Raises:
        LedgerUnavailable: The ledger cannot be written.
    """
    try:
        lock = RunLock(database.path, facts.id)
    except RunBusy:
        return False
    try:
        record = RunRecord(database, facts.run)
        if last_active(database, facts) >= before_ms or _is_set_back(record):
            return False
        forget_run(record)
        # The log would grow to the size of all that is deleted.
        database.checkpoint()
    finally:
        lock.release()
    return True


def _is_set_back(record: RunRecord) -> bool:
    return bool(record.all("SELECT 1 FROM runs WHERE reverts = ? LIMIT 1"))


def _write(database: Database, *statements: tuple[str, Iterable[Sequence[object]]]) -> None:
    try:
        database.write(*statements)
    except LedgerFailed as error:
        raise LedgerUnavailable(str(error)) from None


_FORGET_ROWS = """
DELETE FROM {table} WHERE run = ?1
AND row IN (SELECT row FROM {table} WHERE run = ?1 ORDER BY row LIMIT ?2)
"""
