"""The end of a leg: counted, judged, recorded and reported, whatever is broken by then.

What may live here: what is done after the last request. What this room must not know: how
anything was sent. Something was sent by now, so nothing that goes wrong here may say otherwise,
and no step may prevent the next.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import msgspec

from bulkagent.errors import BadRow, BulkagentError, LedgerFailed, ReportFailed
from bulkagent.gateway.operations import talk_right
from bulkagent.ledger import (
    Counters,
    Database,
    OutcomeGroup,
    RunRecord,
    Summary,
    VerificationCounts,
    absent_rows,
    find_run,
    finish_leg,
    keep_totals,
    lanes_set_before,
    left_out,
    summarise,
    verification_counts,
)
from bulkagent.model import Cause, Status
from bulkagent.reasons import Reason, Said, reason_of, told_once
from bulkagent.run.handover.rules import GroupStanding, group_standings
from bulkagent.run.history.exit_code import ExitStatus, LegEnding, exit_status_of
from bulkagent.run.history.report import Skipped, write_report
from bulkagent.run.plan.apply import Planned
from bulkagent.run.plan.next_command import NextCommands
from bulkagent.run.plan.request import RunResult
from bulkagent.settings import Settings

__all__ = ["Finished", "finish"]


_OFF = talk_right(0)


class Finished(msgspec.Struct, frozen=True):
    """A run's result, and for people what is not applied."""

    result: RunResult
    clusters: tuple[OutcomeGroup, ...]
    applied: int
    """How many agents this leg has set."""
    left: str
    """The command by which a resume may help, but for its roster; "" where none helps."""
    resend: str = ""
    """The command that sends those once more who were set before a switch-over."""
    note: str = ""
    """What people should know of where GUIDs came from; "" where there is nothing to say."""
    groups: tuple[GroupStanding, ...] = ()
    """How the groups of a handover stand; none where it is none."""
    forgiven: int = 0
    """How many failed agents were surely signed out already, which is as good as set."""
    verdicts: VerificationCounts | None = None
    """What was seen of the agents that are set; None where nobody looked."""
    unseen: str = ""
    """What kept the leg from being verified, for people; "" where nothing did."""
    left_out: tuple[BadRow, ...] = ()
    """The invalid rows that were left out, and why each is one."""
    shared: tuple[str, ...] = ()
    """For people, where limits were shared with other commands."""
    reasons: tuple[Reason, ...] = ()
    """Why it ended before its time, and what went wrong; `result.error` has their sentences."""


