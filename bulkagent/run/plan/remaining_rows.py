"""The rows that are left of a run in the ledger, as a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from bulkagent.gateway.operations import flag_of
from bulkagent.ledger import (
    Lane,
    Portion,
    RunFacts,
    RunRecord,
    groups_of,
    halted_at,
    portions_of,
    protect,
    set_otherwise,
    totals_of,
)
from bulkagent.model import Cause, Status
from bulkagent.run.plan.protected_agents import protected_by
from bulkagent.run.plan.request import Plan, PlanGroup, PlanPart
from bulkagent.settings import Settings


def remaining(
    record: RunRecord, facts: RunFacts, only: Collection[Cause], superseded: Mapping[str, int]
) -> tuple[Plan, tuple[Lane, ...]]:
    """The plan for what is left of a run, and the lanes that have something left.

    Args:
        record: The run in the ledger.
        facts: What is known of it.
        only: Only what ended with one of these causes; none: whatever the cause.
        superseded: How many agents are left to each later run, by its ID.
    """
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
        set_otherwise=set_otherwise(record),
        guardrail=_guardrail(facts) if lanes or (facts.drained_for and not facts.done) else "",
        halted_at=halted_at(record) if facts.halted else None,
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


def together(lanes: Sequence[Lane], more: Sequence[Lane]) -> tuple[Lane, ...]:
    """Lanes with what both have of each, in the order in which they are worked off."""
    counts: dict[int, int] = {}
    for lane in (*lanes, *more):
        counts[lane.lane] = counts.get(lane.lane, 0) + lane.assignments
    unique = {lane.lane: lane for lane in (*more, *lanes)}
    return tuple(
        msgspec.structs.replace(lane, assignments=counts[lane.lane])
        for lane in sorted(unique.values(), key=lambda lane: (lane.wave, lane.lane))
    )


def with_once_more(plan: Plan, once_more: Sequence[Lane], facts: RunFacts) -> Plan:
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


class AnsweredGateways(NamedTuple):
    """The gateways that have said something final of an agent within a run, and applied one."""

    answered: frozenset[str]
    applied: frozenset[str]


def answered_gateways(record: RunRecord) -> AnsweredGateways:
    """The gateways that have answered within a run, by what is on disk."""
    found = [(group.gateway, group.status) for group in portions_of(record)]
    final = (Status.APPLIED, Status.REJECTED)
    return AnsweredGateways(
        frozenset(gateway for gateway, status in found if status in final),
        frozenset(gateway for gateway, status in found if status is Status.APPLIED),
    )


def _guardrail(facts: RunFacts) -> str:
    """What a person has to have looked at before the run may go on."""
    return facts.halted or ""
