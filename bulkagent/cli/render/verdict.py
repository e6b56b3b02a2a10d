"""The first line of the summary: how many agents, in which direction, where and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.cli.render.counts import enumerated
from bulkagent.gateway.operations import flag_of
from bulkagent.instants import Instant
from bulkagent.language import mark, translate, translate_plural
from bulkagent.model import Status
from bulkagent.reports import printable

if TYPE_CHECKING:
    from bulkagent.ledger import AppliedPart, LeftOutRow
    from bulkagent.run import Finished, Plan, RunResult


class _Set(NamedTuple):
    """How many agents are set, of how many."""

    applied: int
    agents: int


def verdict(plan: Plan, finished: Finished, zone: str) -> list[str]:
    """How a run ended for its agents.

    Args:
        plan: What was to be sent.
        finished: What came of it.
        zone: The time zone of its user; "" for the machine's.
    """
    facts = {
        "roster": printable(finished.roster) or translate("the roster"),
        "time": Instant(finished.ended_ms, zone).time,
    }
    gateways = _by_gateway(finished.parts) or {part.gateway: _Set(0, 0) for part in plan.parts}
    where = _where([printable(gateway) for gateway in gateways])
    text = _agents(_by_flag(plan, finished), {**facts, "where": where})
    if finished.verdicts and (contradicted := finished.verdicts.contradicted):
        text += translate("; the queue shows {agents:,} otherwise").format(agents=contradicted)
    lines = [labelled(_word(finished.result), text + _left_out(finished.left_out))]
    if len(gateways) > 1 and any(each.applied < each.agents for each in gateways.values()):
        each_of = translate("{gateway} {applied:,} of {agents:,}")
        shown = [
            each_of.format(gateway=printable(name), applied=each.applied, agents=each.agents)
            for name, each in gateways.items()
        ]
        lines.append(labelled(Label.NOTHING, translate(", ").join(shown)))
    return lines


def _agents(sets: Mapping[str, _Set], facts: Mapping[str, str]) -> str:
    if not any(each.agents for each in sets.values()):
        return translate("no agent of {roster} had to be set, {time}").format(**facts)
    if len(sets) > 1:
        up, off = sets["1"], sets["0"]
        return translate(
            "{up:,} of {incoming:,} agents of {roster} coming on shift MAY TAKE calls and"
            " {off:,} of {outgoing:,} going off shift TAKE NO calls on {where}, {time}"
        ).format(up=up.applied, incoming=up.agents, off=off.applied, outgoing=off.agents, **facts)
    ((flag, only),) = sets.items()
    one, several = _SENTENCES[flag]
    return translate(one if only.agents == 1 else several).format(
        applied=only.applied, agents=only.agents, **facts
    )


_SENTENCES = {
    "1": (
        mark("{applied:,} of {agents:,} agent of {roster} MAY TAKE calls on {where}, {time}"),
        mark("{applied:,} of {agents:,} agents of {roster} MAY TAKE calls on {where}, {time}"),
    ),
    "0": (
        mark("{applied:,} of {agents:,} agent of {roster} TAKES NO calls on {where}, {time}"),
        mark("{applied:,} of {agents:,} agents of {roster} TAKE NO calls on {where}, {time}"),
    ),
    "": (
        mark("{applied:,} of {agents:,} agent of {roster} is set, {time}"),
        mark("{applied:,} of {agents:,} agents of {roster} are set, {time}"),
    ),
}
"""By flag: what agents may do now, of one agent and of several; "" where nobody can tell."""


def _by_flag(plan: Plan, finished: Finished) -> dict[str, _Set]:
    sets: dict[str, _Set] = {}
    for part in finished.parts:
        flag = flag_of(part.arguments)
        before = sets.get(flag, _Set(0, 0))
        sets[flag] = _Set(before.applied + part.applied, before.agents + part.agents)
    if sets:
        return sets
    flags = {part.flag for part in plan.parts}
    flag = next(iter(flags)) if len(flags) == 1 else ""
    return {flag: _Set(finished.result.totals[Status.APPLIED], plan.of_agents or plan.agents)}


def _by_gateway(parts: Sequence[AppliedPart]) -> dict[str, _Set]:
    sets: dict[str, _Set] = {}
    for part in parts:
        before = sets.get(part.gateway, _Set(0, 0))
        sets[part.gateway] = _Set(before.applied + part.applied, before.agents + part.agents)
    return sets


def _where(gateways: Sequence[str]) -> str:
    if len(gateways) > _GATEWAYS_SHOWN:
        return translate("{number:,} gateways").format(number=len(gateways))
    return enumerated(gateways) if gateways else translate("the gateway")


_GATEWAYS_SHOWN = 4


def _left_out(lines: Sequence[LeftOutRow]) -> str:
    if not lines:
        return ""
    some = [
        printable(line.agent_id) or translate("line {row}").format(row=line.row)
        for line in lines[:_LINES_SHOWN]
    ]
    more = "..." if len(lines) > _LINES_SHOWN else ""
    return translate_plural(
        "; {lines:,} line left out: {some}", "; {lines:,} lines left out: {some}", len(lines)
    ).format(lines=len(lines), some=translate(", ").join([*some, *([more] if more else [])]))


_LINES_SHOWN = 3


def _word(result: RunResult) -> Label:
    if result.state in _WORDS:
        return _WORDS[result.state]
    if result.exit_code == 0:
        return Label.DONE
    return Label.SHORT if result.totals[Status.APPLIED] else Label.FAILED


_WORDS = {"interrupted": Label.STOPPED, "halted": Label.HALTED}
