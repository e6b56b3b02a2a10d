"""Signing out: by the agent, by the agent whatever is going on, and by an inspector."""

from __future__ import annotations

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.records import ChangeKind
from bulkagent.emulator.faults.scenario import AgentRules
from bulkagent.emulator.protocol.request import Asked
from bulkagent.emulator.protocol.response import Response, ResultCode, reply_to
from bulkagent.emulator.protocol.routes import Interface

REASONS = frozenset(map(str, range(1, 256)))
"""The reasons of page 0354, as they are written in the path."""


def sign_out(agents: Agents, asked: Asked, rules: AgentRules) -> Response:
    """Page 1219: an agent who is in a call stays signed in (by 100-010, which is inferred)."""
    if agents.number(asked.agent_id) in rules.in_call:
        refusal = agents.refusal(asked.agent_id, asked.guid, asked.at_ms, asked.node)
        if refusal is None:
            return reply_to(ResultCode.WRONG_STATE_FOR_SIGN_OUT)
    return reply_to(agents.sign_out(asked.agent_id, asked.guid, asked.at_ms, asked.node))


def sign_out_by_force(agents: Agents, asked: Asked, _rules: AgentRules) -> Response:
    """Pages 1220 and 1221, that is 0353 and 0354: in a call as well, which it ends."""
    reason = None
    if asked.call.interface is Interface.FORCED_SIGN_OUT_WITH_REASON:
        if asked.call.argument not in REASONS:
            return reply_to(ResultCode.ILLEGAL_SIGN_OUT)
        reason = int(asked.call.argument)
    code = agents.sign_out(
        asked.agent_id,
        asked.guid,
        asked.at_ms,
        asked.node,
        event=ChangeKind.FORCED_OUT,
        reason=reason,
    )
    return reply_to(code)


def sign_out_by_inspector(agents: Agents, asked: Asked, _rules: AgentRules) -> Response:
    """Page 2407, that is 0441. Its list of codes could not be read: all but success is inferred.

    Whether the inspector is one is not looked at: no document says how a gateway is told.
    """
    inspector, agent_id = asked.agent_id, asked.call.argument
    refusal = agents.refusal(inspector, asked.guid, asked.at_ms, asked.node)
    if refusal is None and agents.number(agent_id) is None:
        refusal = ResultCode.BAD_PARAMETER
    if refusal is None and agent_id == inspector:
        refusal = ResultCode.OWN_INSPECTOR
    if refusal is None and agents.session(agent_id) is None:
        refusal = ResultCode.NOT_SIGNED_IN
    if refusal is not None:
        return reply_to(refusal)
    agents.end(agent_id, asked.at_ms, ChangeKind.FORCED_OUT, by=inspector)
    return reply_to(ResultCode.SUCCESS)
