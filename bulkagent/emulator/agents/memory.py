"""The memory of one gateway's agents: their sessions, their talk rights, and their changes."""

from __future__ import annotations

from msgspec.structs import replace

from bulkagent.emulator.agents.agent import NEVER_SIGNED_IN, TALK_RIGHT_AFTER_SIGN_IN, Agent
from bulkagent.emulator.agents.events import AgentState
from bulkagent.emulator.agents.records import AgentChange, ChangeKind, CountedCall
from bulkagent.emulator.agents.session import FOREVER, Session
from bulkagent.emulator.protocol.authentication import SessionRules


class AgentMemory:
    """The agents that a gateway ever heard of, at first none.

    Args:
        rules: how long sessions and GUIDs live.
    """

    def __init__(self, rules: SessionRules) -> None:
        self.rules = rules
        self._known: dict[str, Agent] = {}  # by agent ID
        self._history: list[AgentChange] = []
        self.next_lapse_ms = FOREVER
        """No session lapses before. Looking for those that did means looking at all of them, so it
        is put off as long as can be."""

    def __repr__(self) -> str:
        signed_in = sum(agent.session is not None for agent in self._known.values())
        return f"<{type(self).__name__}: {signed_in} signed in, {len(self._history)} changes>"

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
        """The IDs of all agents that take calls, in order."""
        return sorted(filter(self.takes_calls, self._known), key=int)

    def history(self) -> list[AgentChange]:
        """Everything that happened, in the order in which it happened."""
        return self._history.copy()
