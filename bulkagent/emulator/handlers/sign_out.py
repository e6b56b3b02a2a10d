"""Signing out: by the agent, by the agent whatever is going on, and by an inspector."""

from __future__ import annotations

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.records import ChangeKind
from bulkagent.emulator.faults.scenario import AgentRules
from bulkagent.emulator.protocol.request import ApiRequest
from bulkagent.emulator.protocol.response import Response, ResultCode, reply_to
from bulkagent.emulator.protocol.routes import Interface

REASONS = frozenset(map(str, range(1, 256)))
"""The reasons of page 0354, as they are written in the path."""


def sign_out(agents: Agents, request: ApiRequest, rules: AgentRules) -> Response:
    """Page 1219: an agent who is in a call stays signed in (by 100-010, which is inferred)."""
    if agents.number(request.agent_id) in rules.in_call:
        refusal = agents.refusal(request.agent_id, request.guid, request.at_ms, request.node)
        if refusal is None:
            return reply_to(ResultCode.WRONG_STATE_FOR_SIGN_OUT)
    return reply_to(agents.sign_out(request.agent_id, request.guid, request.at_ms, request.node))


def sign_out_by_force(agents: Agents, request: ApiRequest, _rules: AgentRules) -> Response:
    """Pages 1220 and 1221, that is 0353 and 0354: in a call as well, which it ends."""
    reason = None
    if request.call.interface is Interface.FORCED_SIGN_OUT_WITH_REASON:
        if request.call.argument not in REASONS:
            return reply_to(ResultCode.ILLEGAL_SIGN_OUT)
        reason = int(request.call.argument)
    code = agents.sign_out(
        request.agent_id,
        request.guid,
        request.at_ms,
        request.node,
        event=ChangeKind.FORCED_OUT,
        reason=reason,
    )
    return reply_to(code)


def sign_out_by_inspector(agents: Agents, request: ApiRequest, _rules: AgentRules) -> Response:
    """Page 2407, that is 0441. Its list of codes could not be read: all but success is inferred.

    Whether the inspector is one is not looked at: no document says how a gateway is told.
    """
    inspector, agent_id = request.agent_id, request.call.argument
    refusal = agents.refusal(inspector, request.guid, request.at_ms, request.node)
    if refusal is None and agents.number(agent_id) is None:
        refusal = ResultCode.BAD_PARAMETER
    if refusal is None and agent_id == inspector:
        refusal = ResultCode.OWN_INSPECTOR
    if refusal is None and agents.session(agent_id) is None:
        refusal = ResultCode.NOT_SIGNED_IN
    if refusal is not None:
        return reply_to(refusal)
    agents.end(agent_id, request.at_ms, ChangeKind.FORCED_OUT, by=inspector)
    return reply_to(ResultCode.SUCCESS)
