"""The runs as the ledger has them while no process is at work."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.errors import BulkagentError
from bulkagent.ledger import read_ledger
from bulkagent.run import run_list, write_report
from tests.simulation.commands import rows_of
from tests.simulation.history import RunRow

_MOST = 1_000


def runs_in(ledger: Path) -> list[Mapping[str, Any]]:
    """What `runs --json` says, the eldest first; nothing where the ledger cannot be read."""
    if not ledger.exists():
        return []
    with contextlib.suppress(BulkagentError):
        found: list[Mapping[str, Any]] = msgspec.to_builtins(run_list(ledger, _MOST))
        return found[::-1]
    return []


def is_unfinished(run: Mapping[str, Any]) -> bool:
    """Whether another attempt may help this run; one that never began is nobody's."""
    return run["legs"] > 0 and (
        run["state"] in {"interrupted", "halted"} or run["exit_code"] in {3, 5, 6}
    )


def recorded_runs(ledger: Path, folder: Path) -> list[RunRow]:
    """The runs with their reports, written anew into a folder; the eldest first."""
    rows = []
    for line in runs_in(ledger):
        path = folder / f"{line['run_id']}.csv"
        with contextlib.suppress(BulkagentError), read_ledger(ledger) as database:
            write_report(database, line["run_id"], path)
        rows.append(
            RunRow(
                run_id=line["run_id"],
                state=line["state"],
                exit_code=line["exit_code"],
                roster="" if line["reverts"] else Path(line["roster"]).stem,
                report=rows_of(path),
                begun=line["legs"] > 0,
                reverts=line["reverts"] or "",
            )
        )
    return rows