def finish(
    database: Database,
    planned: Planned,
    leg: int,
    ending: LegEnding,
    *,
    reasons: Sequence[Reason],
    not_attempted: Mapping[int, Cause],
    only: Collection[Cause],
    counters: Counters | None,
    reports: Sequence[Path],
    skip_reports: Callable[[], bool],
    following: NextCommands,
    elapsed_s: float,
    now_ms: int,
    settings: Settings,
    seen_up: Mapping[str, int],
    note: str = "",
    unseen: str = "",
    shared: tuple[str, ...] = (),
) -> Finished:
    """Count and judge a leg, record its end, write the run's reports.

    Args:
        database: The ledger.
        planned: The plan.
        leg: The leg's number.
        ending: How sending ended.
        reasons: Why it ended before its time; none where it did not.
        not_attempted: Lane -> why its last rows were not attempted.
        only: The causes of the rows that the leg was about; none: all.
        counters: What the journal counted, for where the ledger cannot be read any more.
        reports: Where reports go.
        skip_reports: Asked again and again whether somebody has lost patience with them.
        following: The commands that may be typed next.
        elapsed_s: How long sending took.
        now_ms: Time of day.
        settings: What the leg was carried out by.
        seen_up: By group, how many were seen to take calls; none: that was not looked at.
        note: What people should know of where GUIDs came from.
        unseen: What kept the leg from being verified.
        shared: What people should know of how limits were shared.
    """
    run_id = planned.plan.run_id
    forgiven = 0
    troubles: list[Reason] = [*([ending.error] if ending.error else []), *reasons]

    def record(verdict: ExitStatus) -> None:
        try:
            finish_leg(
                RunRecord(database, planned.run),
                leg,
                state=verdict.state,
                exit_code=verdict.exit_code,
                reason=told_once(troubles),
                not_attempted=not_attempted,
                only=only,
                now_ms=now_ms,
            )
        except BulkagentError as error:
            troubles.append(reason_of(error))

    halted, why = _halted_before(database, run_id, ending)
    troubles.extend(why)
    # As if something were left: nobody knows yet, and whoever stopped it may not wait until a
    # million rows are counted.
    verdicts: VerificationCounts | None = None
    counted: Summary | None = None
    early = exit_status_of({Status.NOT_ATTEMPTED: 1}, {}, halted or ending)
    if early.state != "completed":
        record(early)
    try:
        summary = counted = summarise(RunRecord(database, planned.run))
        forgiven = absent_rows(RunRecord(database, planned.run), _OFF) if settings.absent_ok else 0
        verdicts = verification_counts(RunRecord(database, planned.run))
        seen = {"forgiven": forgiven, "contradicted": verdicts.contradicted if verdicts else 0}
        verdict = _judged(summary, ending, halted, **seen)
        if verdict.state != "halted":
            # Who had finished before a take-over was not stopped by it.
            troubles[:] = [trouble for trouble in troubles if trouble not in why]
        if verdict != early or early.state == "completed":
            record(verdict)
        keep_totals(RunRecord(database, planned.run), summary.totals)
    except BulkagentError as error:
        troubles.append(reason_of(error))
        summary = _counted(planned, counters)
        if ending.error is None:
            ending = LegEnding(
                ending.signal, reason_of(error), LedgerFailed.exit_code, ending.causes
            )
        verdict = exit_status_of(summary.totals, summary.causes, ending)
    skipped = _skipped(RunRecord(database, planned.run), summary)
    written, unwritten = _write_reports(
        *(database, run_id, reports, counted),
        skip=skip_reports,
        troubles=troubles,
        following=following,
    )
    exit_code = verdict.exit_code
    if unwritten and not ending.error:
        exit_code = ReportFailed.exit_code
    command = following.after(run_id, again=verdict.again, unwritten=unwritten)
    result = RunResult(
        run_id=run_id,
        state=verdict.state,
        exit_code=exit_code,
        rows=summary.rows,
        totals=summary.totals,
        causes=summary.causes,
        requests=summary.requests,
        retries=summary.retries,
        not_sent=summary.not_sent,
        elapsed_s=round(elapsed_s, 3),
        reports=tuple(written),
        set_before_switchover=_set_before_switchover(RunRecord(database, planned.run)),
        next=shlex.join(command) or None,
        error=told_once(troubles) or None,
        left_out=tuple(row for row, _ in skipped),
        verified=verdicts.counts if verdicts else None,
    )
    applied = counters.by_status[Status.APPLIED] if counters is not None else 0
    return Finished(
        result,
        summary.clusters,
        applied,
        shlex.join(following.resume_but_roster(run_id)) if verdict.again else "",
        following.resend(run_id),
        note,
        _groups(RunRecord(database, planned.run), settings, seen_up),
        forgiven,
        verdicts,
        unseen,
        tuple(BadRow(row, "", reason) for row, reason in skipped),
        shared,
        tuple(troubles),
    )


def _skipped(record: RunRecord, summary: Summary) -> tuple[tuple[int, str], ...]:
    """The rows that were left out, with why; none where the ledger cannot tell."""
    with contextlib.suppress(BulkagentError):
        return left_out(record) if summary.totals[Status.INVALID] else ()
    return ()


