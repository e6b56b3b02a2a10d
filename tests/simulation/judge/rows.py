"""Rows of a roster: one status each, and a status that the gateway's own history bears out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.simulation.history import Ended, Handled, Morning, ReportRow
from tests.simulation.judge.evidence import KILLED, Evidence, answered_in_time, swapped
from tests.simulation.world import CommandKind, Roster, RowKind

STATUSES = (
    "applied",
    "rejected",
    "failed",
    "unknown",
    "not_attempted",
    "invalid",
    "duplicate",
)
_OF_KIND = {RowKind.INVALID: "invalid", RowKind.DUPLICATE: "duplicate"}
_FINISHED = frozenset({0, 3, 4})
_FIRST_ROW = 2
"""The header is line 1."""
_SETTLED_WITHOUT_DOUBT = frozenset({"rejected", "failed", "not_attempted"})


Reported = Sequence[ReportRow]


def reports_of(morning: Morning, evidence: Evidence) -> Iterator[tuple[str, str, Reported]]:
    """Every report with its run and what it is called."""
    for run in morning.runs:
        if run.report:
            yield f"run {run.run_id}", run.run_id, run.report
    for ended in evidence.ended.values():
        if ended.report and ended.run_id:
            yield f"process {ended.process}, run {ended.run_id}", ended.run_id, ended.report


def one_line_each(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A report has the rows of its roster, in order, each with one status."""
    for told, run_id, report in reports_of(morning, evidence):
        for row in report:
            if row.status not in STATUSES:
                yield f"{told}, row {row.row}: the status is {row.status!r}"
            if row.status != "applied" and not row.cause:
                yield f"{told}, row {row.row}, agent {row.agent_id}: {row.status} has no cause"
        if len({row.row for row in report}) != len(report):
            yield f"{told}: a row has two lines"
        run = evidence.runs.get(run_id)
        roster = evidence.rosters.get(run.roster) if run else None
        if roster is not None:
            yield from _differences(told, roster, report)


def _differences(told: str, roster: Roster, report: Reported) -> Iterator[str]:
    if len(report) != len(roster.rows):
        yield f"{told}: {len(report)} lines for {len(roster.rows)} rows of {roster.name}"
        return
    for number, (drawn, found) in enumerate(zip(roster.rows, report, strict=True), _FIRST_ROW):
        where = f"{told}, row {number}, agent {drawn.agent}"
        if found.row != number:
            yield f"{where}: the report has row {found.row} in its place"
        wanted = _OF_KIND.get(drawn.kind)
        if wanted is None:
            if found.status in _OF_KIND.values():
                yield f"{where}: {found.status}, and it is an assignment"
            if (found.agent_id, found.gateway, found.flag) != (
                drawn.agent,
                drawn.gateway,
                drawn.flag,
            ):
                yield f"{where}: the report has {found.agent_id}, {found.gateway}, {found.flag}"
        elif found.status != wanted:
            yield f"{where}: {found.status}, and it is {wanted}"


