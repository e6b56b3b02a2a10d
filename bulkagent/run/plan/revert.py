"""Setting back what a run changed, as a run of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from bulkagent.errors import LedgerUnavailable, ResumeRefused
from bulkagent.files.user_folders import absolute
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.gateway.operations import SET_TALK_RIGHT, flag_of
from bulkagent.ledger import (
    ChangedRow,
    Database,
    Lane,
    Planner,
    RunRecord,
    changed_rows,
    endpoints_of,
    forget_run,
    latest_turn,
    read_as_written,
)
from bulkagent.model import Cause, Status
from bulkagent.run.plan.apply import Planned, ordered, recorded_roster, wave_of
from bulkagent.run.plan.fingerprint import fingerprint_of
from bulkagent.run.plan.groups import Grouping
from bulkagent.run.plan.path_conflicts import refuse_reports
from bulkagent.run.plan.protected_agents import Protected, protected_by, refuse_numbers
from bulkagent.run.plan.recorded import RecordedRun, guids_for, locked_run, places_of, recorded_run
from bulkagent.run.plan.request import Plan, PlanGroup, PlanPart, Revert


def plan_revert(
    request: Revert, database: Database, *, now_ms: int, stdin: BinaryIO | None = None
) -> tuple[Planned, RecordedRun]:
    """Plan the run that sets another one back; a plan that is refused leaves nothing behind.

    Raises:
        RunNotFound, RunBusy, ResumeRefused, RosterRefused, SettingsRefused: It cannot be done.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    facts, lock = locked_run(database, request.run)
    try:
        recorded = _as_revert(recorded_run(database, facts, request), request)
        refuse_reports(recorded.request, recorded.gateways, database.path)
        planner = _planner(request, recorded, database, now_ms)
        try:
            planned = _planned(request, recorded, database, planner, now_ms=now_ms, stdin=stdin)
        except BaseException:
            with contextlib.suppress(LedgerUnavailable):
                forget_run(RunRecord(database, planner.run))
            planner.lock.release()
            raise
    except BaseException:
        lock.release()
        raise
    return msgspec.structs.replace(planned, locks=(planner.lock, lock)), recorded


def _as_revert(recorded: RecordedRun, request: Revert) -> RecordedRun:
    """The request of a run, as that of the run that sets it back."""
    settings = recorded.request.settings
    given = {**request.choices.explicit, **request.choices.environment}
    observers = settings.verify_with
    if "verify_with" not in given:
        # Its observers may be among those who are set back.
        emulated = recorded.gateways.emulated
        observers = () if emulated else request.choices.settings({}).verify_with
    asked = msgspec.structs.replace(
        recorded.request,
        # It has reports of its own, not those of the run that it sets back.
        reports=request.reports,
        settings=msgspec.structs.replace(
            settings,
            # An agent whom that run set once more need not be set back twice.
            resend_after_switchover=False,
            verify_with=observers,
            # It was for the sending of that run, and is over.
            deadline_s=settings.deadline_s if "deadline_s" in given else None,
        ),
    )
    return RecordedRun(recorded.facts, asked, recorded.gateways)


def _planner(request: Revert, recorded: RecordedRun, database: Database, now_ms: int) -> Planner:
    facts, asked = recorded.facts, recorded.request
    return Planner(
        database,
        operation=facts.operation,
        roster=recorded_roster(asked.roster),
        extra_columns=facts.extra_columns,
        wave_of=wave_of if asked.settings.handover else None,
        settings={
            **facts.settings,
            **msgspec.to_builtins(asked.settings.own),
            "reports": [str(absolute(report)) for report in request.reports],
        },
        now_ms=now_ms,
        reverts=facts.run,
        job=asked.settings.job,
    )


def _planned(
    request: Revert,
    recorded: RecordedRun,
    database: Database,
    planner: Planner,
    *,
    now_ms: int,
    stdin: BinaryIO | None,
) -> Planned:
    """Plan every row that is set back, or is not for a reason."""
    facts, settings = recorded.facts, recorded.request.settings
    record = RunRecord(database, facts.run)
    fingerprint = fingerprint_of(database, facts)
    turn = latest_turn(database)
    counts = _RevertCounts(protected_by(settings), Grouping(settings.group_by, facts.extra_columns))
    trusted_ms = round(settings.trust_state_s * 1000)
    for changed in changed_rows(record, now_ms=now_ms, trusted_ms=trusted_ms):
        with read_as_written(database):
            _refuse_unknown(changed)
        _set_back(changed, planner, counts, opposite=request.assume_opposite)
    _refuse_nothing(counts, facts.id)
    agents = [(gateway, number) for gateway, _, number in planner.parts]
    refuse_numbers(agents, settings, what=f"the revert of run {facts.id}")
    lanes = planner.planned(now_ms, fingerprint=fingerprint, endpoints=endpoints_of(record))
    guids = PackedGuids()
    if lanes:
        other = bool(request.roster)
        guids = guids_for(database, recorded, run=planner.run, other=other, stdin=stdin)
    plan = ordered(_plan(recorded, planner, counts, lanes), recorded.request)
    return Planned(
        *(plan, planner.run, lanes, guids, fingerprint, (planner.lock,)),
        planned_at=now_ms,
        planned_turn=turn,
    )


