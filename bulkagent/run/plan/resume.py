"""Resuming a run: the rows that are left, their owner, and the GUIDs.

What may live here: everything of a resume before anything is sent. What this room must not know:
how it is sent.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import BinaryIO, NamedTuple

import msgspec

from bulkagent.errors import ResumeRefused, RunBusy, RunNotFound
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.gateway.operations import flag_of
from bulkagent.ledger import (
    Database,
    Lane,
    Portion,
    RunFacts,
    RunLock,
    RunRecord,
    endpoints_of,
    find_of_earlier,
    find_same,
    forget_run,
    groups_of,
    idle_s,
    lanes_set_before,
    moved_rows,
    portions_of,
    protect,
    same_groups,
    same_rows,
    supersede,
    totals_of,
    verification_counts,
)
from bulkagent.model import Cause, Status
from bulkagent.run.plan.apply import Planned, ordered
from bulkagent.run.plan.fingerprint import OF_SETS, fingerprint_of
from bulkagent.run.plan.path_conflicts import refuse_reports
from bulkagent.run.plan.protect import protected_by, refuse_numbers
from bulkagent.run.plan.recorded import RecordedRun, guids_for, locked_run, places_of, recorded_run
from bulkagent.run.plan.request import Plan, PlanGroup, PlanPart, Request, Resume
from bulkagent.settings import Settings

__all__ = ["begun_since", "plan_resume", "refuse_age", "resume_instead"]


def plan_resume(
    request: Resume, database: Database, *, now_ms: int, stdin: BinaryIO | None = None
) -> tuple[Planned, RecordedRun]:
    """See what is left of a run, and get ready to send it.

    Raises:
        RunNotFound, RunBusy, ResumeRefused, RosterRefused, SettingsRefused: It cannot be resumed.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    facts, lock = locked_run(database, request.run)
    try:
        recalled = recorded_run(database, facts, request)
        refuse_reports(recalled.request, recalled.gateways, database.path)
        refuse_age(database, facts, recalled.request.settings.max_age_s, now_ms)
        superseded = supersede(RunRecord(database, facts.run))
        protected = protect_now(RunRecord(database, facts.run), recalled.request.settings)
        plan, lanes = _plan(database, facts, request.only, superseded)
        plan = msgspec.structs.replace(
            plan,
            protected=protected,
            addresses=recalled.gateways.addresses,
            places=places_of(recalled.request, recalled.gateways),
        )
        agents = [(lane.gateway, lane.assignments) for lane in lanes]
        settings = recalled.request.settings
        refuse_numbers(agents, settings, what=f"run {facts.id}", totals=plan.totals)
        resends = _resends(request)
        if resends and recalled.request.settings.resend_after_switchover:
            once_more = lanes_set_before(RunRecord(database, facts.run))
            plan, lanes = _with(plan, once_more, facts), _together(lanes, once_more)
        guids = PackedGuids()
        if lanes:
            other = bool(request.roster)
            guids = guids_for(
                database, recalled, run=facts.run, other=other, only=request.only, stdin=stdin
            )
        heard = _heard(RunRecord(database, facts.run))
        planned = Planned(
            ordered(plan, recalled.request),
            facts.run,
            lanes,
            guids,
            facts.fingerprint,
            (lock,),
            new=False,
            answered=heard.answered,
            applied=heard.applied,
            resends=resends,
        )
    except BaseException:
        lock.release()
        raise
    return planned, recalled


def resume_instead(
    database: Database, planned: Planned, asked: Request, *, now_ms: int, began_ms: int
) -> Planned:
    """The latest run of the same roster where it is unfinished, in the place of a new plan.

    The GUIDs of the new plan are taken over; the new plan is taken out of the ledger again.

    Args:
        database: The ledger.
        planned: The new plan.
        asked: What it was made of.
        now_ms: Time of day.
        began_ms: When the command began: what ended since was in progress elsewhere until then.

    Raises:
        RunBusy: A run of that roster is in progress elsewhere, or was until a moment ago; the new
            plan is left to be discarded.
    """
    known = {
        facts.id: facts.legs for facts in find_same(database, planned.fingerprint, but=planned.run)
    }
    rivals = _rivals(database, planned, asked, now_ms)
    for facts in rivals:
        if facts.running:
            raise RunBusy(_elsewhere(facts))
        _refuse_just_ended(facts, began_ms, now_ms)
    for latest in rivals:
        if latest.done or _seen_otherwise(database, latest):
            break  # those before it have been followed up by it
        try:
            facts, lock = locked_run(database, latest.id)
        except RunNotFound:
            continue  # somebody has just taken it out of the ledger
        try:
            _refuse_just_ended(facts, began_ms, now_ms)
            return _gone_on_with(database, facts, lock, planned, asked)
        except BaseException:
            lock.release()
            raise
    plan = planned.plan
    if rivals:
        plan = msgspec.structs.replace(plan, earlier=_earlier(database, rivals[0]))
    return msgspec.structs.replace(
        planned,
        plan=plan,
        rivals=known,
        latest=rivals[0].run if rivals else None,
    )


