"""Old runs, taken out of the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.ledger import (
    RunRecord,
    default_path,
    idle_since,
    open_ledger,
    prune_run,
    read_ledger,
    totals_of,
)

_LEAST_AGE_S = 86_400.0


class OldRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that would go."""

    runs: tuple[str, ...]
    """Their IDs, the latest first."""
    rows: int
    before_ms: int
    """The time of day since which nobody has been at work on them."""


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that went, or with `dry_run` would go."""

    runs: tuple[str, ...]
    rows: int
    compacted: bool
    """Whether the file is smaller now; else later runs use the space again."""
    dry_run: bool = False


def old_runs(ledger: Path | None, older_than_s: float, *, now_ms: int) -> OldRuns:
    """The runs that nobody has been at work on for so long.

    Args:
        ledger: The ledger; None: the platform's.
        older_than_s: Seconds, a day or more.
        now_ms: Time of day.

    Raises:
        SettingsRefused: The time is too short.
        LedgerUnavailable: The ledger cannot be read.
    """
    if older_than_s < _LEAST_AGE_S:
        raise SettingsRefused(
            "--older-than must be at least 1d: younger runs may still be resumed or reverted"
        )
    before_ms = now_ms - round(older_than_s * 1000)
    with read_ledger(ledger or default_path()) as database, database.snapshot():
        found = idle_since(database, before_ms)
        return OldRuns(
            runs=tuple(facts.id for facts in found),
            rows=sum(sum(totals_of(RunRecord(database, facts.run)).values()) for facts in found),
            before_ms=before_ms,
        )


def prune(ledger: Path | None, agreed: OldRuns) -> Pruned:
    """Take those runs out that were agreed to and are still old.

    Raises:
        LedgerUnavailable: The ledger cannot be written; those that went have gone.
    """
    wanted = frozenset(agreed.runs)
    gone: list[str] = []
    rows = 0
    with open_ledger(ledger or default_path()) as database:
        for facts in idle_since(database, agreed.before_ms):
            if facts.id not in wanted:
                continue
            of_run = sum(totals_of(RunRecord(database, facts.run)).values())
            if prune_run(database, facts, agreed.before_ms):
                gone.append(facts.id)
                rows += of_run
        compacted = bool(gone) and database.compact()
    return Pruned(runs=tuple(gone), rows=rows, compacted=compacted)
