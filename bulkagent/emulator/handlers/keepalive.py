"""Interfaces that keep a session: polls, heartbeats, another GUID, the clearing of events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.events import AgentEvent, EventType, poll_answer
from bulkagent.emulator.agents.records import CountedCall
from bulkagent.emulator.agents.session import Session
from bulkagent.emulator.faults.scenario import AgentRules
from bulkagent.emulator.protocol.request import ApiRequest
from bulkagent.emulator.protocol.response import Headers, Response, ResultCode, reply_to, say
from bulkagent.emulator.protocol.routes import Interface

TOKEN = re.compile(r"[0-9A-Za-z._-]{0,50}")
"""At most 50 characters and none special (page 1204), read as at the sign-in."""


COUNTED: Mapping[Interface, CountedCall] = MappingProxyType(
    {
        Interface.POLL: CountedCall.POLLS,
        Interface.HANDSHAKE: CountedCall.HEARTBEATS,
        Interface.UPDATE_GUID: CountedCall.GUID_UPDATES,
        Interface.SYNC_AGENT_INFO: CountedCall.SYNCS,
    }
)
"""The interfaces of this module, and the counter of each."""


class LongPoll(msgspec.Struct, frozen=True):
    """A poll for which there is no event yet: its answer waits for one, or for so long."""

    agent_id: str
    session: int
    """The number of the session that polls."""
    seconds: float


def live_session(agents: Agents, agent_id: str, at_ms: int) -> Session | None:
    """The agent's session as it is by then; a desktop has polled for its GUID meanwhile."""
    agents.settle(at_ms)
    session = agents.session(agent_id)
    if session is None:
        return None
    now = session.caught_up(agents.new_guid, at_ms, agents.rules)
    if now is not session:
        agents.put(agent_id, now)
    return now


def poll(agents: Agents, request: ApiRequest) -> Response | LongPoll:
    """Page 1274. `calldata` is for pages that were refreshed, and changes nothing here."""
    session = _admitted(agents, request)
    if isinstance(session, ResultCode):
        return reply_to(session)
    if session.pushed:
        return reply_to(ResultCode.WRONG_EVENT_MODE)
    session = session.heard_by(request.guid)
    agents.put(request.agent_id, session)
    wait_ms = agents.rules.poll_wait_ms
    if session.events or not wait_ms:
        return _answer(agents, request.agent_id, request.at_ms)
    # It is being polled for as long as that: the wait must not be the reason for a sign-out.
    agents.put(request.agent_id, replace(session, seen_ms=request.at_ms + wait_ms))
    return LongPoll(request.agent_id, session.number, wait_ms / 1000)


def has_news(agents: Agents, poll: LongPoll) -> bool:
    """Whether there is something to say to a poll before its time."""
    session = agents.session(poll.agent_id)
    return session is None or session.number != poll.session or bool(session.events)


def answer_poll(agents: Agents, poll: LongPoll, at_ms: int) -> Response:
    """The reply to a poll that has waited: news, or nothing new.

    The GUID was looked at when the poll came; that it has died since is no matter, because this
    answer is what brings the next one.
    """
    session = agents.session(poll.agent_id)
    if session is None:
        return reply_to(agents.refusal(poll.agent_id, None, at_ms) or ResultCode.NOT_SIGNED_IN)
    if session.number != poll.session:
        return reply_to(ResultCode.NOT_SIGNED_IN)
    return _answer(agents, poll.agent_id, at_ms)


def leave_poll(agents: Agents, poll: LongPoll, at_ms: int) -> None:
    """The client hung up: nobody polls from then on."""
    session = agents.session(poll.agent_id)
    if session is not None and session.number == poll.session:
        agents.put(poll.agent_id, replace(session, seen_ms=at_ms))


def raise_event(agents: Agents, agent_id: str, event_type: EventType, at_ms: int) -> bool:
    """Something happens to an agent that a client polls for; False where nobody does.

    A desktop takes its events before anybody else can.
    """
    session = agents.session(agent_id)
    if session is None or session.at_desktop or session.pushed:
        return False
    event = AgentEvent(event_type, at_ms)
    agents.put(agent_id, replace(session, events=(*session.events, event)))
    return True


