"""The registry of all sessions of a hold: the state of each, and its line of the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.session_requests import SignIn
from bulkagent.gateway.sessions_file import SavedSession
from bulkagent.sessions.state_machine import (
    LIVE,
    NOT_BEGUN,
    TRANSITIONS,
    NextStep,
    SessionEvent,
    SessionState,
)

_SAMPLES = 3


class SessionEntry:
    """One agent's session."""

    __slots__ = (
        "_line",
        "agent_id",
        "answered_at",
        "credential",
        "failures",
        "gateway",
        "message",
        "missed",
        "must_change_password",
        "sign_in",
        "state",
        "tries",
        "why",
    )

    def __init__(self, gateway: str, sign_in: SignIn) -> None:
        self.gateway = gateway
        self.agent_id = sign_in.agent_id
        self.sign_in = sign_in
        self.state = SessionState.WAITING
        self.credential: Credential | None = None
        self.why = ""
        """The retcode or fault that led to this state."""
        self.message = ""
        self.failures = 0
        """Polls in a row without an answer."""
        self.tries = 0
        """Sign-ins in a row that said nothing about the agent."""
        self.answered_at = 0.0
        """When a poll was answered last, or polling began, on the monotonic clock."""
        self.must_change_password = False
        self.missed = False
        """Whether a reply with a newer GUID may have gone astray."""
        self._line: SavedSession | None = None

    @property
    def line(self) -> SavedSession:
        """Its line of the file: the same record again while nothing changes."""
        line = self._line
        if line is None or line.credential is not self.credential or line.state != self.state:
            line = SavedSession(self.gateway, self.agent_id, self.credential, self.state.value)
            self._line = line
        return line

    def __repr__(self) -> str:
        return f"<SessionEntry {self.agent_id} at {self.gateway}: {self.state}>"


class StateChange(msgspec.Struct, frozen=True):
    """A session came into another state."""

    gateway: str
    agent_id: str
    before: SessionState
    after: SessionState
    why: str
    message: str


class SessionGroup(msgspec.Struct, frozen=True):
    """Sessions in one state for one reason."""

    state: SessionState
    why: str
    count: int
    agents: tuple[str, ...]
    """The first few of them."""


class Registry:
    """All sessions of one hold.

    Args:
        sign_ins: Gateway and sign-in of each agent, each agent once.
        changed: Told of each change of state.
    """

    def __init__(
        self, sign_ins: Iterable[tuple[str, SignIn]], changed: Callable[[StateChange], None]
    ) -> None:
        self._entries = {
            (gateway, sign_in.agent_id): SessionEntry(gateway, sign_in)
            for gateway, sign_in in sign_ins
        }
        self._others: list[SavedSession] = []
        self._changed = changed
        self._news: dict[SessionEntry, None] = {}
        self._counts = dict.fromkeys(SessionState, 0)
        self._counts[SessionState.WAITING] = len(self._entries)

    def __repr__(self) -> str:
        counts = ", ".join(f"{state} {number}" for state, number in self._counts.items() if number)
        return f"<Registry of {len(self)}: {counts}>"

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[SessionEntry]:
        return iter(self._entries.values())

    @property
    def counts(self) -> Mapping[SessionState, int]:
        """How many sessions are in each state."""
        return self._counts

    @property
    def live(self) -> int:
        """How many sessions there are to hold."""
        return sum(self._counts[state] for state in LIVE)

    @property
    def must_change_password(self) -> int:
        """How many agents with a session can take no call before they have another password."""
        return sum(entry.must_change_password for entry in self if entry.state in LIVE)

    @property
    def others(self) -> int:
        """How many sessions of the file are of agents that are not to be held."""
        return len(self._others)

    def found(self, session: SavedSession) -> None:
        """Take up a session from our own file."""
        entry = self._entries.get((session.gateway, session.agent_id))
        if entry is None:
            self._others.append(session)
            return
        if session.credential is not None:
            entry.credential = session.credential
            self.advance(entry, SessionEvent.FOUND)
            return
        event = _FOUND.get(session.state)
        if event is not None:
            self.advance(entry, event, "in the sessions file")

    def advance(
        self, entry: SessionEntry, event: SessionEvent, why: str = "", message: str = ""
    ) -> NextStep:
        """Change a session's state by the table; returns the next step of its task."""
        step = TRANSITIONS[entry.state, event]
        before = entry.state
        if step.state is not before:
            self._counts[before] -= 1
            self._counts[step.state] += 1
            entry.state = step.state
            entry.why, entry.message = why, message
            if step.state not in LIVE:
                entry.credential = None
            self._news[entry] = None
            self._changed(
                StateChange(entry.gateway, entry.agent_id, before, step.state, why, message)
            )
        return step.next_step

    def lines(self) -> list[SavedSession]:
        """The lines of the file, in the order of the roster."""
        lines = [entry.line for entry in self if entry.state not in NOT_BEGUN]
        return lines + self._others

    def renewed(self, entry: SessionEntry, credential: Credential) -> None:
        """A session has another GUID or cookie."""
        entry.credential = credential
        self._news[entry] = None

    def news(self) -> list[SavedSession]:
        """The lines of the sessions that have changed since the last call."""
        news, self._news = self._news, {}
        return [entry.line for entry in news]

    def groups(self) -> list[SessionGroup]:
        """The agents who are not up, by state and reason, the largest group first."""
        found: dict[tuple[SessionState, str], list[str]] = {}
        for entry in self:
            if entry.state is not SessionState.UP:
                found.setdefault((entry.state, entry.why), []).append(entry.agent_id)
        groups = [
            SessionGroup(state, why, len(agents), tuple(agents[:_SAMPLES]))
            for (state, why), agents in found.items()
        ]
        return sorted(groups, key=lambda group: -group.count)


_FOUND: Mapping[str, SessionEvent] = {
    # A process that was killed had noted it, and nobody knows whether it was sent.
    SessionState.SIGNING_IN.value: SessionEvent.FOUND_IN_DOUBT,
    SessionState.UNKNOWN.value: SessionEvent.FOUND_IN_DOUBT,
    SessionState.WRONG_PASSWORD.value: SessionEvent.FOUND_WRONG_PASSWORD,
    SessionState.LOCKED.value: SessionEvent.FOUND_LOCKED,
}
