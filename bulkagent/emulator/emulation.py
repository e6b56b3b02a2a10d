"""The emulated gateway without its connections: a request in, a reply out.

What may live here: the order of the checks of every interface, and the bringing together of
agents, scenario and counts. What this module must not know: sockets, TLS, waiting; it says how
long a reply is held and leaves the holding to others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from bulkagent.emulator.agents import Agents, AgentState
from bulkagent.emulator.decisions import Decision, decide
from bulkagent.emulator.faults import ABORTED, FAULTS, over_capacity, owed_reply
from bulkagent.emulator.interfaces import Call, Interface, flag_of, is_json
from bulkagent.emulator.reach import Arrival
from bulkagent.emulator.reply import Reply, Retcode, reply_to, say
from bulkagent.emulator.scenario import Scenario
from bulkagent.emulator.sign_in import read_sign_in, sign_in_result
from bulkagent.emulator.spells import Outlook
from bulkagent.emulator.state import Snapshot, first_state
from bulkagent.emulator.traffic import Traffic, Trouble

__all__ = ["Emulation", "Step"]

Headers = Mapping[str, str]
"""Request headers, looked up as `Content-Type` and `Guid`; over HTTP, case must not count."""


class Step(msgspec.Struct, frozen=True, gc=False):
    """What to do about one settalkright request: wait that long, then send that."""

    hold_seconds: float
    reply: Reply


class Emulation:
    """One emulated gateway's state and rules.

    Args:
        scenario: how it misbehaves.
        agent_ids: the numbers of the agents that exist; None for the whole range.
        agent_id_range: lowest and highest agent ID.
        clock: the time of day in seconds since the Unix epoch.
    """

    def __init__(
        self,
        scenario: Scenario,
        agent_ids: Iterable[int] | None,
        agent_id_range: tuple[int, int],
        clock: Callable[[], float],
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._state = first_state(scenario, agent_ids, agent_id_range)
        self._troubles: dict[Trouble, Reply] = {
            Trouble.SWITCH_OVER: reply_to(Retcode.SWITCHED_OVER),
            Trouble.OUTAGE: ABORTED,
        }
        if scenario.capacity is not None:
            self._troubles[Trouble.OVER_CAPACITY] = over_capacity(scenario.capacity)
        self._interfaces: Mapping[Interface, Callable[[Call, Headers], Reply]] = {
            Interface.AGENT_STATUS: self._agent_status,
            Interface.SIGN_OUT: self._sign_out,
            Interface.JUDGE_AGENTS: lambda _call, _headers: _listing(self.agents.records()),
            Interface.JUDGE_STATS: lambda _call, _headers: _listing(self.traffic.stats()),
            Interface.JUDGE_HISTORY: lambda _call, _headers: _listing(self.agents.history()),
        }

    def __repr__(self) -> str:
        return f"<Emulation: {self.agents!r}, {self.traffic.stats()}>"

    @property
    def agents(self) -> Agents:
        """The agents as they are by now; others after a `restore`."""
        if self._scenario.switch_overs:
            self._end_switch_overs()
        return self._state.agents

    @property
    def traffic(self) -> Traffic:
        """The counts; others after a `restore`."""
        return self._state.traffic

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
        # Requests in flight are on connections, which no snapshot brings back or ends.
        state.traffic.take_over(self.traffic.in_flight, idle_seconds=idle_seconds)
        self._state = state

    def seconds(self) -> float:
        """How long ago the first settalkright request arrived; 0 before it."""
        first_at = self._state.first_at
        # The time of day can be set back.
        return 0.0 if first_at is None else max(0.0, self._clock() - first_at)

    def has_come(self, seconds: float) -> None:
        """Somebody waited for that second, after the first request: it is not ahead any more.

        A sleep can end a little before the time of day says so.
        """
        state = self._state
        if state.first_at is not None:
            state.first_at = min(state.first_at, self._clock() - seconds)

    def outage(self) -> Outlook:
        """Whether the gateway is gone, and until when that stays so."""
        state = self._state
        return Outlook() if state.first_at is None else state.outages.outlook(self.seconds())

    def arrived(self) -> None:
        """A settalkright request comes in: `set_talk_right` is next, `left` must follow."""
        self._state.traffic.arrived(self._clock())

    def connected(self) -> int:
        """A connection brings its first settalkright request; the node that it goes to.

        Nodes take turns, as behind a load balancer that looks at connections only.
        """
        return self.traffic.connected() % self._scenario.cluster.nodes + 1

    def set_talk_right(self, call: Call, headers: Headers, node: int) -> Step:
        """Page 1223. Takes effect now, however long the reply is held.

        A fault strikes agents: a request that names none is refused at once, without drawing one,
        unless the gateway is gone.
        """
        state = self._state
        if state.first_at is None:
            state.first_at = self._clock()
        decision = self._decide(call, node)
        if decision.trouble is not None:
            state.traffic.struck(str(decision.trouble))
            return Step(decision.hold_seconds, self._troubles[decision.trouble])
        if decision.owed is not None:
            return Step(decision.hold_seconds, owed_reply(decision.owed))
        fault = decision.fault
        if fault is None:
            return Step(decision.hold_seconds, self._process(call, headers))
        state.traffic.struck(str(fault.kind))
        rule = FAULTS[fault.kind]
        right = self._process(call, headers) if rule.processed else _UNPROCESSED
        return Step(decision.hold_seconds, rule.answer(fault, right))

    def _decide(self, call: Call, node: int) -> Decision:
        """What befalls the request that arrived last."""
        scenario, state, seconds = self._scenario, self._state, self.seconds()
        arrivals = state.traffic.requests
        if scenario.outages:
            state.outages.arrived(arrivals, seconds)
            if state.outages.outlook(seconds).under_way:
                return _OUT
        switching = False
        if scenario.switch_overs:
            state.switch_overs.arrived(arrivals, seconds)
            switching = state.switch_overs.outlook(seconds).under_way
        agent = self.agents.number(call.agent_id)
        if agent is None:
            return _NOTHING
        decision = decide(
            scenario,
            state.random,
            state.past,
            Arrival(agent, seconds, node, arrivals),
            in_flight=state.traffic.in_flight,
            switching=switching,
        )
        state.past.note(agent, decision)
        return decision

    def sign_in(self, call: Call, headers: Headers, body: bytes) -> Reply:
        """Page 1202. The password is looked at before anything is said about the session."""
        if not is_json(headers.get("Content-Type")) or not self.agents.in_range(call.agent_id):
            return reply_to(Retcode.BAD_PARAMETER)
        said = read_sign_in(body)
        if said is None:
            return reply_to(Retcode.ILLEGAL_SIGN_IN)
        password = self._scenario.sign_in.password
        # The code for a wrong password is also that for a wrong name: an agent who does not exist.
        known = self.agents.number(call.agent_id) is not None
        if not known or password not in (None, said.password):
            return reply_to(Retcode.WRONG_PASSWORD)
        if self.agents.guid(call.agent_id) is not None:
            return reply_to(Retcode.ALREADY_SIGNED_IN)
        at_ms = self._now_ms()
        guid = self.agents.sign_in(call.agent_id, at_ms, AgentState(said.status))
        return say(
            Retcode.SUCCESS,
            result=sign_in_result(call.agent_id, at_ms),
            # Clients in the field read one or the other.
            headers=(("Set-GUID", f"JSESSIONID={guid}"), ("Guid", guid)),
        )

    def answer(self, call: Call, headers: Headers) -> Reply:
        """Every interface whose requests have no body and meet no faults."""
        return self._interfaces[call.interface](call, headers)

    def sign_in_at_desktop(self, agent_id: str) -> str | None:
        """Sign an agent in without a request, and say the GUID of the session that there is now.

        None where there is no such agent, or the scenario keeps the agent signed out.
        """
        number = self.agents.number(agent_id)
        if number is None or number in self._scenario.agents.signed_out:
            return None
        return self.agents.guid(agent_id) or self.agents.sign_in(agent_id, self._now_ms())

    def stale_guid(self) -> str:
        """A GUID of the right shape that belongs to no session."""
        return self.agents.stale_guid()

    def _process(self, call: Call, headers: Headers) -> Reply:
        flag = flag_of(call.query)
        if flag is None or not is_json(headers.get("Content-Type")):
            return reply_to(Retcode.BAD_PARAMETER)
        guid = headers.get("Guid")
        return reply_to(self.agents.set_talk_right(call.agent_id, guid, flag, self._now_ms()))

    def _agent_status(self, call: Call, headers: Headers) -> Reply:
        """Page 1222. It has no field for the talk right."""
        refusal = self.agents.refusal(call.agent_id, headers.get("Guid"))
        if refusal is not None:
            return reply_to(refusal)
        state = int(self.agents.state(call.agent_id))
        return say(Retcode.SUCCESS, result={"agentState": state, "isWorking": False})

    def _sign_out(self, call: Call, headers: Headers) -> Reply:
        """Page 1219."""
        guid = headers.get("Guid")
        return reply_to(self.agents.sign_out(call.agent_id, guid, self._now_ms()))

    def _end_switch_overs(self) -> None:
        """Do what is due at the ends of switch-overs, before anybody sees that it was not done."""
        state = self._state
        if state.first_at is None:
            return
        for end, switch_over in state.switch_overs.newly_ended(self.seconds()):
            if not switch_over.keeps_talk_rights:
                state.agents.lose_talk_rights(int((state.first_at + end) * 1000))

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)


_NOTHING = Decision(0)
_OUT = Decision(0, trouble=Trouble.OUTAGE)
_UNPROCESSED = Reply()


def _listing(data: object) -> Reply:
    return Reply(body=msgspec.json.encode(data))
