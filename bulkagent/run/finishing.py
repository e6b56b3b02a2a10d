"""The end of a leg: counted, judged, recorded and reported, whatever is broken by then.

What may live here: what is done after the last request. What this room must not know: how
anything was sent. Something was sent by now, so nothing that goes wrong here may say otherwise,
and no step may prevent the next.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from bulkagent.errors import BulkagentError, LedgerFailed, ReportFailed
from bulkagent.ledger import (
    Cluster,
    Counters,
    Database,
    Summary,
    finish_leg,
    keep_totals,
    summarise,
)
from bulkagent.outcome import Cause, Status
from bulkagent.run.planning import Planned
from bulkagent.run.reporting import Skipped, write_report
from bulkagent.run.request import RunResult
from bulkagent.run.verdict import Ending, Verdict, judge

__all__ = ["Finished", "finish"]


class Finished(msgspec.Struct, frozen=True):
    """A run's result, and for people what is not applied."""

    result: RunResult
    clusters: tuple[Cluster, ...]
    applied: int
    """How many agents this leg has set."""


def finish(
    database: Database,
    planned: Planned,
    leg: int,
    ending: Ending,
    *,
    reason: str,
    not_attempted: Mapping[int, Cause],
    counters: Counters | None,
    reports: Sequence[Path],
    skip_reports: Callable[[], bool],
    repeat: Sequence[str],
    elapsed_s: float,
    now_ms: int,
) -> Finished:
    """Count and judge a leg, record its end, write the run's reports.

    Args:
        database: The ledger.
        planned: The plan.
        leg: The leg's number.
        ending: How sending ended.
        reason: Why it ended before its time, for people; "" where it did not.
        not_attempted: Lane -> why its last rows were not attempted.
        counters: What the journal counted, for where the ledger cannot be read any more.
        reports: Where reports go.
        skip_reports: Asked again and again whether somebody has lost patience with them.
        repeat: Options that a following command needs to find the run.
        elapsed_s: How long sending took.
        now_ms: Time of day.
    """
    run_id = planned.plan.run_id
    troubles = [text for text in (ending.error, reason) if text]

    def record(verdict: Verdict) -> None:
        try:
            finish_leg(
                database,
                planned.run,
                leg,
                state=verdict.state,
                exit_code=verdict.exit_code,
                reason="; ".join(troubles),
                not_attempted=not_attempted,
                now_ms=now_ms,
            )
        except BulkagentError as error:
            troubles.append(str(error))

    early = judge({}, {}, ending)
    if early.state != "completed":
        # Whoever stopped it may not wait until a million rows are counted.
        record(early)
    try:
        summary = summarise(database, planned.run)
        verdict = judge(summary.totals, summary.causes, ending)
        if early.state == "completed":
            record(verdict)
        keep_totals(database, planned.run, summary.totals)
    except BulkagentError as error:
        troubles.append(str(error))
        summary = _counted(planned, counters)
        if ending.error is None:
            ending = Ending(ending.signal, str(error), LedgerFailed.exit_code, ending.causes)
        verdict = judge(summary.totals, summary.causes, ending)
    following = ["bulkagent", "resume", run_id, *repeat] if verdict.again else []
    written, unwritten = _write_reports(database, run_id, reports, skip_reports, troubles)
    exit_code = verdict.exit_code
    if unwritten:
        exit_code = exit_code if ending.error else ReportFailed.exit_code
        following = ["bulkagent", "report", run_id, "--to", str(unwritten[-1])]
    result = RunResult(
        run_id=run_id,
        state=verdict.state,
        exit_code=exit_code,
        rows=summary.rows,
        totals=summary.totals,
        causes=summary.causes,
        requests=summary.requests,
        retries=summary.retries,
        elapsed_s=round(elapsed_s, 3),
        reports=tuple(written),
        next=shlex.join(following) or None,
        error="; ".join(dict.fromkeys(troubles)) or None,
    )
    applied = counters.by_status[Status.APPLIED] if counters is not None else 0
    return Finished(result, summary.clusters, applied)


def _write_reports(
    database: Database,
    run_id: str,
    reports: Sequence[Path],
    skip: Callable[[], bool],
    troubles: list[str],
) -> tuple[list[str], list[Path]]:
    """Write reports; which were written, and which could not be. What went wrong is added."""
    written: list[str] = []
    unwritten: list[Path] = []
    for path in reports:
        try:
            write_report(database, run_id, path, skip=skip)
        except Skipped:
            command = shlex.join(["bulkagent", "report", run_id, "--to", str(path)])
            troubles.append(f"{path} was not written; `{command}` writes it")
        except BulkagentError as error:
            troubles.append(str(error))
            unwritten.append(path)
        else:
            written.append(str(path))
    return written, unwritten


def _counted(planned: Planned, counters: Counters | None) -> Summary:
    """What was counted before the ledger broke: what has no outcome may have been sent."""
    plan = planned.plan
    totals = dict(plan.totals)
    requests = retries = 0
    if counters is not None:
        requests, retries = counters.requests, counters.retries
        first_attempts = requests - retries
        for status, count in counters.by_status.items():
            totals[status] += count
        totals[Status.UNKNOWN] += first_attempts - counters.finished
        for stood in plan.again or {Status.NOT_ATTEMPTED.value: first_attempts}:
            # Which of those that were tried again stood how is in the ledger alone.
            taken = min(totals[stood], first_attempts)
            totals[stood] -= taken
            first_attempts -= taken
    return Summary(plan.rows, totals, {}, requests, retries, ())
