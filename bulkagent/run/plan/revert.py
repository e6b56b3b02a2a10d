"""Setting back what a run changed, as a run of its own."""

from __future__ import annotations

import contextlib
from typing import BinaryIO

import msgspec

from bulkagent.errors import LedgerUnavailable, ResumeRefused
from bulkagent.files.user_folders import absolute
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.gateway.operations import SET_TALK_RIGHT, flag_of
from bulkagent.ledger import (
    ChangedRow,
    Database,
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
from bulkagent.run.plan.protect import Protected, protected_by, refuse_numbers
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
    planner: Planner | None = None
    try:
        recalled = recorded_run(database, facts, request)
        # It has reports of its own, not those of the run that it sets back; and an agent whom that
        # run set once more need not be set back twice.
        settings = msgspec.structs.replace(recalled.request.settings, resend_after_switchover=False)
        asked = msgspec.structs.replace(
            recalled.request, reports=request.reports, settings=settings
        )
        if "verify_with" not in {**request.choices.explicit, **request.choices.environment}:
            # Its observers may be among those who are set back.
            real = not recalled.gateways.emulated
            here = request.choices.settings({}).verify_with if real else ()
            asked = msgspec.structs.replace(
                asked, settings=msgspec.structs.replace(asked.settings, verify_with=here)
            )
        if "deadline_s" not in {**request.choices.explicit, **request.choices.environment}:
            # It was for the sending of that run, and is over.
            asked = msgspec.structs.replace(
                asked, settings=msgspec.structs.replace(asked.settings, deadline_s=None)
            )
        recalled = RecordedRun(facts, asked, recalled.gateways)
        refuse_reports(asked, recalled.gateways, database.path)
        planner = Planner(
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
        fingerprint = fingerprint_of(database, facts)
        turn = latest_turn(database)
        protected = protected_by(asked.settings)
        tally = _RevertCounts(protected, Grouping(asked.settings.group_by, facts.extra_columns))
        opposite = request.assume_opposite
        trusted_ms = round(asked.settings.trust_state_s * 1000)
        for changed in changed_rows(
            RunRecord(database, facts.run), now_ms=now_ms, trusted_ms=trusted_ms
        ):
            with read_as_written(database):
                _refuse_unknown(changed)
            _set_back(changed, planner, tally, opposite=opposite)
        _refuse_nothing(tally, facts.id)
        agents = [(gateway, number) for gateway, _, number in planner.parts]
        refuse_numbers(agents, asked.settings, what=f"the revert of run {facts.id}")
        lanes = planner.planned(
            now_ms, fingerprint=fingerprint, endpoints=endpoints_of(RunRecord(database, facts.run))
        )
        guids = PackedGuids()
        if lanes:
            other = bool(request.roster)
            guids = guids_for(database, recalled, run=planner.run, other=other, stdin=stdin)
    except BaseException:
        if planner is not None:
            with contextlib.suppress(LedgerUnavailable):
                forget_run(RunRecord(database, planner.run))
            planner.lock.release()
        lock.release()
        raise
    plan = Plan(
        run_id=planner.run_id,
        layout="",
        rows=tally.rows,
        agents=sum(lane.assignments for lane in lanes),
        of_agents=tally.rows,
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
        origin=facts.id,
        superseded=dict(sorted(tally.superseded.items())),
        previous_unknown=tally.previous_unknown,
        protected=tally.protected,
        addresses=recalled.gateways.addresses,
        places=places_of(asked, recalled.gateways),
    )
    locks = (planner.lock, lock)
    made = Planned(
        ordered(plan, asked),
        planner.run,
        lanes,
        guids,
        fingerprint,
        locks,
        planned_at=now_ms,
        planned_turn=turn,
    )
    return made, recalled


class _RevertCounts:
    """What has been planned so far."""

    def __init__(self, protected: Protected, grouping: Grouping) -> None:
        self.guard = protected
        self.protected = 0
        self.grouping = grouping
        self.rows = 0
        self.previous_unknown = 0
        self.superseded: dict[str, int] = {}


def _refuse_nothing(tally: _RevertCounts, run_id: str) -> None:
    if not tally.rows:
        raise ResumeRefused(f"run {run_id} has set nobody, so there is nothing to set back")


def _refuse_unknown(changed: ChangedRow) -> None:
    """What another run is said to have set is set again: it must be something that can be.

    Raises:
        ValueError: It is none.
    """
    if changed.before is not None and changed.before.arguments not in SET_TALK_RIGHT.inverse:
        raise ValueError


def _set_back(
    changed: ChangedRow, planner: Planner, tally: _RevertCounts, *, opposite: bool
) -> None:
    tally.rows += 1
    row, agent_id, gateway, extra = changed.row, changed.agent_id, changed.gateway, changed.extra
    before = changed.before
    group = tally.grouping.group(gateway, extra)
    inverse = SET_TALK_RIGHT.inverse[changed.arguments]
    # What the revert would have it be; nothing, where that is not known.
    wanted = before.arguments if before is not None else inverse if opposite else ""
    if changed.later is not None:
        run_id = changed.later.run_id
        tally.superseded[run_id] = tally.superseded.get(run_id, 0) + 1
        planner.reject(
            *(row, agent_id, gateway, wanted, extra),
            status=Status.NOT_ATTEMPTED,
            cause=Cause.SUPERSEDED,
            reason=f"run {run_id} has set it since",
        )
    elif reason := tally.guard.reason(gateway, agent_id):
        tally.protected += 1
        planner.reject(
            *(row, agent_id, gateway, wanted, extra),
            status=Status.NOT_ATTEMPTED,
            cause=Cause.PROTECTED,
            reason=reason,
            group=group,
            as_if=before.arguments if before is not None else inverse,
        )
    elif wanted:
        planner.assign(
            *(row, agent_id, gateway, wanted, extra),
            group=group,
            so_already=before is not None and changed.certain and wanted == changed.arguments,
        )
    else:
        tally.previous_unknown += 1
        planner.reject(
            *(row, agent_id, gateway, "", extra),
            status=Status.NOT_ATTEMPTED,
            cause=Cause.PREVIOUS_UNKNOWN,
            reason="the ledger does not know what it was before, or only from too long ago",
            group=group,
            as_if=inverse,
        )
