"""Skill queues: their agents, and the agents that a query lists (pages 0414 and 1025)."""

from __future__ import annotations

from collections.abc import Container
from typing import Annotated

import msgspec
from msgspec import Meta

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.events import AgentState
from bulkagent.emulator.faults.scenario import AgentRules
from bulkagent.emulator.protocol.agent_ids import AgentIds
from bulkagent.emulator.protocol.request import ApiRequest
from bulkagent.emulator.protocol.response import Response, ResultCode, reply_to, say

LONGEST_LIST = 500
"""The most that `agentLimit` may be, and so many without one: the page names no other number."""

MEDIA = "TTF"
"""As a sign-in answers: voice and text."""

ONLY_QUEUE = "1"
"""The queue of all agents where a scenario has no queues."""


class _Body(msgspec.Struct):
    """Both fields or none: one alone has no effect (page 0414)."""

    limit: Annotated[int, Meta(ge=1, le=LONGEST_LIST)] | None = msgspec.field(
        name="agentLimit", default=None
    )
    states: list[int] | None = msgspec.field(name="agentStatus", default=None)


_decode = msgspec.json.Decoder(_Body).decode


def agents_by_skill(agents: Agents, request: ApiRequest, rules: AgentRules) -> Response:
    """The agents of a queue who are signed in and take inbound calls, in the order of their IDs.

    The agent who asks must take inbound calls, too. The page has no code for one who does not:
    000-003 ("no right") is inferred, and 100-019 for a queue that there is not.
    """
    refusal = agents.refusal(request.agent_id, request.guid, request.at_ms, request.node)
    if refusal is not None:
        return reply_to(refusal)
    if not agents.takes_calls(request.agent_id):
        return reply_to(ResultCode.NO_RIGHT)
    members = _members(rules, request.call.argument)
    try:
        body = _decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        members = None
        body = _Body()
    if members is None:
        return reply_to(ResultCode.ILLEGAL_QUERY)
    limit, states = LONGEST_LIST, None
    if body.limit is not None and body.states is not None:
        limit, states = body.limit, frozenset(body.states)
    found: list[dict[str, object]] = []
    for agent_id in agents.taking_calls():
        number = int(agent_id)
        if number not in members:
            continue
        state = AgentState.TALKING if number in rules.in_call else agents.state(agent_id)
        if states is None or state in states:
            found.append(_details(agent_id, state))
        if len(found) == limit:
            break
    return say(ResultCode.SUCCESS, result=found)


def _members(rules: AgentRules, skill: str) -> Container[int] | None:
    """The agents of a queue; None where there is none of that number."""
    if rules.skills:
        return rules.skills.get(skill)
    return _EVERYBODY if skill == ONLY_QUEUE else None


_EVERYBODY = AgentIds("101-999999")


def _details(agent_id: str, state: AgentState) -> dict[str, object]:
    # Numbers as strings, as in the sample of page 1026.
    return {
        "workno": agent_id,
        "name": f"agent{agent_id}",
        "status": str(int(state)),
        "mediatype": MEDIA,
    }
