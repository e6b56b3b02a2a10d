"""A change of shift: gate and floor at every instant, by what the gateway has done."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tests.simulation.history import Ended, Handled, Morning, RunRow
from tests.simulation.judge.evidence import Agent, Evidence
from tests.simulation.world import Roster, RowKind

_ROUND = 1e-9


class Group(msgspec.Struct):
    """The rows of a group, without duplicates."""

    incoming: int = 0
    outgoing: int = 0
    coming_on: set[Agent] = msgspec.field(default_factory=set)
    going_off: set[Agent] = msgspec.field(default_factory=set)
    invalid_off: int = 0

    def gate(self, settings: Mapping[str, Any]) -> int:
        """How many agents coming on shift must be up."""
        return math.ceil(float(settings.get("gate", 0.95)) * self.incoming - _ROUND)

    def floor(self, settings: Mapping[str, Any]) -> int:
        """How many agents must be on; none, where there is no floor."""
        share = settings.get("floor")
        return -1 if share is None else math.ceil(float(share) * self.outgoing - _ROUND)

    def on_after(self, up: int, off: int) -> int:
        """How many agents are on once one more has gone off."""
        return self.outgoing - off - 1 + up

    def lets_go(self, up: int, off: int, settings: Mapping[str, Any]) -> bool:
        """Whether the next agent may go off shift."""
        return up >= self.gate(settings) and self.on_after(up, off) >= self.floor(settings)


class Line(msgspec.Struct, frozen=True):
    """A row of a run, as it concerns a handover."""

    agent: Agent
    flag: str
    group: str
    valid: bool = True


def gate_and_floor(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """No agent goes off before the gate of its group is open, or where the floor needs it."""
    for run_id, legs in evidence.legs.items():
        run = evidence.runs.get(run_id)
        if run is None or _forgotten(evidence, run):
            continue
        for leg in legs:
            if not leg.settings.get("handover", True):
                continue
            lines = lines_of_run(evidence, run, leg.settings.get("group_by") or "")
            if {line.flag for line in lines} == {"0", "1"}:
                group_of = {line.agent: line.group for line in lines}
                yield from _judged(evidence, leg, numbers_of(lines), group_of)


def _forgotten(evidence: Evidence, run: RunRow) -> bool:
    """Whether `prune` has taken out a run that had set an agent of this one.

    Guide, records: what is taken out is no more known. It is a day old at least, and a person has
    to raise --max-age and to override to go on with such a run.
    """
    sent = {
        evidence.run_of.get(each.process, "")
        for row in run.report
        for each in evidence.of_agent.get((row.gateway, row.agent_id), ())
    }
    return not sent - {""} <= evidence.runs.keys()


def lines_of_run(evidence: Evidence, run: RunRow, by: str) -> Sequence[Line]:
    """The rows of a run with their groups; none where these cannot be known."""
    roster = evidence.rosters.get(run.roster)
    return _of_revert(evidence, run, by) if roster is None else _of_roster(roster, by)


def _of_roster(roster: Roster, by: str) -> Sequence[Line]:
    return [
        Line(
            (row.gateway, row.agent),
            row.flag,
            _group_name(by, row.group, row.gateway),
            valid=row.kind is RowKind.ASSIGNMENT,
        )
        for row in roster.rows
        if row.kind is not RowKind.DUPLICATE
    ]


def _of_revert(evidence: Evidence, run: RunRow, by: str) -> Sequence[Line]:
    reverted = evidence.runs.get(run.reverts)
    roster = evidence.rosters.get(reverted.roster) if reverted else None
    if roster is None:
        return ()
    groups = {(row.gateway, row.agent): row.group for row in roster.rows}
    return [
        Line(
            (row.gateway, row.agent_id),
            row.flag,
            _group_name(by, groups.get((row.gateway, row.agent_id), ""), row.gateway),
        )
        for row in run.report
        if row.status not in {"invalid", "duplicate"}
    ]


def _group_name(by: str, group: str, gateway: str) -> str:
    return {"": "", "gateway": gateway}.get(by, group)


def numbers_of(lines: Iterable[Line]) -> Mapping[str, Group]:
    """The groups of these rows."""
    groups: defaultdict[str, Group] = defaultdict(Group)
    for line in lines:
        group = groups[line.group]
        if line.flag == "1":
            group.incoming += 1
            if line.valid:
                group.coming_on.add(line.agent)
        else:
            group.outgoing += 1
            if line.valid:
                group.going_off.add(line.agent)
            else:
                group.invalid_off += 1
    return groups


def _judged(
    evidence: Evidence, leg: Ended, groups: Mapping[str, Group], group_of: Mapping[Agent, str]
) -> Iterator[str]:
    for request in evidence.of_process.get(leg.process, ()):
        if request.flag != "0":
            continue
        agent = (request.gateway, request.agent)
        name = group_of.get(agent)
        if name is None:
            continue
        group = groups[name]
        told = (
            f"process {leg.process}, agent {request.agent} at {request.gateway}, group {name!r}:"
            f" flag 0 arrived at {request.arrived_s:.3f} s"
        )
        if not group.incoming:
            if not leg.settings.get("allow_closing"):
                yield f"{told}, and no agent comes on shift in that group"
            continue
        up = sum(_may_be_up(evidence, each, request, leg) for each in group.coming_on)
        off = group.invalid_off + sum(
            _is_off(evidence, each, request, leg) for each in group.going_off - {agent}
        )
        if up < (needed := group.gate(leg.settings)):
            yield f"{told} with {up} of {group.incoming} agents up, and the gate needs {needed}"
        # An agent who is off already takes nobody off once more.
        on = group.on_after(up, off)
        if not _is_off(evidence, agent, request, leg) and on < (least := group.floor(leg.settings)):
            yield f"{told}, which leaves {on} on of {group.outgoing}; the floor is {least}"


def _may_be_up(evidence: Evidence, agent: Agent, at: Handled, leg: Ended) -> bool:
    """Whether bulkagent may count on an agent: a "0" to flag 1, and not taken off since.

    A run in progress counts on its agents. So what takes one off again counts from before the
    leg's beginning alone. Guide, absent: with --up-means available each leg asks for them anew.
    """
    seen_s = evidence.seen_s.get((leg.process, *agent), math.inf)
    if leg.settings.get("up_means") == "available" and seen_s > at.arrived_s:
        return False
    up = False
    for each in evidence.of_agent.get(agent, ()):
        if each.arrived_s > at.arrived_s:
            break
        if each.flag == "1":
            effective = each.effect_s is not None and each.effect_s <= at.arrived_s
            up = up or (effective and each.accepted) or each.strayed_s is not None
        elif each.accepted and each.ended_s is not None and each.ended_s < leg.began_s:
            up = False
    return up


def _is_off(evidence: Evidence, agent: Agent, at: Handled, leg: Ended) -> bool:
    """Whether an agent must be counted as off: it is set so, or the same leg has asked for it.

    What other runs have set before the leg is relied on for --trust-state alone.
    """
    off = False
    trusted_s = leg.began_s - float(leg.settings.get("trust_state_s", _DAY_S)) + _ABOUT_S
    for each in evidence.of_agent.get(agent, ()):
        if each.number == at.number or each.arrived_s > at.arrived_s:
            break
        if each.effect_s is not None and each.effect_s <= at.arrived_s:
            other = evidence.run_of.get(each.process) != leg.sent_for
            off = each.flag == "0" and not (other and each.effect_s < trusted_s)
        elif (
            each.process == at.process
            and each.flag == "0"
            and evidence.at_work_until_s(each) > at.arrived_s
        ):
            off = True
    return off


_DAY_S = 86_400.0
_ABOUT_S = 10.0
"""A command plans some seconds after its beginning."""
