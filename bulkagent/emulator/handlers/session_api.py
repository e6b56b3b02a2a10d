"""The session API: every interface but settalkright, which alone meets faults."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import msgspec

from bulkagent.emulator.agents.agents import ANY_NODE, Agents
from bulkagent.emulator.agents.events import EventType
from bulkagent.emulator.agents.session import FOREVER, Session
from bulkagent.emulator.faults.outages import Sessions
from bulkagent.emulator.faults.scenario import Scenario
from bulkagent.emulator.handlers.answers import ANSWERS, SIGN_OUTS
from bulkagent.emulator.handlers.keepalive import (
    COUNTED,
    LongPoll,
    answer_poll,
    has_news,
    leave_poll,
    live_session,
    poll,
    put_off,
    raise_event,
)
from bulkagent.emulator.handlers.sign_in import sign_in, sign_in_at_desktop
from bulkagent.emulator.handlers.state import GatewayState
from bulkagent.emulator.protocol.counters import Traffic
from bulkagent.emulator.protocol.request import ApiRequest, Headers
from bulkagent.emulator.protocol.response import Response, ResultCode, reply_to
from bulkagent.emulator.protocol.routes import Call, Interface


class SessionApi:
    """The interfaces of agents for their sessions, and those of the judges.

    Args:
        scenario: how it misbehaves.
        state: all that changes.
        clock: the time of day in seconds since the Unix epoch.
    """

    def __init__(self, scenario: Scenario, state: GatewayState, clock: Callable[[], float]) -> None:
        self._scenario = scenario
        self._state = state
        self._clock = clock
        self._signing_in: set[str] = set()  # agents whose answer is being held

    @property
    def agents(self) -> Agents:
        """The agents as they are by now; others after a `restore`."""
        if self._scenario.switch_overs:
            self._end_switch_overs()
        agents = self._state.agents
        if agents.next_lapse_ms != FOREVER:
            agents.settle(self._now_ms())
        return agents

    @property
    def traffic(self) -> Traffic:
        """The counts; others after a `restore`."""
        return self._state.traffic

    def seconds(self) -> float:
        """How long ago the first settalkright request arrived; 0 before it."""
        first_at = self._state.first_at
        # The time of day can be set back.
        return 0.0 if first_at is None else max(0.0, self._clock() - first_at)

    def sign_in(self, call: Call, headers: Headers, body: bytes, node: int = ANY_NODE) -> Response:
        """Pages 1202, 1203, 1224. Takes effect now, however long the reply is held."""
        if call.agent_id in self._signing_in:
            return reply_to(ResultCode.SIGN_IN_UNDER_WAY)
        request = self._request(call, headers, node, body)
        return sign_in(self.agents, self._state.lockout, self._scenario, request)

    @contextlib.contextmanager
    def holding_sign_in(self, agent_id: str) -> Iterator[float]:
        """While the reply to a sign-in is held, and for how many seconds that shall be.

        Until it has been answered, the agent may neither sign in again nor sign out (page 1202).
        """
        self._signing_in.add(agent_id)
        try:
            yield self._scenario.sign_in.milliseconds / 1000
        finally:
            self._signing_in.discard(agent_id)

    def poll(self, call: Call, headers: Headers, node: int = ANY_NODE) -> Response | LongPoll:
        """Page 1274. `has_news` says whether a poll that is held is over before its time."""
        request = self._request(call, headers, node)
        return put_off(self.agents, request) if self._is_switching() else poll(self.agents, request)

    def has_news(self, poll: LongPoll) -> bool:
        """Whether a poll that is held is to be answered now."""
        return has_news(self.agents, poll)

    def answer_poll(self, poll: LongPoll) -> Response:
        """The answer to a poll that was held, now that its time or news has come."""
        return answer_poll(self.agents, poll, self._now_ms())

    def leave_poll(self, poll: LongPoll) -> None:
        """The client hung up."""
        leave_poll(self.agents, poll, self._now_ms())

    def raise_event(self, agent_id: str, event_type: EventType) -> bool:
        """Something happens to an agent that a client polls for; False where nobody does."""
        return raise_event(self.agents, agent_id, event_type, self._now_ms())

    def answer(
        self, call: Call, headers: Headers, node: int = ANY_NODE, body: bytes = b""
    ) -> Response:
        """Every other interface: its requests meet no faults."""
        request = self._request(call, headers, node, body)
        if call.interface in COUNTED and self._is_switching():
            return put_off(self.agents, request)
        if call.interface in SIGN_OUTS and call.agent_id in self._signing_in:
            return reply_to(ResultCode.SIGN_IN_UNDER_WAY)
        judged = JUDGED.get(call.interface)
        if judged is not None:
            return Response(body=msgspec.json.encode(judged(self)))
        return ANSWERS[call.interface](self.agents, request, self._scenario.agents)

    def sign_in_at_desktop(self, agent_id: str, *, force: bool = False) -> str | None:
        """Sign an agent in without a request, and say the GUID of the session that there is now.

        None where there is no such agent, or the scenario keeps the agent signed out.

        Args:
            agent_id: the agent.
            force: whether a session that there is is evicted.
        """
        kept_out = self._scenario.agents.signed_out
        return sign_in_at_desktop(
            self.agents, agent_id, self._now_ms(), kept_out=kept_out, force=force
        )

    def live_session(self, agent_id: str) -> Session | None:
        """The session that an agent has now, with its current GUID; None while signed out."""
        return live_session(self.agents, agent_id, self._now_ms())

    def _request(self, call: Call, headers: Headers, node: int, body: bytes = b"") -> ApiRequest:
        where = node if self._scenario.cluster.affinity else ANY_NODE
        return ApiRequest(call, headers, self._now_ms(), where, body)

    def _is_switching(self) -> bool:
        state = self._state
        begun = bool(self._scenario.switch_overs) and state.first_at is not None
        return begun and state.switch_overs.status(self.seconds()).under_way

    def _end_switch_overs(self) -> None:
        """Do what is due at the ends of failovers, before anybody sees that it was not done."""
        state = self._state
        if state.first_at is None:
            return
        for end, switch_over in state.switch_overs.newly_ended(self.seconds()):
            at_ms = int((state.first_at + end) * 1000)
            if switch_over.sessions is Sessions.LOST:
                state.agents.lose_sessions(at_ms)
            elif not switch_over.keeps_talk_rights:
                state.agents.lose_talk_rights(at_ms)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


JUDGED: Mapping[Interface, Callable[[SessionApi], object]] = MappingProxyType(
    {
        Interface.JUDGE_AGENTS: lambda api: api.agents.records(),
        Interface.JUDGE_STATS: lambda api: api.traffic.stats(),
        Interface.JUDGE_HISTORY: lambda api: api.agents.history(),
    }
)
