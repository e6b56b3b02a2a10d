"""Resuming a run: the rows that are left, their owner, and the GUIDs."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

from bulkagent.errors import ResumeRefused
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.ledger import Database, RunRecord, lanes_set_before, supersede
from bulkagent.run.plan.apply import Planned, ordered
from bulkagent.run.plan.path_conflicts import refuse_reports
from bulkagent.run.plan.protected_agents import refuse_numbers
from bulkagent.run.plan.recorded import RecordedRun, guids_for, locked_run, places_of, recorded_run
from bulkagent.run.plan.recorded_checks import refuse_age
from bulkagent.run.plan.remaining_rows import (
    answered_gateways,
    protect_now,
    remaining,
    together,
    with_once_more,
)
from bulkagent.run.plan.request import Resume


def plan_resume(
    request: Resume, database: Database, *, now_ms: int, stdin: BinaryIO | None = None
) -> tuple[Planned, RecordedRun]:
    """See what is left of a run, and get ready to send it.

    Raises:
        RunNotFound, RunBusy, ResumeRefused, RosterRefused, SettingsRefused: It cannot be resumed.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    facts, lock = locked_run(database, request.run)
    record = RunRecord(database, facts.run)
    try:
        recorded = recorded_run(database, facts, request)
        refuse_reports(recorded.request, recorded.gateways, database.path)
        refuse_age(database, facts, recorded.request.settings.max_age_s, now_ms)
        superseded = supersede(record)
        protected = protect_now(record, recorded.request.settings)
        plan, lanes = remaining(record, facts, request.only, superseded)
        plan = msgspec.structs.replace(
            plan,
            protected=protected,
            addresses=recorded.gateways.addresses,
            places=places_of(recorded.request, recorded.gateways),
        )
        agents = [(lane.gateway, lane.assignments) for lane in lanes]
        settings = recorded.request.settings
        refuse_numbers(agents, settings, what=f"run {facts.id}", totals=plan.totals)
        resends = _resends(request)
        if resends and recorded.request.settings.resend_after_switchover:
            once_more = lanes_set_before(record)
            plan, lanes = with_once_more(plan, once_more, facts), together(lanes, once_more)
        guids = PackedGuids()
        if lanes:
            other = bool(request.roster)
            guids = guids_for(
                database, recorded, run=facts.run, other=other, only=request.only, stdin=stdin
            )
        answered = answered_gateways(record)
        planned = Planned(
            ordered(plan, recorded.request),
            facts.run,
            lanes,
            guids,
            facts.fingerprint,
            (lock,),
            new=False,
            answered=answered.answered,
            applied=answered.applied,
            resends=resends,
        )
    except BaseException:
        lock.release()
        raise
    return planned, recorded


def _resends(request: Resume) -> bool:
    """Whether agents who were set before a failover can be sent once more.

    Raises:
        ResumeRefused: They cannot, and it was asked for now.
    """
    asked_for = request.choices.explicit.get("resend_after_switchover")
    if asked_for and request.roster:
        raise ResumeRefused(
            "--resend-after-switchover takes GUIDs from the run's own roster; write fresh GUIDs"
            " into it, or leave --roster out"
        )
    if asked_for and request.only:
        raise ResumeRefused(
            "--resend-after-switchover sends agents who are set, and --only sends agents with a"
            " cause; give one of the two"
        )
    return not (request.roster or request.only)
