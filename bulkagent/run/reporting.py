"""A run's report, from the ledger, at any time after planning.

What may live here: what a report's facts are taken from. What this room must not know: the
formats.
"""

from __future__ import annotations

from pathlib import Path

from bulkagent import report
from bulkagent.errors import LedgerFailed, SettingsRefused
from bulkagent.gateway.operations import SET_TALK_RIGHT, flag_of
from bulkagent.ledger import Database, RunFacts, find_run, lines, summarise
from bulkagent.run.request import RunResult

__all__ = ["same_file", "write_report"]


def write_report(database: Database, run_name: str, path: Path) -> RunResult:
    """Write the report of a run in the format of the path's suffix.

    Everything in it is of one moment, also while the run goes on.

    Args:
        database: The ledger.
        run_name: A run ID or `last`.
        path: Where to; replaced if it is there.

    Returns:
        What became of the run.

    Raises:
        RunNotFound: There is no such run.
        LedgerUnavailable: The ledger cannot be read.
        ReportFailed: The report cannot be written.
    """
    with database.snapshot():
        facts = find_run(database, run_name)
        for taken in (Path(facts.roster), database.path):
            if same_file(path, taken):
                raise SettingsRefused(f"the report {path} would replace {taken}; name another")
        summary = summarise(database, facts.run)
        state, exit_code = _end_of(facts)
        report.write(
            path,
            lines(database, facts.run, _FLAGS),
            extra_columns=facts.extra_columns,
            run={
                "run_id": facts.id,
                "state": state,
                "exit_code": exit_code,
                "operation": facts.operation,
                "roster": facts.roster,
                "created_at": report.iso(facts.created_at),
                "finished_at": report.iso(facts.finished_at) if facts.finished_at else None,
                "settings": facts.settings,
                "rows": summary.rows,
                "totals": summary.totals,
                "causes": summary.causes,
                "requests": summary.requests,
                "retries": summary.retries,
            },
        )
    elapsed_ms = (facts.finished_at or facts.created_at) - facts.created_at
    return RunResult(
        run_id=facts.id,
        state=state,
        exit_code=exit_code,
        rows=summary.rows,
        totals=summary.totals,
        causes=summary.causes,
        requests=summary.requests,
        retries=summary.retries,
        elapsed_s=elapsed_ms / 1000,
        reports=(str(path),),
    )


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths are of one file, or will be."""
    try:
        return one.samefile(other)
    except OSError:  # at least one is not there yet
        return one.absolute() == other.absolute()


def _end_of(facts: RunFacts) -> tuple[str, int]:
    """State and exit code; a run without an end was killed, or is still under way."""
    if facts.exit_code is None:
        return "interrupted", LedgerFailed.exit_code
    return facts.state, facts.exit_code


_FLAGS = {arguments: flag_of(arguments) for arguments in SET_TALK_RIGHT.inverse}
