"""The table of interfaces whose requests are not held, and their handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.events import AgentState
from bulkagent.emulator.faults.scenario import AgentRules
from bulkagent.emulator.handlers.keepalive import shake_hands, sync_agent_info, update_guid
from bulkagent.emulator.handlers.sign_out import sign_out, sign_out_by_force, sign_out_by_inspector
from bulkagent.emulator.handlers.skill_queues import agents_by_skill
from bulkagent.emulator.protocol.request import ApiRequest
from bulkagent.emulator.protocol.response import Response, ResultCode, reply_to, say
from bulkagent.emulator.protocol.routes import Interface


def _agent_status(agents: Agents, request: ApiRequest, rules: AgentRules) -> Response:
    """Page 1222. It has no field for the talk right."""
    refusal = agents.refusal(request.agent_id, request.guid, request.at_ms, request.node)
    if refusal is not None:
        return reply_to(refusal)
    in_call = agents.number(request.agent_id) in rules.in_call
    state = AgentState.TALKING if in_call else agents.state(request.agent_id)
    return say(ResultCode.SUCCESS, result={"agentState": int(state), "isWorking": in_call})


ANSWERS: Mapping[Interface, Callable[[Agents, ApiRequest, AgentRules], Response]] = (
    MappingProxyType(
        {
            Interface.AGENT_STATUS: _agent_status,
            Interface.AGENTS_BY_SKILL: agents_by_skill,
            Interface.SIGN_OUT: sign_out,
            Interface.FORCED_SIGN_OUT: sign_out_by_force,
            Interface.FORCED_SIGN_OUT_WITH_REASON: sign_out_by_force,
            Interface.INSPECTOR_SIGN_OUT: sign_out_by_inspector,
            Interface.HANDSHAKE: shake_hands,
            Interface.UPDATE_GUID: update_guid,
            Interface.SYNC_AGENT_INFO: sync_agent_info,
        }
    )
)

SIGN_OUTS = frozenset(
    {Interface.SIGN_OUT, Interface.FORCED_SIGN_OUT, Interface.FORCED_SIGN_OUT_WITH_REASON}
)
"""Those by which agents sign themselves out."""
