"""The end of a leg: counted, judged, recorded and reported, whatever is broken by then.

Something was sent by now, so nothing that goes wrong here may say otherwise, and no step may
prevent the next.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from bulkagent.errors import BulkagentError, LedgerFailed, ReportFailed
from bulkagent.gateway.operations import talk_right
from bulkagent.ledger import (
    AppliedPart,
    LeftOutRow,
    LeftTo,
    OutcomeGroup,
    RunRecord,
    Summary,
    VerificationCounts,
    absent_rows,
    applied_parts,
    find_run,
    finish_leg,
    keep_totals,
    lanes_set_before,
    left_out,
    left_to,
    summarise,
    verification_counts,
)
from bulkagent.model import Cause, Status
from bulkagent.reasons import Reason, Said, reason_of, told_once
from bulkagent.run.beside import DrainedRun, drained_runs
from bulkagent.run.handover.rules import GroupStanding, group_standings, taken_off_before
from bulkagent.run.history.exit_code import ExitStatus, LegEnding, exit_status_of
from bulkagent.run.history.fallback_counts import fallback_summary
from bulkagent.run.history.report import Skipped, write_report
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.plan.request import RunResult
from bulkagent.run.send.sent import SentLeg
from bulkagent.run.sharing.shared_time import LimitsShared

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
    """The command that sends agents once more who were set before a failover."""
    note: str = ""
    """What people should know of where GUIDs came from; "" where there is nothing to say."""
    groups: tuple[GroupStanding, ...] = ()
    """How the groups of a handover stand; none where it is none."""
    forgiven: int = 0
    """How many failed agents were surely signed out already, which is as good as set."""
    verdicts: VerificationCounts | None = None
    """What the queues showed of the agents that are set; None: the run was not verified."""
    unseen: str = ""
    """What kept the leg from being verified, for people; "" where nothing did."""
    left_out: tuple[LeftOutRow, ...] = ()
    """The invalid rows that were left out, and why each is one."""
    parts: tuple[AppliedPart, ...] = ()
    """How many agents are set, by gateway and flag, over all legs; none: nobody can count them."""
    roster: str = ""
    """What people call its agents: the job, or the roster's file; "" where there is neither."""
    shared: tuple[LimitsShared, ...] = ()
    """The gateways whose limits were shared with other commands."""
    drained: tuple[DrainedRun, ...] = ()
    """The runs that were drained for it and have agents left."""
    left_to: tuple[LeftTo, ...] = ()
    """The agents that it has left to later runs."""
    reasons: tuple[Reason, ...] = ()
    """Why it ended before its time, and what went wrong; `result.error` has their sentences."""
    ended_ms: int = 0
    """Time of day of its end."""
    defect: Exception | None = None
    """A defect of bulkagent's own that broke it off; None: there was none."""

    def result_or_defect(self) -> RunResult:
        """The result.

        Raises:
            Exception: The defect that broke the run off.
        """
        if self.defect is not None:
            raise self.defect
        return self.result