def begun_since(database: Database, planned: Planned) -> RunFacts | None:
    """A run of the same roster that has begun a leg since a plan was made; None: none has."""
    if planned.rivals is None:
        return None
    same = find_same(database, planned.fingerprint, but=planned.run)
    return next((x for x in same if planned.rivals.get(x.id, 0) < x.legs), None)


def _rivals(
    database: Database, planned: Planned, asked: Request, now_ms: int
) -> Sequence[RunFacts]:
    """The runs of the same roster that a new plan may stand for, the latest first."""
    since_ms = now_ms - round(asked.settings.max_age_s * 1000)
    order = (asked.settings.group_by, asked.settings.handover)
    here = endpoints_of(RunRecord(database, planned.run))
    same = [
        *find_same(database, planned.fingerprint, but=planned.run),
        *find_of_earlier(database, OF_SETS, but=planned.run, since_ms=since_ms),
    ]
    return [
        facts
        for facts in sorted(same, key=lambda facts: -facts.run)
        if idle_s(database, facts, now_ms) <= asked.settings.max_age_s
        and (facts.settings.get("group_by", ""), facts.settings.get("handover", True)) == order
        and endpoints_of(RunRecord(database, facts.run)) == here
        and fingerprint_of(database, facts) == planned.fingerprint
        and same_groups(RunRecord(database, facts.run), planned.run)
    ]


def _seen_otherwise(database: Database, facts: RunFacts) -> bool:
    """Whether nothing is left of a run but what the gateway shows otherwise than it said."""
    record = RunRecord(database, facts.run)
    if facts.exit_code != _SOME_LEFT or any(group.left for group in portions_of(record)):
        return False
    verdicts = verification_counts(record)
    return verdicts is not None and verdicts.contradicted > 0


_SOME_LEFT = 3


_SKEW_MS = 60_000


def _refuse_just_ended(facts: RunFacts, began_ms: int, now_ms: int) -> None:
    # A time to come is of a clock that was ahead, and says nothing.
    if facts.finished_at is not None and began_ms < facts.finished_at <= now_ms + _SKEW_MS:
        raise RunBusy(
            f"run {facts.id} of this roster was in progress elsewhere when this command began, and"
            " has ended since, so nothing was sent. Trying again is safe"
        )


def _elsewhere(facts: RunFacts) -> str:
    return (
        f"run {facts.id} of this roster is in progress elsewhere: another process is at work on"
        " it, so nothing was sent. Trying again is safe"
    )


def _earlier(database: Database, facts: RunFacts) -> str:
    """What the latest run of a roster has set, for people."""
    totals = totals_of(RunRecord(database, facts.run))
    agents = sum(totals.values()) - totals["duplicate"] - totals["invalid"]
    return (
        f"run {facts.id} of this roster has set {totals['applied']:,} of {agents:,} agents"
        f" (exit {facts.exit_code}); this is a new run"
    )


def _gone_on_with(
    database: Database, facts: RunFacts, lock: RunLock, planned: Planned, asked: Request
) -> Planned:
    """A run that is unfinished, with the GUIDs of a new plan of the same roster."""
    record = RunRecord(database, facts.run)
    superseded = supersede(record)
    protected = protect_now(record, asked.settings)
    plan, lanes = _plan(database, facts, (), superseded)
    plan = msgspec.structs.replace(plan, protected=protected)
    agents = [(lane.gateway, lane.assignments) for lane in lanes]
    refuse_numbers(agents, asked.settings, what=f"run {facts.id}", totals=plan.totals)
    guids = planned.guids
    if moved_rows(record, planned.run):
        guids = PackedGuids()
        for row, there in same_rows(record, planned.run):
            guids.add(row, planned.guids.of_row(there) or "")
    forget_run(RunRecord(database, planned.run))
    heard = _heard(record)
    planned.release()
    return Planned(
        plan,
        facts.run,
        lanes,
        guids,
        planned.fingerprint,
        (lock,),
        new=False,
        answered=heard.answered,
        applied=heard.applied,
    )


def _plan(
    database: Database, facts: RunFacts, only: Collection[Cause], superseded: Mapping[str, int]
) -> tuple[Plan, tuple[Lane, ...]]:
    record = RunRecord(database, facts.run)
    standing = portions_of(record)
    wanted = [group for group in standing if group.left and (not only or group.cause in only)]
    lanes = _lanes(wanted)
    totals = totals_of(record)
    again: dict[str, int] = {}
    for group in wanted:
        again[group.status.value] = again.get(group.status.value, 0) + group.count
    plan = Plan(
        run_id=facts.id,
        layout="",
        rows=sum(totals.values()),
        agents=sum(again.values()),
        of_agents=sum(totals.values()) - totals["duplicate"] - totals["invalid"],
        duplicates=totals["duplicate"],
        invalid=totals["invalid"],
        parts=_parts(wanted),
        groups=tuple(
            PlanGroup(group.group, group.incoming, group.outgoing) for group in groups_of(record)
        ),
        command="resume",
        origin=facts.reverts or "",
        again=again,
        superseded=superseded,
        guardrail=_guardrail(facts) if lanes or (facts.drained_for and not facts.done) else "",
        standing=totals,
    )
    return plan, lanes