def totals_add_up(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """All seven statuses are counted, and add up to the rows."""
    for ended in evidence.ended.values():
        if "totals" not in ended.result:
            continue
        totals, rows = ended.result["totals"], ended.result["rows"]
        if set(totals) != set(STATUSES):
            yield f"process {ended.process}: totals of {sorted(totals)}"
        if sum(totals.values()) != rows:
            yield f"process {ended.process}: totals are {sum(totals.values())} of {rows} rows"


def counted_as_reported(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Totals and causes of --json are those of the report."""
    for ended in evidence.ended.values():
        if not ended.report or "totals" not in ended.result:
            continue
        yield from _miscounted(ended, "totals", Counter(row.status for row in ended.report))
        causes = Counter(row.cause for row in ended.report if row.cause)
        yield from _miscounted(ended, "causes", causes)


def _miscounted(ended: Ended, name: str, counts: Counter[str]) -> Iterator[str]:
    told = {word: number for word, number in ended.result.get(name, {}).items() if number}
    if told != dict(counts):
        yield f"process {ended.process}: {name} {told}, the report has {dict(counts)}"


class Stand(NamedTuple):
    """A row as a report has it, and what the run has sent for its agent by then."""

    told: str
    run_id: str
    row: ReportRow
    sent: Sequence[Handled]


def stands_of(morning: Morning, evidence: Evidence) -> Iterator[Stand]:
    """All rows of assignments: as the ledger has them in the end, at each leg's end, and between.

    `report` shows between whatever a kill has left; it counts where the run is at rest meanwhile.
    """
    reports = [(f"run {run.run_id}", run.run_id, run.report, math.inf) for run in morning.runs]
    reports += [
        (f"process {end.process}, run {run_id}", run_id, end.report, end.ended_s)
        for run_id, legs in evidence.legs.items()
        for end in legs
        if end.exit_code != KILLED
    ]
    reports += [
        (f"report {end.process}, run {run_id}", run_id, end.report, end.began_s)
        for end in evidence.ended.values()
        if end.command.kind is CommandKind.REPORT and (run_id := end.result.get("run_id"))
        if _at_rest(evidence, run_id, end)
    ]
    for told, run_id, report, until_s in reports:
        for row in report:
            if row.status not in _OF_KIND.values():
                sent = [
                    each
                    for each in evidence.of_row(run_id, row.gateway, row.agent_id)
                    if each.arrived_s <= until_s
                ]
                where = f"{told}, agent {row.agent_id} at {row.gateway}"
                yield Stand(where, run_id, row, sent)


def _at_rest(evidence: Evidence, run_id: str, report: Ended) -> bool:
    """Whether no process of a run was at work while its report was written."""
    return not any(
        leg.began_s <= report.ended_s and report.began_s <= leg.ended_s
        for leg in evidence.legs.get(run_id, ())
    )


def applied_is_true(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """The gateway answered "0" to a request of that run, and set the flag."""
    for told, _, row, sent in stands_of(morning, evidence):
        if row.status != "applied" or any(swapped(evidence, request) for request in sent):
            continue
        if not any(
            each.accepted
            and each.answer == "0"
            and each.effect_s is not None
            and each.flag == row.flag
            for each in sent
        ):
            answers = [each.answer for each in sent]
            yield f"{told}: applied {row.flag}, and the gateway's answers were {answers}"
        if any(each.flag != row.flag for each in sent):
            yield f"{told}: applied {row.flag}, and the run has asked for the other flag"


def effect_is_told(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A row whose request took effect is `applied` or `unknown`."""
    if evidence.forgot:
        return
    for told, _, row, sent in stands_of(morning, evidence):
        if row.status not in _SETTLED_WITHOUT_DOUBT:
            continue
        for each in sent:
            if each.effect_s is not None and not swapped(evidence, each):
                yield (
                    f"{told}: {row.status}, {row.cause}, and request {each.number} of process"
                    f" {each.process} took effect at {each.effect_s:.3f} s"
                )
                break


def answer_is_told(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A row is `unknown` only where an answer to one of its requests did not come in time."""
    if evidence.forgot or evidence.disk_failed:
        return
    for end in evidence.ended.values():
        for row in end.report:
            if row.status != "unknown" or row.gateway in evidence.swallowed:
                continue
            resent = end.settings.get("resend_after_switchover")
            if resent and row.cause in {"switch_over", "superseded"}:
                continue  # set before a failover, and in doubt since
            if evidence.strayed_in(end.run_id, row.gateway):
                continue
            sent = [
                each
                for each in evidence.of_row(end.run_id, row.gateway, row.agent_id)
                if each.arrived_s <= end.ended_s
            ]
            # A leg that was killed may have marked one that never left.
            whole = row.attempts <= len(sent)
            if sent and whole and all(_was_told(evidence, each) for each in sent):
                answers = [each.answer for each in sent]
                yield (
                    f"process {end.process}, run {end.run_id}, agent {row.agent_id} at"
                    f" {row.gateway}: unknown, {row.cause}, and the gateway's answers {answers}"
                    " came in time"
                )


def _was_told(evidence: Evidence, request: Handled) -> bool:
    # After a kill, an agent who was to be tried again is in doubt, whatever the answers were.
    if evidence.ended[request.process].exit_code == KILLED:
        return False
    return request.answer[:1].isdigit() and answered_in_time(evidence, request)


def not_sent_is_true(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """`not_attempted`, and 0 attempts, where nothing arrived; else as many as arrived.

    A leg that was killed or stopped may have marked one more, and did not send it.
    """
    if evidence.forgot:
        return
    for stand, run_id, row, sent in stands_of(morning, evidence):
        arrived = len(sent)
        told = f"{stand}: {row.status}"
        if row.status == "not_attempted" and arrived:
            yield f"{told}, and {arrived} requests have arrived"
        if row.attempts < arrived:
            yield f"{told}, {row.attempts} attempts, and {arrived} requests have arrived"
        cut_off = sum(leg.exit_code not in _FINISHED for leg in evidence.legs.get(run_id, ()))
        hidden = row.gateway in evidence.swallowed or evidence.strayed_in(run_id, row.gateway)
        if row.attempts > arrived + cut_off and not hidden:
            yield f"{told}, {row.attempts} attempts, and only {arrived} requests have arrived"
        if arrived and not row.first_sent_at:
            yield f"{told}, never sent, and {arrived} requests have arrived"