def finish(
    leg: PlannedLeg,
    sent: SentLeg,
    ending: LegEnding,
    *,
    reports: Sequence[Path],
    skip_reports: Callable[[], bool],
) -> Finished:
    """Count and judge a leg, record its end, write the run's reports.

    Args:
        leg: What was to be sent.
        sent: What came of that.
        ending: How sending ended.
        reports: Where reports go.
        skip_reports: Asked again and again whether somebody has lost patience with them.
    """
    run_id = leg.plan.run_id
    judged = _judged(leg, sent, ending)
    troubles, status, summary = judged.troubles, judged.status, judged.summary
    skipped = _skipped(leg.record, summary)
    written, unwritten = _write_reports(
        leg, reports, judged.counted, skip=skip_reports, troubles=troubles
    )
    exit_code = status.exit_code
    if unwritten and not judged.ending.error:
        exit_code = ReportFailed.exit_code
    commands = leg.next_commands
    command = commands.after(run_id, again=status.again, unwritten=unwritten)
    verdicts = judged.verdicts
    result = RunResult(
        run_id=run_id,
        state=status.state,
        exit_code=exit_code,
        rows=summary.rows,
        totals=summary.totals,
        causes=summary.causes,
        requests=summary.requests,
        retries=summary.retries,
        not_sent=summary.not_sent,
        elapsed_s=round(sent.elapsed_s, 3),
        reports=tuple(written),
        set_before_switchover=_set_before_switchover(leg.record),
        next=shlex.join(command) or None,
        error=told_once(troubles) or None,
        left_out=tuple(line.row for line in skipped),
        verified=verdicts.counts if verdicts else None,
    )
    return Finished(
        result,
        summary.clusters,
        sent.counters.by_status[Status.APPLIED] if sent.counters is not None else 0,
        shlex.join(commands.resume_but_roster(run_id)) if status.again else "",
        ended_ms=sent.ended_ms,
        resend=commands.resend(run_id),
        note=sent.note,
        groups=_groups(leg, sent),
        forgiven=judged.forgiven,
        verdicts=verdicts,
        unseen=sent.unseen,
        left_out=skipped,
        parts=_parts(leg),
        roster=_name_of(leg),
        shared=sent.shared,
        drained=drained_runs(leg),
        left_to=_left_to(leg.record, summary),
        reasons=tuple(troubles),
    )


class _Judged(msgspec.Struct):
    """A leg that is counted and judged, and whose end is on disk as far as that was possible."""

    summary: Summary
    status: ExitStatus
    ending: LegEnding
    troubles: list[Reason]
    counted: Summary | None = None
    """The summary, where the ledger could be read."""
    forgiven: int = 0
    verdicts: VerificationCounts | None = None


def _judged(leg: PlannedLeg, sent: SentLeg, ending: LegEnding) -> _Judged:
    troubles: list[Reason] = [*([ending.error] if ending.error else []), *sent.reasons]
    halted, why = _halted_before(leg, ending)
    troubles.extend(why)
    # As if something were left: nobody knows yet, and a person who stopped it may not wait until a
    # million rows are counted.
    early = exit_status_of({Status.NOT_ATTEMPTED: 1}, {}, halted or ending)
    if early.state != "completed":
        _record(leg, sent, early, troubles)
    counted: Summary | None = None
    forgiven, verdicts = 0, None
    try:
        counted = summarise(leg.record)
        forgiven = absent_rows(leg.record, _OFF) if leg.settings.absent_ok else 0
        verdicts = verification_counts(leg.record)
        contradicted = verdicts.contradicted if verdicts else 0
        status = _status(counted, ending, halted, forgiven=forgiven, contradicted=contradicted)
        if status.state != "halted":
            # A run that had finished before a take-over was not stopped by it.
            troubles[:] = [trouble for trouble in troubles if trouble not in why]
        if status != early or early.state == "completed":
            _record(leg, sent, status, troubles)
        keep_totals(leg.record, counted.totals)
    except BulkagentError as error:
        troubles.append(reason_of(error))
        # What could be counted is true, also where no more could be written.
        summary = counted or fallback_summary(leg.plan, sent.counters)
        if ending.error is None:
            ending = LegEnding(
                ending.signal, reason_of(error), LedgerFailed.exit_code, ending.causes
            )
        status = exit_status_of(summary.totals, summary.causes, ending)
        return _Judged(summary, status, ending, troubles, counted, forgiven, verdicts)
    return _Judged(counted, status, ending, troubles, counted, forgiven, verdicts)


def _record(leg: PlannedLeg, sent: SentLeg, status: ExitStatus, troubles: list[Reason]) -> None:
    """Record the end of the leg; what went wrong with that is added to the troubles."""
    try:
        finish_leg(
            leg.record,
            sent.leg,
            state=status.state,
            exit_code=status.exit_code,
            reason=told_once(troubles),
            not_attempted=sent.not_attempted,
            only=leg.only,
            now_ms=sent.ended_ms,
        )
    except BulkagentError as error:
        troubles.append(reason_of(error))