def _groups(
    record: RunRecord, settings: Settings, seen_up: Mapping[str, int]
) -> tuple[GroupStanding, ...]:
    with contextlib.suppress(BulkagentError):
        found = group_standings(record, settings)
        return tuple(at.seen(seen_up.get(at.counts.group, at.counts.up)) for at in found)
    return ()


def _set_before_switchover(record: RunRecord) -> int:
    with contextlib.suppress(BulkagentError):
        return sum(lane.assignments for lane in lanes_set_before(record))
    return 0


def _judged(
    summary: Summary, ending: LegEnding, halted: LegEnding | None, **seen: int
) -> ExitStatus:
    """The verdict; of a run that was halted before, as long as anything of it is left."""
    verdict = exit_status_of(summary.totals, summary.causes, ending, **seen)
    if halted is None:
        return verdict
    left = verdict.again or (halted.taken_over and summary.causes.get(Cause.SUPERSEDED, 0) > 0)
    return exit_status_of(summary.totals, summary.causes, halted, **seen) if left else verdict


def _halted_before(
    database: Database, run_id: str, ending: LegEnding
) -> tuple[LegEnding | None, tuple[Said, ...]]:
    """The ending of a leg of a run that was halted and that nobody has let go on yet.

    With who has taken over, where only the ledger has heard of that.
    """
    with contextlib.suppress(BulkagentError):
        facts = find_run(database, run_id)
        if facts.halted:
            # It may have come to its end, or been stopped by a signal, before it heard of that.
            taken_over = ending.taken_over or facts.drained_for is not None
            causes = ending.causes | {Cause.HALTED}
            stopped = msgspec.structs.replace(ending, causes=causes, taken_over=taken_over)
            return stopped, (Said(facts.halted),) if taken_over and not ending.taken_over else ()
    return None, ()


def _write_reports(
    database: Database,
    run_id: str,
    reports: Sequence[Path],
    summary: Summary | None,
    *,
    skip: Callable[[], bool],
    troubles: list[Reason],
    following: NextCommands,
) -> tuple[list[str], list[Path]]:
    """Write reports; which were written, and which could not be. What went wrong is added."""
    written: list[str] = []
    unwritten: list[Path] = []
    for path in reports:
        try:
            resume = shlex.join(following.resume(run_id)) or None
            write_report(database, run_id, path, summary=summary, skip=skip, following=resume)
        except Skipped:
            command = shlex.join(following.report(run_id, path))
            troubles.append(Said(f"{path} was not written; `{command}` writes it"))
        except BulkagentError as error:
            troubles.append(reason_of(error))
            unwritten.append(path)
        else:
            written.append(str(path))
    return written, unwritten


def _counted(planned: Planned, counters: Counters | None) -> Summary:
    """What was counted before the ledger broke: what has no outcome may have been sent."""
    plan = planned.plan
    totals = dict(plan.totals)
    totals[Status.APPLIED] -= plan.once_more  # who is in doubt since the leg began
    totals[Status.UNKNOWN] += plan.once_more
    requests = retries = not_sent = 0
    if counters is not None:
        requests, retries = counters.requests, counters.retries
        not_sent = counters.not_sent
        for status, count in counters.by_status.items():
            totals[status] += count
        # Who was put in doubt had been counted as set; whether sent again or not, he is in doubt.
        totals[Status.APPLIED] -= counters.once_more
        totals[Status.UNKNOWN] += counters.in_doubt
        totals[Status.UNKNOWN] += counters.unfinished
        again = counters.once_more - counters.in_doubt
        first_attempts = counters.finished - again + counters.unfinished
        stood_so = dict.fromkeys(plan.again)
        if plan.once_more:
            stood_so[Status.UNKNOWN.value] = None
        for stood in stood_so or {Status.NOT_ATTEMPTED.value: None}:
            # Which of those that were tried again stood how is in the ledger alone.
            taken = min(totals[stood], first_attempts)
            totals[stood] -= taken
            first_attempts -= taken
    return Summary(plan.rows, totals, {}, requests, retries, (), not_sent)
