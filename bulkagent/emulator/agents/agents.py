"""The agents of one gateway: the rules of sign-in, sign-out and settalkright."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from bulkagent.emulator.agents.agent import NEVER_SIGNED_IN, Agent
from bulkagent.emulator.agents.directory import Directory
from bulkagent.emulator.agents.events import AgentState, sign_in_events
from bulkagent.emulator.agents.memory import AgentMemory
from bulkagent.emulator.agents.records import AgentChange, AgentRecord, ChangeKind
from bulkagent.emulator.agents.session import begun
from bulkagent.emulator.protocol.authentication import SessionRules
from bulkagent.emulator.protocol.response import ResultCode

ANY_NODE = 0
"""The node of a request that may go to any: every node knows every session."""


class Agents(AgentMemory):
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
        super().__init__(rules)
        self.directory = Directory(existing, id_range)
        self.new_guid = new_guid
        self._nodes = nodes
        self._dealt = 0  # sessions that were dealt to nodes

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

    def in_range(self, agent_id: str) -> bool:
        """Whether it is written as an agent ID and in the range; it need not exist."""
        return self.directory.in_range(agent_id)

    def number(self, agent_id: str) -> int | None:
        """The number of an agent that exists; None where there is no such agent."""
        return self.directory.number(agent_id)

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

    def records(self) -> list[AgentRecord]:
        """Every agent that exists, in the order of the IDs."""
        return [self._known.get(agent_id, NEVER_SIGNED_IN).record(agent_id) for agent_id in self]

    def _refusal_without_session(self, agent_id: str) -> ResultCode:
        agent = self._known.get(agent_id)
        if agent is None:
            known = self.number(agent_id) is not None
            return ResultCode.NOT_SIGNED_IN if known else ResultCode.BAD_PARAMETER
        if agent.recovery is not None:
            self._known[agent_id] = replace(agent, recovery=agent.recovery + 1)
        return agent.refusal