def _skipped(record: RunRecord, summary: Summary) -> tuple[LeftOutRow, ...]:
    """The rows that were left out, with why; none where the ledger cannot tell."""
    with contextlib.suppress(BulkagentError):
        return left_out(record) if summary.totals[Status.INVALID] else ()
    return ()


def _left_to(record: RunRecord, summary: Summary) -> tuple[LeftTo, ...]:
    with contextlib.suppress(BulkagentError):
        return left_to(record) if Cause.SUPERSEDED in summary.causes else ()
    return ()


def _parts(leg: PlannedLeg) -> tuple[AppliedPart, ...]:
    with contextlib.suppress(BulkagentError):
        return applied_parts(leg.record)
    return ()


def _name_of(leg: PlannedLeg) -> str:
    request = leg.resolved.request
    roster = "" if request.roster == "-" else Path(request.roster).stem
    return request.settings.job or roster


def _groups(leg: PlannedLeg, sent: SentLeg) -> tuple[GroupStanding, ...]:
    with contextlib.suppress(BulkagentError):
        found = group_standings(leg.record, leg.settings)
        off: Mapping[str, int] = {}
        if any(at.counts.held for at in found):
            off = taken_off_before(
                *(leg.record, leg.planned.lanes, leg.settings), only=(), now_ms=sent.ended_ms
            ).down
        return tuple(
            at.seen(
                sent.seen_up.get(at.counts.group, at.counts.up),
                taken_off=off.get(at.counts.group, 0),
            )
            for at in found
        )
    return ()


def _set_before_switchover(record: RunRecord) -> int:
    with contextlib.suppress(BulkagentError):
        return sum(lane.assignments for lane in lanes_set_before(record))
    return 0


def _status(
    summary: Summary, ending: LegEnding, halted: LegEnding | None, **seen: int
) -> ExitStatus:
    """State and exit code; of a run that was halted before, as long as anything of it is left."""
    verdict = exit_status_of(summary.totals, summary.causes, ending, **seen)
    if halted is None:
        return verdict
    left = verdict.again or (halted.taken_over and summary.causes.get(Cause.SUPERSEDED, 0) > 0)
    return exit_status_of(summary.totals, summary.causes, halted, **seen) if left else verdict


def _halted_before(leg: PlannedLeg, ending: LegEnding) -> tuple[LegEnding | None, tuple[Said, ...]]:
    """The ending of a leg of a run that was halted and that nobody has let go on yet.

    With who has taken over, where only the ledger has heard of that.
    """
    with contextlib.suppress(BulkagentError):
        facts = find_run(leg.database, leg.plan.run_id)
        if facts.halted:
            # It may have come to its end, or been stopped by a signal, before it heard of that.
            taken_over = ending.taken_over or facts.drained_for is not None
            causes = ending.causes | {Cause.HALTED}
            stopped = msgspec.structs.replace(ending, causes=causes, taken_over=taken_over)
            return stopped, (Said(facts.halted),) if taken_over and not ending.taken_over else ()
    return None, ()


def _write_reports(
    leg: PlannedLeg,
    reports: Sequence[Path],
    summary: Summary | None,
    *,
    skip: Callable[[], bool],
    troubles: list[Reason],
) -> tuple[list[str], list[Path]]:
    """Write reports; which were written, and which could not be. What went wrong is added."""
    run_id, commands = leg.plan.run_id, leg.next_commands
    written: list[str] = []
    unwritten: list[Path] = []
    for path in reports:
        try:
            resume = shlex.join(commands.resume(run_id)) or None
            write_report(
                *(leg.database, run_id, path),
                summary=summary,
                skip=skip,
                following=resume,
                zone=leg.asked.time_zone,
            )
        except Skipped:
            command = shlex.join(commands.report(run_id, path))
            troubles.append(Said(f"{path} was not written; `{command}` writes it"))
        except BulkagentError as error:
            troubles.append(reason_of(error))
            unwritten.append(path)
        else:
            written.append(str(path))
    return written, unwritten
