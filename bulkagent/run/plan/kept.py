"""What a ledger has kept of a run's request, before anything is done by it.

A writer to the ledger could have written anything: a value is used only where it is one
that bulkagent would have written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import ResumeRefused
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.ledger import Database, RunFacts, RunRecord, read_as_written, strange_row

# Of a report in any format, also where a spreadsheet has saved it since.
_MARKS = (b"agent_id", b"run_id", b"bulkagent", b"REFUSED", b"PK\x03\x04")
_LOOKED_AT = 65_536


class RecordedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for and is no setting."""

    gateway: str
    default_gateway: str
    flag: int | None
    encoding: str | None
    delimiter: str | None
    agent_column: str | None
    scenario: str | None
    reports: tuple[str, ...]
    folder: str


def recorded_settings(database: Database, settings: Mapping[str, Any]) -> RecordedSettings:
    """Read it from a run's settings.

    Raises:
        LedgerUnavailable: It is not as bulkagent writes it.
    """
    with read_as_written(database):
        kept = msgspec.convert(settings, RecordedSettings)
        if kept.flag not in {None, 0, 1} or "\0" in "".join((kept.folder, *kept.reports)):
            raise ValueError
        return kept


def refuse_strange(database: Database, facts: RunFacts) -> None:
    """Refuse a run with rows that no roster could have given it.

    Raises:
        LedgerUnavailable: It has one.
    """
    with read_as_written(database):
        if facts.operation != SET_TALK_RIGHT.name:
            raise ValueError
        if strange_row(RunRecord(database, facts.run), tuple(SET_TALK_RIGHT.inverse)) is not None:
            raise ValueError


def refuse_foreign(report: Path) -> None:
    """Refuse a report's place where a file is that is none of ours.

    It is for places that a ledger names: one that is typed is meant.

    Raises:
        ResumeRefused: There is another file.
    """
    try:
        if not report.is_file():
            return
        with report.open("rb") as file:
            begins = file.read(_LOOKED_AT)
    except OSError:
        return  # it is found out, and said, where reports are tried
    if begins and not any(mark in begins for mark in _MARKS):
        raise ResumeRefused(
            f"{report}, where the ledger says that this run's report is, is another file, which"
            " would be replaced; give the report's path with --report"
        )
