"""The emulated gateway without its connections: a request in, a reply out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from bulkagent.emulator.agents.agents import ANY_NODE
from bulkagent.emulator.faults.decisions import Decision, decide
from bulkagent.emulator.faults.kinds import ABORTED, FAULTS, over_capacity, owed_reply
from bulkagent.emulator.faults.outages import DisruptionStatus
from bulkagent.emulator.faults.scenario import Scenario
from bulkagent.emulator.faults.scope import Arrival
from bulkagent.emulator.handlers.session_api import SessionApi
from bulkagent.emulator.handlers.state import Snapshot, first_state
from bulkagent.emulator.protocol.authentication import SessionRules
from bulkagent.emulator.protocol.counters import GatewayCondition
from bulkagent.emulator.protocol.request import Headers
from bulkagent.emulator.protocol.response import Response, ResultCode, reply_to
from bulkagent.emulator.protocol.routes import Call, flag_of, is_json


class HeldResponse(msgspec.Struct, frozen=True, gc=False):
    """The reply to one settalkright request, and how long it is held."""

    hold_seconds: float
    reply: Response


class Emulation(SessionApi):
    """One emulated gateway's state and rules.

    Args:
        scenario: how it misbehaves.
        agent_ids: the numbers of the agents that exist; None for the whole range.
        agent_id_range: lowest and highest agent ID.
        clock: the time of day in seconds since the Unix epoch.
        rules: how long sessions and GUIDs live.
    """

    def __init__(
        self,
        scenario: Scenario,
        agent_ids: Iterable[int] | None,
        agent_id_range: tuple[int, int],
        clock: Callable[[], float],
        rules: SessionRules = SessionRules(),  # noqa: B008 - a frozen record
    ) -> None:
        super().__init__(scenario, first_state(scenario, agent_ids, agent_id_range, rules), clock)
        self._conditions: dict[GatewayCondition, Response] = {
            GatewayCondition.SWITCH_OVER: reply_to(ResultCode.SWITCHED_OVER),
            GatewayCondition.OUTAGE: ABORTED,
        }
        if scenario.capacity is not None:
            self._conditions[GatewayCondition.OVER_CAPACITY] = over_capacity(scenario.capacity)

    def __repr__(self) -> str:
        return f"<Emulation: {self.agents!r}, {self.traffic.stats()}>"

    def snapshot(self) -> Snapshot:
        """The whole state as it is now, to go on from with `restore`."""
        if self._scenario.switch_overs:
            self._end_switch_overs()
        return Snapshot(self._state.copy(), self._clock())

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from an independent copy of a snapshot, at the second at which it was taken."""
        state = snapshot.state.copy()
        idle_seconds = self._clock() - snapshot.taken_at
        if state.first_at is not None:
            state.first_at += idle_seconds
        state.agents.postpone(round(idle_seconds * 1000))
        # Requests in flight are on connections, which no snapshot brings back or ends.
        state.traffic.take_over(self.traffic.in_flight, idle_seconds=idle_seconds)
        self._state = state

    def has_come(self, seconds: float) -> None:
        """A wait for that second, after the first request, has ended: it is not ahead any more.

        A sleep can end a little before the time of day says so.
        """
        state = self._state
        if state.first_at is not None:
            state.first_at = min(state.first_at, self._clock() - seconds)

    def outage(self) -> DisruptionStatus:
        """Whether the gateway is gone, and until when that stays so."""
        state = self._state
        return (
            DisruptionStatus() if state.first_at is None else state.outages.status(self.seconds())
        )

    def arrived(self) -> None:
        """A settalkright request comes in: `set_talk_right` is next, `left` must follow."""
        self._state.traffic.arrived(self._clock())

    def connected(self) -> int:
        """A connection brings its first settalkright request; the node that it goes to.

        Nodes take turns, as behind a load balancer that looks at connections only.
        """
        return self.traffic.connected() % self._scenario.cluster.nodes + 1

    def next_turn(self) -> int:
        """A connection brings its first request to a cluster with affinity; its node."""
        self._state.turns += 1
        return (self._state.turns - 1) % self._scenario.cluster.nodes + 1

    def set_talk_right(self, call: Call, headers: Headers, node: int) -> HeldResponse:
        """Page 1223. Takes effect now, however long the reply is held.

        A fault strikes agents: a request that names none is refused at once, without drawing one,
        unless the gateway is gone.
        """
        state = self._state
        if state.first_at is None:
            state.first_at = self._clock()
        decision = self._decide(call, node)
        if decision.condition is not None:
            state.traffic.struck(str(decision.condition))
            return HeldResponse(decision.hold_seconds, self._conditions[decision.condition])
        if decision.owed is not None:
            return HeldResponse(decision.hold_seconds, owed_reply(decision.owed))
        fault = decision.fault
        if fault is None:
            return HeldResponse(decision.hold_seconds, self._process(call, headers, node))
        state.traffic.struck(str(fault.kind))
        rule = FAULTS[fault.kind]
        right = self._process(call, headers, node) if rule.processed else _UNPROCESSED
        return HeldResponse(decision.hold_seconds, rule.answer(fault, right))

    def _decide(self, call: Call, node: int) -> Decision:
        """Decide about the request that arrived last."""
        scenario, state, seconds = self._scenario, self._state, self.seconds()
        arrivals = state.traffic.requests
        if scenario.outages:
            state.outages.arrived(arrivals, seconds)
            if state.outages.status(seconds).under_way:
                return _OUT
        switching = False
        if scenario.switch_overs:
            state.switch_overs.arrived(arrivals, seconds)
            switching = state.switch_overs.status(seconds).under_way
        agent = state.agents.directory.number(call.agent_id)
        if agent is None:
            return _NOTHING
        decision = decide(
            scenario,
            state.random,
            state.history,
            Arrival(agent, seconds, node, arrivals),
            in_flight=state.traffic.in_flight,
            switching=switching,
        )
        state.history.note(agent, decision)
        return decision

    def stale_guid(self) -> str:
        """A GUID of the right shape that belongs to no session."""
        return self.agents.stale_guid()

    def _process(self, call: Call, headers: Headers, node: int) -> Response:
        flag = flag_of(call.query)
        if flag is None or not is_json(headers.get("Content-Type")):
            return reply_to(ResultCode.BAD_PARAMETER)
        guid = headers.get("Guid")
        where = node if self._scenario.cluster.affinity else ANY_NODE
        return reply_to(
            self.agents.set_talk_right(call.agent_id, guid, flag, self._now_ms(), where)
        )


_NOTHING = Decision(0)
_OUT = Decision(0, condition=GatewayCondition.OUTAGE)
_UNPROCESSED = Response()
