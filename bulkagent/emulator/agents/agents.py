"""The agents of one gateway: their sessions, their talk rights, and the history of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from bulkagent.emulator.agents.agent import NEVER_SIGNED_IN, TALK_RIGHT_AFTER_SIGN_IN, Agent
from bulkagent.emulator.agents.directory import Directory
from bulkagent.emulator.agents.events import AgentState, sign_in_events
from bulkagent.emulator.agents.records import AgentChange, AgentRecord, ChangeKind, CountedCall
from bulkagent.emulator.agents.session import FOREVER, Session, begun
from bulkagent.emulator.protocol.authentication import SessionRules
from bulkagent.emulator.protocol.response import ResultCode

ANY_NODE = 0
"""The node of a request that may go to any: every node knows every session."""


class Agents:
    """The agents of one gateway.

    Args:
        existing: the numbers of the agents that exist; None for the whole range.
        id_range: lowest and highest agent ID (pages 1223 and 0356: 101-59999 or 101-999999).
        new_guid: makes GUIDs.
        rules: how long sessions and GUIDs live.
        nodes: how many nodes the sessions of desktops are dealt to, in turn.
    """

    def __init__(
        self,
        existing: Iterable[int] | None,
        id_range: tuple[int, int],
        new_guid: Callable[[], str],
        rules: SessionRules = SessionRules(),  # noqa: B008 - a frozen record
        nodes: int = 1,
    ) -> None:
        self.directory = Directory(existing, id_range)
        self.new_guid = new_guid
        self.rules = rules
        self._nodes = nodes
        self._dealt = 0  # sessions that were dealt to nodes
        self._known: dict[str, Agent] = {}  # all who were ever heard of, by agent ID
        self._history: list[AgentChange] = []
        self.next_lapse_ms = FOREVER
        """No session lapses before. Looking for those that did means looking at all of them, so it
        is put off as long as can be."""

    def __repr__(self) -> str:
        signed_in = sum(agent.session is not None for agent in self._known.values())
        return f"<Agents: {signed_in} signed in, {len(self._history)} changes>"

    def __iter__(self) -> Iterator[str]:
        """The IDs of all agents that exist, in order."""
        return iter(self.directory)

    def copy(self, new_guid: Callable[[], str]) -> Agents:
        """The same agents in the same state, from here on independent of these.

        Args:
            new_guid: makes the GUIDs of the copy.
        """
        twin = Agents((), (0, 0), new_guid, self.rules, self._nodes)
        twin.directory = self.directory
        twin._dealt = self._dealt
        twin._known = self._known.copy()
        twin._history = self._history.copy()
        twin.next_lapse_ms = self.next_lapse_ms
        return twin

    def postpone(self, milliseconds: int) -> None:
        """Shift every time of every session, so that the time until now does not count."""
        if not (self.rules.is_dynamic or self.next_lapse_ms < FOREVER):
            return
        for agent_id, agent in self._known.items():
            if agent.session is not None:
                session = agent.session.postponed(milliseconds)
                self._known[agent_id] = replace(agent, session=session)
        if self.next_lapse_ms < FOREVER:
            self.next_lapse_ms += milliseconds

    def in_range(self, agent_id: str) -> bool:
        """Whether it is written as an agent ID and in the range; it need not exist."""
        return self.directory.in_range(agent_id)

    def number(self, agent_id: str) -> int | None:
        """The number of an agent that exists; None where there is no such agent."""
        return self.directory.number(agent_id)

    def session(self, agent_id: str) -> Session | None:
        """The agent's session as it was left; None while signed out."""
        return self._known.get(agent_id, NEVER_SIGNED_IN).session

    def guid(self, agent_id: str) -> str | None:
        """The GUID of the agent's session as it was left; None while signed out."""
        session = self.session(agent_id)
        return None if session is None else session.guid

    def state(self, agent_id: str) -> AgentState:
        """The state of a signed-in agent."""
        session = self.session(agent_id)
        return AgentState.IDLE if session is None else session.state

    def put(self, agent_id: str, session: Session) -> None:
        """The agent's session has become this one."""
        agent = self._known.get(agent_id, NEVER_SIGNED_IN)
        self._known[agent_id] = replace(agent, session=session)
        self.next_lapse_ms = min(self.next_lapse_ms, session.lapses_ms(self.rules))

    def count(self, agent_id: str, counted: CountedCall, *, let_through: bool) -> None:
        """One more such request named an agent that exists."""
        agent = self._known.get(agent_id, NEVER_SIGNED_IN)
        session = agent.session
        if let_through and session is not None:
            session = replace(session, calls=session.calls.plus(counted))
        calls = agent.calls.plus(counted)
        self._known[agent_id] = replace(agent, session=session, calls=calls)

    def sign_in(
        self,
        agent_id: str,
        at_ms: int,
        state: AgentState = AgentState.IDLE,
        *,
        node: int = ANY_NODE,
        at_desktop: bool = False,
        pushed: bool = False,
        forced: bool = False,
    ) -> str:
        """Begin a session for an agent that exists; the GUID. One that there was is evicted.

        Args:
            agent_id: the agent.
            at_ms: when.
            state: the state of the agent afterwards.
            node: where the session is; `ANY_NODE` for the next in turn.
            at_desktop: whether it is the emulated desktop's, which never forgets to poll.
            pushed: whether events are called back (page 0450).
            forced: whether it was asked for by force (page 1203).
        """
        if node == ANY_NODE:
            node = self._dealt % self._nodes + 1
            self._dealt += 1
        former = self.session(agent_id)
        if former is not None:
            self.end(agent_id, at_ms, ChangeKind.EVICTED)
        agent = self._known.get(agent_id, NEVER_SIGNED_IN)
        session = begun(
            self.new_guid(),
            at_ms,
            self.rules,
            number=agent.sign_ins + 1,
            node=node,
            state=state,
            at_desktop=at_desktop,
            pushed=pushed,
            former=former,
            events=sign_in_events(state, at_ms),
        )
        self._known[agent_id] = Agent(
            times_set=agent.times_set, sign_ins=agent.sign_ins + 1, calls=agent.calls
        )
        self.put(agent_id, session)
        event = ChangeKind.FORCED_SIGN_IN if forced else ChangeKind.SIGN_IN
        self._history.append(AgentChange(at_ms, agent_id, event))
        return session.guid

    def stale_guid(self) -> str:
        """A GUID of the right shape that belongs to no session."""
        return self.new_guid()

    def refusal(
        self, agent_id: str, guid: str | None, at_ms: int = 0, node: int = ANY_NODE
    ) -> ResultCode | None:
        """Why this GUID does not speak for this agent then; None where it does.

        A bad GUID gets 100-006 or 000-003 (page 0005), and the page does not say which when.
        The plausible reading: 100-006 without a session, 000-003 where the GUID is another or
        dead. A node that the session is not on knows that there is one, but not its GUIDs.
        """
        if at_ms >= self.next_lapse_ms:
            self.settle(at_ms)
        agent = self._known.get(agent_id)
        session = None if agent is None else agent.session
        if session is None:
            return self._refusal_without_session(agent_id)
        if node not in (ANY_NODE, session.node):
            return ResultCode.NO_RIGHT
        if guid == session.guid and at_ms < session.dies_ms:  # all but a few, at no further call
            return None
        return None if session.knows(guid, at_ms) else ResultCode.NO_RIGHT

    def sign_out(
        self,
        agent_id: str,
        guid: str | None,
        at_ms: int,
        node: int = ANY_NODE,
        *,
        event: ChangeKind = ChangeKind.SIGN_OUT,
        reason: int | None = None,
    ) -> ResultCode:
        """End the session for its agent (page 1219); 100-008 where it has been ended before."""
        self.settle(at_ms)
        if self._known.get(agent_id, NEVER_SIGNED_IN).was_signed_out:
            return ResultCode.ALREADY_SIGNED_OUT
        refusal = self.refusal(agent_id, guid, at_ms, node)
        if refusal is not None:
            return refusal
        by = agent_id if event is ChangeKind.FORCED_OUT else None
        self.end(agent_id, at_ms, event, by=by, reason=reason)
        return ResultCode.SUCCESS

    def end(
        self,
        agent_id: str,
        at_ms: int,
        event: ChangeKind,
        *,
        by: str | None = None,
        reason: int | None = None,
    ) -> None:
        """The session that there is ends in that way."""
        recovery = 0 if event is ChangeKind.SESSION_LOST else None
        self._known[agent_id] = replace(self._known[agent_id], session=None, recovery=recovery)
        self._history.append(AgentChange(at_ms, agent_id, event, by=by, reason=reason))

    def settle(self, at_ms: int) -> None:
        """End the sessions that nobody has polled for too long by then."""
        if at_ms < self.next_lapse_ms:
            return
        lapses = sorted(
            (agent.session.lapses_ms(self.rules), agent_id)
            for agent_id, agent in self._known.items()
            if agent.session is not None
        )
        self.next_lapse_ms = FOREVER
        for lapse_ms, agent_id in lapses:
            if lapse_ms > at_ms:
                self.next_lapse_ms = lapse_ms
                break
            self.end(agent_id, lapse_ms, ChangeKind.TIMED_OUT)

    def set_talk_right(
        self, agent_id: str, guid: str | None, flag: int, at_ms: int, node: int = ANY_NODE
    ) -> ResultCode:
        """Set whether the agent takes inbound calls (page 1223); an absolute value."""
        refusal = self.refusal(agent_id, guid, at_ms, node)
        if refusal is not None:
            return refusal
        agent = self._known[agent_id]
        self._known[agent_id] = Agent(
            agent.session, flag, agent.times_set + 1, agent.sign_ins, agent.calls
        )
        self._history.append(AgentChange(at_ms, agent_id, ChangeKind.TALK_RIGHT, flag))
        return ResultCode.SUCCESS

    def lose_talk_rights(self, at_ms: int) -> None:
        """Reset every session's talk right to its value after a sign-in."""
        for agent_id, agent in self._known.items():
            if agent.session is not None:
                self._known[agent_id] = replace(agent, talk_right=TALK_RIGHT_AFTER_SIGN_IN)
                self._history.append(
                    AgentChange(
                        at_ms, agent_id, ChangeKind.TALK_RIGHT_LOST, TALK_RIGHT_AFTER_SIGN_IN
                    )
                )

    def lose_sessions(self, at_ms: int) -> None:
        """Every session is lost, and its agent has to sign in again."""
        self.settle(at_ms)
        for agent_id in [*self._known]:
            if self.session(agent_id) is not None:
                self.end(agent_id, at_ms, ChangeKind.SESSION_LOST)

    def takes_calls(self, agent_id: str) -> bool:
        """Whether the agent is signed in and has the right to take inbound calls."""
        agent = self._known.get(agent_id, NEVER_SIGNED_IN)
        return agent.session is not None and bool(agent.talk_right)

    def taking_calls(self) -> list[str]:
        """The IDs of all who do, in order."""
        return sorted(filter(self.takes_calls, self._known), key=int)

    def records(self) -> list[AgentRecord]:
        """Every agent that exists, in the order of the IDs."""
        return [self._known.get(agent_id, NEVER_SIGNED_IN).record(agent_id) for agent_id in self]

    def history(self) -> list[AgentChange]:
        """Everything that happened, in the order in which it happened."""
        return self._history.copy()

    def _refusal_without_session(self, agent_id: str) -> ResultCode:
        agent = self._known.get(agent_id)
        if agent is None:
            known = self.number(agent_id) is not None
            return ResultCode.NOT_SIGNED_IN if known else ResultCode.BAD_PARAMETER
        if agent.recovery is not None:
            self._known[agent_id] = replace(agent, recovery=agent.recovery + 1)
        return agent.refusal