def _plan(
    recorded: RecordedRun, planner: Planner, counts: _RevertCounts, lanes: Sequence[Lane]
) -> Plan:
    """What would be set back, as people see it."""
    return Plan(
        run_id=planner.run_id,
        layout="",
        rows=counts.rows,
        agents=sum(lane.assignments for lane in lanes),
        of_agents=counts.rows,
        duplicates=0,
        invalid=0,
        parts=tuple(
            PlanPart(gateway, flag_of(arguments), agents)
            for gateway, arguments, agents in planner.parts
            if agents
        ),
        groups=tuple(
            PlanGroup(group, cover.incoming, cover.outgoing)
            for group, cover in sorted(planner.coverage.items())
        ),
        command="revert",
        origin=recorded.facts.id,
        superseded=dict(sorted(counts.superseded.items())),
        previous_unknown=counts.previous_unknown,
        protected=counts.protected,
        addresses=recorded.gateways.addresses,
        places=places_of(recorded.request, recorded.gateways),
    )


class _RevertCounts:
    """The rows that a revert has planned so far."""

    def __init__(self, protected: Protected, grouping: Grouping) -> None:
        self.guard = protected
        self.protected = 0
        self.grouping = grouping
        self.rows = 0
        self.previous_unknown = 0
        self.superseded: dict[str, int] = {}


def _refuse_nothing(counts: _RevertCounts, run_id: str) -> None:
    if not counts.rows:
        raise ResumeRefused(f"run {run_id} has set nobody, so there is nothing to set back")


def _refuse_unknown(changed: ChangedRow) -> None:
    """What another run is said to have set is set again: it must be something that can be.

    Raises:
        ValueError: It is none.
    """
    if changed.before is not None and changed.before.arguments not in SET_TALK_RIGHT.inverse:
        raise ValueError


def _set_back(
    changed: ChangedRow, planner: Planner, counts: _RevertCounts, *, opposite: bool
) -> None:
    counts.rows += 1
    row, agent_id, gateway, extra = changed.row, changed.agent_id, changed.gateway, changed.extra
    before = changed.before
    group = counts.grouping.group(gateway, extra)
    inverse = SET_TALK_RIGHT.inverse[changed.arguments]
    # What the revert would have it be; nothing, where that is not known.
    wanted = before.arguments if before is not None else inverse if opposite else ""
    # The side on which it counts, whatever is known.
    as_if = before.arguments if before is not None else inverse
    if changed.later is not None:
        run_id = changed.later.run_id
        counts.superseded[run_id] = counts.superseded.get(run_id, 0) + 1
        on = changed.later.certain and not wave_of(changed.later.arguments)
        planner.reject(
            *(row, agent_id, gateway, wanted, extra),
            status=Status.NOT_ATTEMPTED,
            cause=Cause.SUPERSEDED,
            reason=f"run {run_id} has set it since",
            group=group,
            as_if=as_if,
            on=on,
            back=on and bool(wave_of(changed.arguments)) and not wave_of(as_if),
        )
    elif reason := counts.guard.reason(gateway, agent_id):
        counts.protected += 1
        planner.reject(
            *(row, agent_id, gateway, wanted, extra),
            status=Status.NOT_ATTEMPTED,
            cause=Cause.PROTECTED,
            reason=reason,
            group=group,
            as_if=as_if,
        )
    elif wanted:
        planner.assign(
            *(row, agent_id, gateway, wanted, extra),
            group=group,
            so_already=before is not None and changed.certain and wanted == changed.arguments,
        )
    else:
        counts.previous_unknown += 1
        planner.reject(
            *(row, agent_id, gateway, "", extra),
            status=Status.NOT_ATTEMPTED,
            cause=Cause.PREVIOUS_UNKNOWN,
            reason="the ledger does not know what it was before, or only from too long ago",
            group=group,
            as_if=as_if,
        )
