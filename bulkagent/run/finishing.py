"""The end of a run: counted, judged, recorded and reported, whatever is broken by then.

What may live here: what is done after the last request. What this room must not know: how
anything was sent. Something was sent by now, so nothing that goes wrong here may say otherwise,
and no step may prevent the next.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bulkagent.errors import BulkagentError, LedgerFailed, ReportFailed
from bulkagent.ledger import Cluster, Counters, Database, Summary, finish_run, summarise
from bulkagent.outcome import Status
from bulkagent.run.planning import Planned
from bulkagent.run.reporting import write_report
from bulkagent.run.request import RunResult
from bulkagent.run.verdict import Ending, judge

__all__ = ["Finished", "finish"]


class Finished(msgspec.Struct, frozen=True):
    """A run's result, and for people what is not applied."""

    result: RunResult
    clusters: tuple[Cluster, ...]


def finish(
    database: Database,
    planned: Planned,
    ending: Ending,
    *,
    counters: Counters | None,
    reports: Sequence[Path],
    command: str,
    elapsed_s: float,
    now_ms: int,
) -> Finished:
    """Count and judge a run, record its end, write its reports.

    Args:
        database: The ledger.
        planned: The plan.
        ending: How sending ended.
        counters: What the journal counted, for where the ledger cannot be read any more.
        reports: Where reports go.
        command: What to type to do the same again.
        elapsed_s: How long sending took.
        now_ms: Time of day.
    """
    run_id = planned.plan.run_id
    troubles = [ending.error] if ending.error else []
    try:
        summary = summarise(database, planned.run)
    except BulkagentError as error:
        troubles.append(str(error))
        summary = _counted(planned, counters)
        if ending.error is None:
            ending = Ending(ending.signal, str(error), LedgerFailed.exit_code)
    verdict = judge(summary.totals, ending)
    exit_code, again = verdict.exit_code, command if verdict.again else ""
    try:
        finish_run(database, planned.run, state=verdict.state, exit_code=exit_code, now_ms=now_ms)
    except BulkagentError as error:
        troubles.append(str(error))
    written: list[str] = []
    for path in reports:
        try:
            write_report(database, run_id, path)
        except BulkagentError as error:
            troubles.append(str(error))
            exit_code = ReportFailed.exit_code if not ending.error else exit_code
            again = f"bulkagent report {run_id} --to {shlex.quote(str(path))}"
        else:
            written.append(str(path))
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
        next=again or None,
        error="; ".join(dict.fromkeys(troubles)) or None,
    )
    return Finished(result, summary.clusters)


def _counted(planned: Planned, counters: Counters | None) -> Summary:
    """What was counted before the ledger broke: what has no outcome may have been sent."""
    plan = planned.plan
    totals = plan.totals
    requests = retries = 0
    if counters is not None:
        requests, retries = counters.requests, counters.retries
        first_attempts = requests - retries
        for status, count in counters.by_status.items():
            totals[status] += count
        totals[Status.UNKNOWN] += first_attempts - counters.finished
        totals[Status.NOT_ATTEMPTED] -= first_attempts
    return Summary(plan.rows, totals, {}, requests, retries, ())