def shake_hands(agents: Agents, request: ApiRequest, _rules: AgentRules) -> Response:
    """Page 1204. Inferred: a client that polls may send it too, and it consumes no event."""
    if not TOKEN.fullmatch(request.headers.get("service_token", "")):
        return reply_to(ResultCode.ILLEGAL_SIGN_IN)
    session = _admitted(agents, request)
    if isinstance(session, ResultCode):
        return reply_to(session)
    session = session.heard_by(request.guid)
    _, headers = _kept(agents, request.agent_id, session, request.at_ms)
    return say(ResultCode.SUCCESS, headers=headers)


def update_guid(agents: Agents, request: ApiRequest, _rules: AgentRules) -> Response:
    """Page 1225, which lists 100-006 only: that is what every bad GUID gets.

    It needs the current GUID: one that is superseded will not do. It is no poll, so it keeps
    nobody signed in (inferred).
    """
    session = _admitted(agents, request)
    if isinstance(session, ResultCode):
        return reply_to(ResultCode.NOT_SIGNED_IN if session is ResultCode.NO_RIGHT else session)
    if request.guid != session.guid:
        return reply_to(ResultCode.NOT_SIGNED_IN)
    if agents.rules.is_dynamic:
        session = session.renewed(agents.new_guid(), request.at_ms, agents.rules)
        agents.put(request.agent_id, session)
    return say(ResultCode.SUCCESS, result={"guid": session.guid})


def sync_agent_info(agents: Agents, request: ApiRequest, _rules: AgentRules) -> Response:
    """Page 0359: the agent's events are gone, those for other clients too."""
    session = _admitted(agents, request)
    if isinstance(session, ResultCode):
        return reply_to(session)
    agents.put(request.agent_id, replace(session, events=()))
    return reply_to(ResultCode.SUCCESS)


def put_off(agents: Agents, request: ApiRequest) -> Response:
    """During a failover a right GUID keeps the session, and brings no new one.

    Inferred from page 1274, by which GUIDs expire over a failover.
    """
    session = _admitted(agents, request)
    if isinstance(session, Session):
        agents.put(request.agent_id, replace(session, seen_ms=request.at_ms))
    return reply_to(ResultCode.SWITCHED_OVER)


def _admitted(agents: Agents, request: ApiRequest) -> Session | ResultCode:
    """The session that a request speaks for, or why it speaks for none; it is counted."""
    live_session(agents, request.agent_id, request.at_ms)
    refusal = agents.refusal(request.agent_id, request.guid, request.at_ms, request.node)
    if agents.number(request.agent_id) is not None:
        counted = COUNTED[request.call.interface]
        agents.count(request.agent_id, counted, let_through=refusal is None)
    session = agents.session(request.agent_id)
    if refusal is ResultCode.NO_RIGHT and session is not None and request.guid in session.evicted:
        # A client that was evicted is told that the session is over (page 2407's victims are, too),
        # not that the GUID is stale: there is no newer one to wait for.
        return ResultCode.NOT_SIGNED_IN
    if refusal is not None or session is None:
        return refusal or ResultCode.NOT_SIGNED_IN
    return session


def _answer(agents: Agents, agent_id: str, at_ms: int) -> Response:
    """The answer to a poll of the session that there is; it takes the oldest event with it."""
    session = agents.session(agent_id)
    if session is None:
        return reply_to(ResultCode.NOT_SIGNED_IN)
    session, headers = _kept(agents, agent_id, session, at_ms)
    if not session.events:
        return poll_answer(agent_id, None, headers)
    agents.put(agent_id, replace(session, events=session.events[1:]))
    return poll_answer(agent_id, session.events[0], headers)


def _kept(agents: Agents, agent_id: str, session: Session, at_ms: int) -> tuple[Session, Headers]:
    """After an answer that brings a GUID which nobody was told yet."""
    session = session.kept(agents.new_guid, at_ms, agents.rules)
    headers = () if session.is_told else (("Set-GUID", f"JSESSIONID={session.guid}"),)
    session = replace(session, is_told=True)
    agents.put(agent_id, session)
    return session, headers
