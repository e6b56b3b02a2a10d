"""Signing in: the usual way, by force, and for voice alone."""

from __future__ import annotations

import ipaddress
from collections.abc import Container, Mapping
from types import MappingProxyType

from bulkagent.emulator.agents.affinity import set_cookie
from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.events import AgentState
from bulkagent.emulator.agents.lockout import Lockout
from bulkagent.emulator.faults.scenario import Scenario
from bulkagent.emulator.handlers.keepalive import live_session
from bulkagent.emulator.protocol.request import ApiRequest
from bulkagent.emulator.protocol.response import Headers, Response, ResultCode, reply_to, say
from bulkagent.emulator.protocol.routes import Interface, is_json
from bulkagent.emulator.protocol.sign_in_body import (
    SignInBody,
    SignInKind,
    read_sign_in,
    sign_in_result,
)

SIGN_INS: Mapping[Interface, SignInKind] = MappingProxyType(
    {
        Interface.SIGN_IN: SignInKind.USUAL,
        Interface.FORCED_SIGN_IN: SignInKind.FORCED,
        Interface.VOICE_SIGN_IN: SignInKind.VOICE,
    }
)


def sign_in(agents: Agents, lockout: Lockout, scenario: Scenario, request: ApiRequest) -> Response:
    """Pages 1202, 1203, 1224. The password is looked at before anything is said of the session."""
    kind = SIGN_INS[request.call.interface]
    if not is_json(request.headers.get("Content-Type")) or not agents.in_range(request.agent_id):
        return reply_to(ResultCode.BAD_PARAMETER)
    body = read_sign_in(request.body, kind)
    if body is None:
        return reply_to(ResultCode.ILLEGAL_SIGN_IN)
    agents.settle(request.at_ms)
    refusal = _refusal_of_person(agents, lockout, scenario, request, body) or _refusal_of_place(
        body
    )
    if refusal is None and agents.session(request.agent_id) is not None:
        refusal = _refusal_of_another(agents, scenario, request, kind)
    return reply_to(refusal) if refusal is not None else _signed_in(agents, scenario, request, body)


def sign_in_at_desktop(
    agents: Agents, agent_id: str, at_ms: int, *, kept_out: Container[int], force: bool
) -> str | None:
    """Begin a session without a request, or find the one that there is; its current GUID.

    None where there is no such agent, or the agent is kept out.
    """
    number = agents.number(agent_id)
    if number is None or number in kept_out:
        return None
    live = None if force else live_session(agents, agent_id, at_ms)
    if live is not None:
        return live.guid
    return agents.sign_in(agent_id, at_ms, at_desktop=True, forced=force)


def _refusal_of_person(
    agents: Agents, lockout: Lockout, scenario: Scenario, request: ApiRequest, body: SignInBody
) -> ResultCode | None:
    if agents.number(request.agent_id) is None:
        # The code for a wrong password is also that for a wrong name.
        return ResultCode.WRONG_PASSWORD
    if lockout.is_locked(request.agent_id):
        return ResultCode.ACCOUNT_LOCKED
    if scenario.sign_in.password not in (None, body.password):
        lockout.wrong(request.agent_id)
        return ResultCode.WRONG_PASSWORD
    lockout.right(request.agent_id)
    return None


def _refusal_of_place(body: SignInBody) -> ResultCode | None:
    """Inferred: which phones can be bound is not said; one with a letter in it cannot be."""
    if body.phonenum.strip("0123456789+*#"):
        return ResultCode.INVALID_PHONE
    try:
        ipaddress.IPv4Address(body.ip)
    except ValueError:
        return ResultCode.INVALID_IP
    return None


def _refusal_of_another(
    agents: Agents, scenario: Scenario, request: ApiRequest, kind: SignInKind
) -> ResultCode | None:
    if kind is not SignInKind.FORCED:
        return ResultCode.ALREADY_SIGNED_IN
    if agents.number(request.agent_id) in scenario.agents.not_forceable:
        return ResultCode.CANNOT_BE_FORCED_OUT
    return None


def _signed_in(
    agents: Agents, scenario: Scenario, request: ApiRequest, body: SignInBody
) -> Response:
    kind = SIGN_INS[request.call.interface]
    guid = agents.sign_in(
        request.agent_id,
        request.at_ms,
        AgentState(body.status),
        node=request.node,
        pushed=body.wants_push,
        forced=kind is SignInKind.FORCED,
    )
    # Clients in the field read one or the other.
    headers: Headers = (("Set-GUID", f"JSESSIONID={guid}"), ("Guid", guid))
    session = agents.session(request.agent_id)
    if scenario.cluster.affinity and session is not None:
        headers = (*headers, set_cookie(session.node))
    result = sign_in_result(request.agent_id, request.at_ms, kind)
    return say(ResultCode.SUCCESS, result=result, headers=headers)
