"""A run's report, from the ledger, at any time after planning.

What may live here: what a report's facts are taken from. What this room must not know: the
formats.
"""

from __future__ import annotations

from pathlib import Path

from bulkagent import report
from bulkagent.gateway.operations import SET_TALK_RIGHT, flag_of
from bulkagent.ledger import Database, find_run, lines, summarise
from bulkagent.run.request import RunResult

__all__ = ["report_again", "write_report"]


def write_report(database: Database, run_name: str, path: Path) -> int:
    """Write the report of a run in the format of the path's suffix.

    Args:
        database: The ledger.
        run_name: A run ID or `last`.
        path: Where to; replaced if it is there.

    Returns:
        The number of lines, which is the number of the roster's rows.

    Raises:
        RunNotFound: There is no such run.
        ReportFailed: The report cannot be written.
    """
    facts = find_run(database, run_name)
    summary = summarise(database, facts.run)
    return report.write(
        path,
        lines(database, facts.run, _FLAGS),
        extra_columns=facts.extra_columns,
        run={
            "run_id": facts.id,
            "state": facts.state,
            "exit_code": facts.exit_code,
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


def report_again(database: Database, run_name: str, path: Path) -> RunResult:
    """Write a run's report and say what became of the run.

    Raises:
        RunNotFound: There is no such run.
        ReportFailed: The report cannot be written.
    """
    facts = find_run(database, run_name)
    summary = summarise(database, facts.run)
    write_report(database, facts.id, path)
    elapsed_ms = (facts.finished_at or facts.created_at) - facts.created_at
    return RunResult(
        run_id=facts.id,
        state=facts.state,
        exit_code=facts.exit_code or 0,
        rows=summary.rows,
        totals=summary.totals,
        causes=summary.causes,
        requests=summary.requests,
        retries=summary.retries,
        elapsed_s=elapsed_ms / 1000,
        reports=(str(path),),
    )


_FLAGS = {arguments: flag_of(arguments) for arguments in SET_TALK_RIGHT.inverse}
