"""A run's report, from the ledger, at any time after planning."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bulkagent import reports as report
from bulkagent.errors import LedgerFailed, RunNotFound, SettingsRefused
from bulkagent.gateway.operations import SET_TALK_RIGHT, flag_of
from bulkagent.ledger import (
    Database,
    Leg,
    LimitChange,
    RunFacts,
    RunRecord,
    Summary,
    default_path,
    endpoints_of,
    find_run,
    left_out,
    legs_of,
    limit_changes_of,
    lines,
    list_runs,
    read_ledger,
    set_otherwise,
    summarise,
)
from bulkagent.model import Line, Status
from bulkagent.run.handover.rules import GroupStanding, group_standings
from bulkagent.run.history.exit_code import LegEnding, exit_status_of
from bulkagent.run.history.version import own_version
from bulkagent.run.outputs.report_paths import expanded
from bulkagent.run.plan.next_command import resume_command
from bulkagent.run.plan.path_conflicts import same_file
from bulkagent.run.plan.request import RunStanding
from bulkagent.run.verify.verified_column import verified_column
from bulkagent.settings import Settings
from bulkagent.text.undecodable import path_of


class Skipped(Exception):
    """Somebody did not want to wait for the report any more."""


def write_report(
    database: Database,
    run_name: str,
    path: Path,
    *,
    summary: Summary | None = None,
    skip: Callable[[], bool] | None = None,
    config: Sequence[str] = (),
    following: str | None = None,
    zone: str = "",
) -> RunStanding:
    """Write the report of a run in the format of the path's suffix.

    Everything in it is of one moment, also while the run goes on.

    Args:
        database: The ledger.
        run_name: A run ID or `last`.
        path: Where to; replaced if it is there.
        summary: What became of its rows, where somebody has just counted them and no row has
            changed since.
        skip: Asked before each line whether to leave it; None: it is not left.
        config: What a following command needs to read the same configuration.
        following: The command that goes on with the run, where somebody knows it better.
        zone: The time zone of the times on a page; "" for the machine's.

    Returns:
        What became of the run.

    Raises:
        RunNotFound: There is no such run.
        LedgerUnavailable: The ledger cannot be read.
        ReportFailed: The report cannot be written.
        Skipped: It was left; what was there is as it was.
    """
    if skip is not None and skip():
        raise Skipped
    with database.snapshot():
        facts = find_run(database, run_name)
        record = RunRecord(database, facts.run)
        path = expanded(path, facts.id, facts.job)
        for taken in (Path(path_of(facts.roster)), database.path):
            if same_file(path, taken):
                raise SettingsRefused(f"the report {path} would replace {taken}; name another")
        summary = summary or summarise(record)
        column = verified_column(database, facts)
        command = None
        if _is_left(summary, facts):
            command = following or resume_command(facts, database.path, config)
        found = column.lines(lines(record, FLAGS))
        skipped_rows = _left_out(database, facts, summary)
        report.write(
            path,
            _until(skip, found) if skip else found,
            extra_columns=column.columns(facts.extra_columns),
            run={
                **_told(record, facts, summary),
                "left_out": skipped_rows,
                "next": command,
                **({"set_otherwise": since} if (since := set_otherwise(record)) else {}),
                "version": own_version(),
                **({"time_zone": zone} if zone else {}),
                **column.facts,
            },
        )
    state, exit_code = end_of(facts)
    elapsed_ms = max(0, (facts.finished_at or facts.created_at) - facts.created_at)
    return RunStanding(
        run_id=facts.id,
        state=state,
        exit_code=exit_code,
        rows=summary.rows,
        totals=summary.totals,
        causes=summary.causes,
        requests=summary.requests,
        retries=summary.retries,
        not_sent=summary.not_sent,
        elapsed_s=elapsed_ms / 1000,
        reports=(str(path),),
        next=command,
        left_out=tuple(row["row"] for row in skipped_rows),
        verified=column.facts.get("verified"),
    )


def _told(record: RunRecord, facts: RunFacts, summary: Summary) -> dict[str, Any]:
    """The run as a report has it beside its rows, but for what follows from them."""
    state, exit_code = end_of(facts)
    settings = Settings(**Settings.own_of(facts.settings))
    legs = [_leg(leg) for leg in legs_of(record)]
    return {
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
        "not_sent": summary.not_sent,
        "reason": facts.halted or next((leg["reason"] for leg in legs[::-1]), None),
        "fingerprint": facts.fingerprint,
        "job": facts.job,
        "gateways": {at.gateway: at.url for at in endpoints_of(record)},
        "who": legs[0]["who"] if legs else None,
        "note": legs[0]["note"] if legs else None,
        "on_behalf_of": legs[0]["on_behalf_of"] if legs else None,
        "legs": legs,
        "clusters": summary.clusters,
        "handover": [_group(at) for at in group_standings(record, settings)],
        "pulses": [_limit_change(change) for change in limit_changes_of(record)],
    }


def reports_of(ledger: Path | None, names: Iterable[str] = ()) -> list[Path]:
    """Where the reports of runs are that are at work now, and those of runs by their names.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    with read_ledger(ledger or default_path()) as database:
        runs = [facts for facts in list_runs(database, _LATEST) if facts.running]
        for name in names:
            with contextlib.suppress(RunNotFound):
                runs.append(find_run(database, name))
        return [
            expanded(Path(path), facts.id, str(facts.settings.get("job", "")))
            for facts in runs
            for path in facts.settings.get("reports", ())
        ]


_LATEST = 100
"""Runs among which those at work are looked for."""


def _leg(leg: Leg) -> dict[str, Any]:
    told = msgspec.to_builtins(leg)
    moments = ("started_at", "finished_at")
    return {**told, **{name: told[name] and report.iso(told[name]) for name in moments}}


def _left_out(database: Database, facts: RunFacts, summary: Summary) -> list[dict[str, Any]]:
    """The lines of the roster that were left out, and why each was."""
    if not summary.totals[Status.INVALID]:
        return []
    return [
        {"row": line.row, "reason": line.reason}
        for line in left_out(RunRecord(database, facts.run))
    ]


def _limit_change(change: LimitChange) -> dict[str, Any]:
    told = msgspec.to_builtins(change)
    return {**told, "at": report.iso(change.at)}


def _group(standing: GroupStanding) -> dict[str, Any]:
    counts = standing.counts
    return {
        "group": standing.name,
        "incoming": counts.incoming,
        "up": counts.up,
        "gate": standing.gate,
        "outgoing": counts.outgoing,
        "off": counts.off,
        "held": counts.held,
        "cause": counts.cause,
        "floor": standing.floor or None,
    }


def _is_left(summary: Summary, facts: RunFacts) -> bool:
    again = exit_status_of(summary.totals, summary.causes, LegEnding()).again
    # The process that writes this at the end of a leg still owns the run, and is done with it.
    return again and not (facts.running and facts.exit_code is None)


def end_of(facts: RunFacts) -> tuple[str, int | None]:
    """State and exit code; without an end, a run goes on as long as its process lives."""
    if facts.exit_code is not None:  # its process may still be writing reports
        return facts.state, facts.exit_code
    if facts.planned_at is None:
        return ("planning" if facts.running else "not planned"), None
    return ("running", None) if facts.running else ("interrupted", LedgerFailed.exit_code)


def _until(skip: Callable[[], bool], found: Iterable[Line]) -> Iterator[Line]:
    for line in found:
        if skip():
            raise Skipped
        yield line


FLAGS = {arguments: flag_of(arguments) for arguments in SET_TALK_RIGHT.inverse}
"""What a report shows for arguments."""
