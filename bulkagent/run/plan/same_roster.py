"""The latest run of the same roster, gone on with in the place of a new one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bulkagent.errors import RunBusy, RunNotFound
from bulkagent.gateway.credentials import PackedGuids
from bulkagent.ledger import (
    Database,
    RunFacts,
    RunLock,
    RunRecord,
    endpoints_of,
    find_of_earlier,
    find_same,
    forget_run,
    idle_s,
    moved_rows,
    portions_of,
    same_groups,
    same_rows,
    supersede,
    totals_of,
    verification_counts,
)
from bulkagent.run.plan.apply import Planned
from bulkagent.run.plan.fingerprint import OF_SETS, fingerprint_of
from bulkagent.run.plan.protected_agents import refuse_numbers
from bulkagent.run.plan.recorded import locked_run
from bulkagent.run.plan.remaining_rows import answered_gateways, protect_now, remaining
from bulkagent.run.plan.request import Request


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
            f"run {facts.id} of this roster was in progress elsewhere when this command began. It"
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
    plan, lanes = remaining(record, facts, (), superseded)
    plan = msgspec.structs.replace(plan, protected=protected)
    agents = [(lane.gateway, lane.assignments) for lane in lanes]
    refuse_numbers(agents, asked.settings, what=f"run {facts.id}", totals=plan.totals)
    guids = planned.guids
    if moved_rows(record, planned.run):
        guids = PackedGuids()
        for row, there in same_rows(record, planned.run):
            guids.add(row, planned.guids.of_row(there) or "")
    forget_run(RunRecord(database, planned.run))
    answered = answered_gateways(record)
    planned.release()
    return Planned(
        plan,
        facts.run,
        lanes,
        guids,
        planned.fingerprint,
        (lock,),
        new=False,
        answered=answered.answered,
        applied=answered.applied,
    )
