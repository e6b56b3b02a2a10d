"""The first line of the summary: how many agents, in which direction, where and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.gateway.operations import flag_of
from bulkagent.instants import Instant
from bulkagent.language import translate
from bulkagent.model import Status
from bulkagent.reports import AgentsSet, VerdictFacts, verdict_of, word_of
from bulkagent.reports.verdict import LINES_SHOWN, gateways_of

if TYPE_CHECKING:
    from bulkagent.ledger import AppliedPart
    from bulkagent.run import Finished, Plan


def verdict(plan: Plan, finished: Finished, zone: str) -> list[str]:
    """How a run ended for its agents.

    Args:
        plan: What was to be sent.
        finished: What came of it.
        zone: The time zone of its user; "" for the machine's.
    """
    result = finished.result
    gateways = _by_gateway(finished.parts) or {part.gateway: AgentsSet(0, 0) for part in plan.parts}
    since = sum(plan.set_otherwise.values())
    facts = VerdictFacts(
        roster=finished.roster,
        time=Instant(finished.ended_ms, zone).time,
        gateways=tuple(gateways),
        by_flag=_by_flag(plan, finished),
        contradicted=finished.verdicts.contradicted if finished.verdicts else 0,
        set_otherwise=since,
        left_out=len(finished.left_out),
        some_left_out=[(line.row, line.agent_id) for line in finished.left_out[:LINES_SHOWN]],
    )
    applied = result.totals[Status.APPLIED]
    word = word_of(result.state, result.exit_code, applied, set_otherwise=since)
    lines = [labelled(Label(word), verdict_of(facts, translate))]
    if each := gateways_of(gateways, translate):
        lines.append(labelled(Label.NOTHING, each))
    return lines


def _by_flag(plan: Plan, finished: Finished) -> dict[str, AgentsSet]:
    sets: dict[str, AgentsSet] = {}
    for part in finished.parts:
        flag = flag_of(part.arguments)
        before = sets.get(flag, AgentsSet(0, 0))
        sets[flag] = AgentsSet(before.applied + part.applied, before.agents + part.agents)
    if sets:
        return sets
    flags = {part.flag for part in plan.parts}
    flag = next(iter(flags)) if len(flags) == 1 else ""
    return {flag: AgentsSet(finished.result.totals[Status.APPLIED], plan.of_agents or plan.agents)}


def _by_gateway(parts: Sequence[AppliedPart]) -> dict[str, AgentsSet]:
    sets: dict[str, AgentsSet] = {}
    for part in parts:
        before = sets.get(part.gateway, AgentsSet(0, 0))
        sets[part.gateway] = AgentsSet(before.applied + part.applied, before.agents + part.agents)
    return sets
