"""One session: how long its GUID is good, and how it is kept alive.

What the documents leave open is decided here, and inferred:

- A GUID lives for the timeout from its issue, superseded or not. Page 0005 gives an interval and a
  timeout, and no grace for a superseded one.
- A client that asks for events renews it. When the interval has passed, the next answer to a poll
  or heartbeat brings a new one, issued at that moment. Where nobody polls, nothing is issued.
- A client may poll with a superseded GUID that lives. The answer with the new one may have got
  lost, so it is told again. The overlap of the two can be for that.
- `updateGuid` issues a new one, too. The next poll is told it like any other that has changed. That
  poll may be another client's, such as a desktop with a browser page that was not refreshed.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from bulkagent.emulator.agents.events import AgentEvent, AgentState
from bulkagent.emulator.agents.records import CallCounts, SessionRecord
from bulkagent.emulator.protocol.authentication import SessionRules

FOREVER = 1 << 62
"""A time in milliseconds that never comes; a number, so that comparing costs no branch."""


class Session(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A session from its sign-in to its sign-out; all times in milliseconds since 1970."""

    guid: str
    issued_ms: int
    dies_ms: int
    """When the GUID is dead; `FOREVER` under static authentication."""
    number: int
    """The agent's first session has 1."""
    seen_ms: int
    """When somebody last polled or sent a heartbeat; a poll that waits counts to its end."""
    node: int
    state: AgentState
    at_desktop: bool
    pushed: bool
    """Whether events are called back instead of polled for (page 0450)."""
    is_told: bool = True
    """Whether a client that polls was told the GUID."""
    superseded: tuple[tuple[str, int], ...] = ()
    """Earlier GUIDs that may still be alive, and when each dies."""
    evicted: tuple[str, ...] = ()
    """GUIDs of the session in whose place this one came by force."""
    events: tuple[AgentEvent, ...] = ()
    """Oldest first."""
    calls: CallCounts = CallCounts()

    def __repr__(self) -> str:
        return f"<Session {self.number} on node {self.node}>"  # never the GUID

    def knows(self, guid: str | None, at_ms: int) -> bool:
        """Whether that GUID speaks for the session then."""
        if guid == self.guid:
            return at_ms < self.dies_ms
        return any(guid == earlier and at_ms < dies for earlier, dies in self.superseded)

    def lapses_ms(self, rules: SessionRules) -> int:
        """When it ends unless somebody polls; a desktop polls all the time."""
        return FOREVER if self.at_desktop else self.seen_ms + rules.poll_timeout_ms

    def renewed(self, guid: str, at_ms: int, rules: SessionRules) -> Session:
        """With a new GUID, issued then, that nobody was told; the former one lives on."""
        alive = [(earlier, dies) for earlier, dies in self.superseded if at_ms < dies]
        return replace(
            self,
            guid=guid,
            issued_ms=at_ms,
            dies_ms=at_ms + rules.guid_timeout_ms,
            is_told=False,
            superseded=(*alive, (self.guid, self.dies_ms)),
        )

    def kept(self, new_guid: Callable[[], str], at_ms: int, rules: SessionRules) -> Session:
        """After an answer to a poll or heartbeat, with a new GUID where one is due."""
        session = self
        if rules.is_dynamic and at_ms - self.issued_ms >= rules.guid_interval_ms:
            session = self.renewed(new_guid(), at_ms, rules)
        return replace(session, seen_ms=at_ms)

    def caught_up(self, new_guid: Callable[[], str], at_ms: int, rules: SessionRules) -> Session:
        """The session of a desktop that polled all the time until then; any other one unchanged.

        GUIDs that it had in between and that nobody asked for were never seen: they are not made.
        """
        intervals = (at_ms - self.issued_ms) // rules.guid_interval_ms
        if not self.at_desktop or not rules.is_dynamic or intervals < 1:
            return self
        issued_ms = self.issued_ms + intervals * rules.guid_interval_ms
        return replace(self.renewed(new_guid(), issued_ms, rules), is_told=True)

    def heard_by(self, guid: str | None) -> Session:
        """After a poll or heartbeat with that GUID of the session came in."""
        return self if guid == self.guid else replace(self, is_told=False)

    def postponed(self, milliseconds: int) -> Session:
        """The same, so much later."""
        return replace(
            self,
            issued_ms=self.issued_ms + milliseconds,
            dies_ms=min(FOREVER, self.dies_ms + milliseconds),
            seen_ms=self.seen_ms + milliseconds,
            superseded=tuple((guid, dies + milliseconds) for guid, dies in self.superseded),
        )

    def record(self) -> SessionRecord:
        """The session's record for the judges."""
        calls = self.calls
        return SessionRecord(
            number=self.number,
            at_desktop=self.at_desktop,
            node=self.node,
            polls=calls.polls,
            heartbeats=calls.heartbeats,
            guid_updates=calls.guid_updates,
            syncs=calls.syncs,
        )


def begun(
    guid: str,
    at_ms: int,
    rules: SessionRules,
    *,
    number: int,
    node: int = 1,
    state: AgentState = AgentState.IDLE,
    at_desktop: bool = False,
    pushed: bool = False,
    former: Session | None = None,
    events: tuple[AgentEvent, ...] = (),
) -> Session:
    """A session that begins then.

    Args:
        guid: its first GUID, which the answer to the sign-in has.
        at_ms: when it begins.
        rules: how long it and its GUID live.
        number: how many sessions the agent has had with it.
        node: where in the cluster it is.
        state: the agent's state.
        at_desktop: whether it is the emulated desktop's.
        pushed: whether events are called back.
        former: the session that is evicted for it.
        events: the events of the sign-in.
    """
    evicted = () if former is None else (former.guid, *(guid for guid, _ in former.superseded))
    return Session(
        guid=guid,
        issued_ms=at_ms,
        dies_ms=at_ms + rules.guid_timeout_ms if rules.is_dynamic else FOREVER,
        number=number,
        seen_ms=at_ms,
        node=node,
        state=state,
        at_desktop=at_desktop,
        pushed=pushed,
        evicted=evicted,
        # A desktop has taken its events before anybody else could.
        events=() if at_desktop else events,
    )