def protect_now(record: RunRecord, settings: Settings) -> int:
    """Leave alone the agents of a run who are protected by now; how many these are.

    Raises:
        RosterRefused: A file of protected agents cannot be read.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    protected = protected_by(settings)
    return protect(record, lambda gateway, agent: bool(protected.reason(gateway, agent)))


def _resends(request: Resume) -> bool:
    """Whether those can be sent once more who were set before a switch-over.

    Raises:
        ResumeRefused: They cannot, and it was asked for now.
    """
    asked_for = request.choices.explicit.get("resend_after_switchover")
    if asked_for and request.roster:
        raise ResumeRefused(
            "--resend-after-switchover takes GUIDs from the run's own roster; write fresh ones"
            " into that, or leave --roster out"
        )
    if asked_for and request.only:
        raise ResumeRefused(
            "--resend-after-switchover sends agents who are set, and --only only those who ended"
            " with a cause; give one of the two"
        )
    return not (request.roster or request.only)


def _together(lanes: Sequence[Lane], more: Sequence[Lane]) -> tuple[Lane, ...]:
    """Lanes with what both have of each, in the order in which they are worked off."""
    counts: dict[int, int] = {}
    for lane in (*lanes, *more):
        counts[lane.lane] = counts.get(lane.lane, 0) + lane.assignments
    unique = {lane.lane: lane for lane in (*more, *lanes)}
    return tuple(
        msgspec.structs.replace(lane, assignments=counts[lane.lane])
        for lane in sorted(unique.values(), key=lambda lane: (lane.wave, lane.lane))
    )


def _with(plan: Plan, once_more: Sequence[Lane], facts: RunFacts) -> Plan:
    """The plan with those who are sent once more."""
    if not once_more:
        return plan
    return msgspec.structs.replace(
        plan,
        once_more=sum(lane.assignments for lane in once_more),
        parts=(
            *plan.parts,
            *(PlanPart(at.gateway, flag_of(at.arguments), at.assignments) for at in once_more),
        ),
        guardrail=_guardrail(facts),
    )


def _lanes(wanted: Sequence[Portion]) -> tuple[Lane, ...]:
    """The lanes that have something left, in the order in which they are worked off."""
    counts: dict[int, int] = {}
    first: dict[int, Portion] = {}
    for group in wanted:
        first.setdefault(group.lane, group)
        counts[group.lane] = counts.get(group.lane, 0) + group.count
    mixed = {
        portion.lane for portion in wanted if portion.arguments != first[portion.lane].arguments
    }
    return tuple(
        Lane(
            lane,
            portion.gateway,
            portion.wave,
            "" if lane in mixed else portion.arguments,
            counts[lane],
            portion.group,
        )
        for lane, portion in first.items()
    )


def _parts(wanted: Sequence[Portion]) -> tuple[PlanPart, ...]:
    counts: dict[tuple[str, str], int] = {}
    for portion in wanted:
        key = (portion.gateway, flag_of(portion.arguments))
        counts[key] = counts.get(key, 0) + portion.count
    return tuple(PlanPart(gateway, flag, count) for (gateway, flag), count in counts.items())


class _Heard(NamedTuple):
    """The gateways that have said something final of an agent within a run, and applied one."""

    answered: frozenset[str]
    applied: frozenset[str]


def _heard(record: RunRecord) -> _Heard:
    found = [(group.gateway, group.status) for group in portions_of(record)]
    final = (Status.APPLIED, Status.REJECTED)
    return _Heard(
        frozenset(gateway for gateway, status in found if status in final),
        frozenset(gateway for gateway, status in found if status is Status.APPLIED),
    )


def _guardrail(facts: RunFacts) -> str:
    """What a person has to have looked at before the run may go on."""
    return facts.halted or ""


def refuse_age(database: Database, facts: RunFacts, max_age_s: float, now_ms: int) -> None:
    """Refuse a run that nobody has been at work on for too long.

    Raises:
        ResumeRefused: It is too old.
    """
    age_s = idle_s(database, facts, now_ms)
    if age_s == math.inf:
        raise ResumeRefused(
            f"run {facts.id} was at work when this machine's clock was ahead of what it is now, so"
            " nobody can tell how long ago, and its list may be another shift's; apply a fresh"
            " roster"
        )
    if age_s > max_age_s:
        raise ResumeRefused(
            f"run {facts.id} was last at work {_hours(age_s)} ago, and its list may be another"
            f" shift's; apply a fresh roster, or raise --max-age ({_hours(max_age_s)})"
        )


def _hours(seconds: float) -> str:
    if seconds < 120:  # noqa: PLR2004 - so few are told one by one
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"  # noqa: PLR2004
