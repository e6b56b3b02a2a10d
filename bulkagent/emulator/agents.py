"""The agents: who exists, who is signed in with which GUID, and who takes inbound calls.

What may live here: agent state, the rules by which it changes, and the history of changes.
What this module must not know: HTTP, faults, or the time; the time of a change and the
making of GUIDs come in.

Sign-in, GUID and the two refusals of a GUID are those of static authentication (AUTHMODE 1,
page 0005): the GUID of the sign-in is good for the whole session.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Container, Iterable, Iterator

import msgspec
from msgspec.structs import replace

from bulkagent.emulator.agent_ids import number_of
from bulkagent.emulator.reply import Retcode

__all__ = ["AgentRecord", "AgentState", "Agents", "Change", "Event"]

TALK_RIGHT_AFTER_SIGN_IN = 1
"""The documents do not say. No field of the sign-in sets it, so "takes calls" is presumed."""


class AgentState(enum.IntEnum):
    """The states of page 0581 that a sign-in can ask for (`status`, page 1202)."""

    BUSY = 3
    IDLE = 4
    WRAP_UP = 5


class Event(enum.StrEnum):
    """What can happen to an agent."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    TALK_RIGHT = "talk_right"
    TALK_RIGHT_LOST = "talk_right_lost"


class Change(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing that happened to one agent. Setting the flag it already had is one as well."""

    at_ms: int
    """Time of day in milliseconds since the Unix epoch."""
    agent_id: str
    event: Event
    flag: int | None = None
    """1 or 0 for `talk_right`, what is left for `talk_right_lost`; absent otherwise."""


class AgentRecord(msgspec.Struct, frozen=True, gc=False):
    """One agent as the judges see it."""

    agent_id: str
    signed_in: bool
    talk_right: int | None
    """1 or 0; None while signed out, because a talk right belongs to a session."""
    times_set: int
    """How often settalkright took effect, over all sessions."""


class _Agent(msgspec.Struct, frozen=True, gc=False):
    """An agent who has signed in at least once; `guid` is None after the sign-out."""

    guid: str | None = None
    state: AgentState = AgentState.IDLE
    talk_right: int = TALK_RIGHT_AFTER_SIGN_IN
    times_set: int = 0


_NEVER_SIGNED_IN = _Agent()


class Agents:
    """The agents of one gateway.

    Args:
        existing: the numbers of the agents that exist; None for the whole range.
        id_range: lowest and highest agent ID (pages 1223 and 0356: 101-59999 or 101-999999).
        new_guid: makes the GUID of a new session.
    """

    def __init__(
        self, existing: Iterable[int] | None, id_range: tuple[int, int], new_guid: Callable[[], str]
    ) -> None:
        low, high = id_range
        self._numbers = range(low, high + 1)
        self._existing: Container[int] = (
            self._numbers
            if existing is None
            else frozenset(number for number in existing if number in self._numbers)
        )
        self._new_guid = new_guid
        self._known: dict[str, _Agent] = {}  # all who ever signed in, by agent ID
        self._history: list[Change] = []

    def __repr__(self) -> str:
        signed_in = sum(agent.guid is not None for agent in self._known.values())
        return f"<Agents: {signed_in} signed in, {len(self._history)} changes>"

    def __iter__(self) -> Iterator[str]:
        """The IDs of all agents that exist, in order."""
        return (str(number) for number in self._numbers if number in self._existing)

    def copy(self, new_guid: Callable[[], str]) -> Agents:
        """The same agents in the same state, from here on independent of these.

        Args:
            new_guid: makes the GUIDs of the copy.
        """
        twin = Agents((), (self._numbers.start, self._numbers.stop - 1), new_guid)
        twin._existing = self._existing
        twin._known = self._known.copy()
        twin._history = self._history.copy()
        return twin

    def in_range(self, agent_id: str) -> bool:
        """Whether it is written as an agent ID and in the range; it need not exist."""
        return number_of(agent_id) in self._numbers

    def number(self, agent_id: str) -> int | None:
        """The number of an agent that exists; None where there is no such agent."""
        number = number_of(agent_id)
        return number if number is not None and number in self._existing else None

    def guid(self, agent_id: str) -> str | None:
        """The GUID of the agent's session; None while signed out."""
        return self._known.get(agent_id, _NEVER_SIGNED_IN).guid

    def state(self, agent_id: str) -> AgentState:
        """The state of a signed-in agent."""
        return self._known[agent_id].state

    def sign_in(self, agent_id: str, at_ms: int, state: AgentState = AgentState.IDLE) -> str:
        """Begin a session for an agent that exists and has none; the GUID."""
        guid = self._new_guid()
        times_set = self._known.get(agent_id, _NEVER_SIGNED_IN).times_set
        self._known[agent_id] = _Agent(guid, state, times_set=times_set)
        self._history.append(Change(at_ms, agent_id, Event.SIGN_IN))
        return guid

    def stale_guid(self) -> str:
        """A GUID of the right shape that belongs to no session."""
        return self._new_guid()

    def refusal(self, agent_id: str, guid: str | None) -> Retcode | None:
        """Why this GUID does not speak for this agent; None where it does.

        A bad GUID gets 100-006 or 000-003 (page 0005), and the page does not say which when.
        The plausible reading: 100-006 without a session, 000-003 where the GUID is another.
        """
        agent = self._known.get(agent_id)
        if agent is None:
            known = self.number(agent_id) is not None
            return Retcode.NOT_SIGNED_IN if known else Retcode.BAD_PARAMETER
        if agent.guid is None:
            return Retcode.NOT_SIGNED_IN
        return None if agent.guid == guid else Retcode.NO_RIGHT

    def sign_out(self, agent_id: str, guid: str | None, at_ms: int) -> Retcode:
        """End the session (page 1219); 100-008 where it has been ended before."""
        agent = self._known.get(agent_id)
        if agent is not None and agent.guid is None:
            return Retcode.ALREADY_SIGNED_OUT
        refusal = self.refusal(agent_id, guid)
        if refusal is not None:
            return refusal
        self._known[agent_id] = replace(self._known[agent_id], guid=None)
        self._history.append(Change(at_ms, agent_id, Event.SIGN_OUT))
        return Retcode.SUCCESS

    def set_talk_right(self, agent_id: str, guid: str | None, flag: int, at_ms: int) -> Retcode:
        """Set whether the agent takes inbound calls (page 1223); an absolute value."""
        refusal = self.refusal(agent_id, guid)
        if refusal is not None:
            return refusal
        agent = self._known[agent_id]
        self._known[agent_id] = _Agent(agent.guid, agent.state, flag, agent.times_set + 1)
        self._history.append(Change(at_ms, agent_id, Event.TALK_RIGHT, flag))
        return Retcode.SUCCESS

    def lose_talk_rights(self, at_ms: int) -> None:
        """Every session's talk right is again what it is after a sign-in, whatever was set."""
        for agent_id, agent in self._known.items():
            if agent.guid is not None:
                self._known[agent_id] = replace(agent, talk_right=TALK_RIGHT_AFTER_SIGN_IN)
                self._history.append(
                    Change(at_ms, agent_id, Event.TALK_RIGHT_LOST, TALK_RIGHT_AFTER_SIGN_IN)
                )

    def records(self) -> list[AgentRecord]:
        """Every agent that exists, in the order of the IDs."""
        return [self._record(agent_id) for agent_id in self]

    def history(self) -> list[Change]:
        """Everything that happened, in the order in which it happened."""
        return self._history.copy()

    def _record(self, agent_id: str) -> AgentRecord:
        agent = self._known.get(agent_id, _NEVER_SIGNED_IN)
        signed_in = agent.guid is not None
        return AgentRecord(
            agent_id=agent_id,
            signed_in=signed_in,
            talk_right=agent.talk_right if signed_in else None,
            times_set=agent.times_set,
        )
