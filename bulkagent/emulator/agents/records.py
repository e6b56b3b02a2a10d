"""The records of agents and of their changes, as the judges' interfaces show them.

No GUID is in any of these.
"""

from __future__ import annotations

import enum

import msgspec


class ChangeKind(enum.StrEnum):
    """The kinds of changes of an agent."""

    SIGN_IN = "sign_in"
    FORCED_SIGN_IN = "forced_sign_in"
    TALK_RIGHT = "talk_right"
    TALK_RIGHT_LOST = "talk_right_lost"
    # The ends of a session, each of which ends it.
    SIGN_OUT = "sign_out"  # by the agent
    FORCED_OUT = "forced_out"  # also in a call; `by` says on whose request
    TIMED_OUT = "timed_out"  # neither polled nor sent a heartbeat for too long
    EVICTED = "evicted"  # by a forced sign-in, which is the next change
    SESSION_LOST = "session_lost"  # in a failover


class AgentChange(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing that happened to one agent. Setting the flag it already had is one as well."""

    at_ms: int
    """Time of day in milliseconds since the Unix epoch."""
    agent_id: str
    event: ChangeKind
    flag: int | None = None
    """1 or 0 for `talk_right`, what is left for `talk_right_lost`; absent otherwise."""
    by: str | None = None
    """The agent or inspector who asked for a `forced_out`; absent otherwise."""
    reason: int | None = None
    """The reason of a `forced_out`, 1 to 255, where one was given (page 0354)."""


class CountedCall(enum.StrEnum):
    """Requests that keep a session alive or show its events."""

    POLLS = "polls"  # page 1274
    HEARTBEATS = "heartbeats"  # page 1204
    GUID_UPDATES = "guid_updates"  # page 1225
    SYNCS = "syncs"  # page 0359


class CallCounts(msgspec.Struct, frozen=True, gc=False):
    """How many of these there were."""

    polls: int = 0
    heartbeats: int = 0
    guid_updates: int = 0
    syncs: int = 0

    def plus(self, counted: CountedCall) -> CallCounts:
        """The same and one more."""
        return msgspec.structs.replace(self, **{counted: getattr(self, counted) + 1})


class SessionRecord(msgspec.Struct, frozen=True, gc=False):
    """The session that an agent has now; the counts are of requests that it let through."""

    number: int
    """The agent's first session has 1."""
    at_desktop: bool
    """Whether it is the emulated desktop's, for which no request but a thief's is counted."""
    node: int
    """Where in the cluster it is, from 1."""
    polls: int
    heartbeats: int
    guid_updates: int
    syncs: int


class AgentRecord(msgspec.Struct, frozen=True, gc=False):
    """One agent as the judges see it."""

    agent_id: str
    signed_in: bool
    talk_right: int | None
    """1 or 0; None while signed out, because a talk right belongs to a session."""
    times_set: int
    """How often settalkright took effect, over all sessions."""
    sign_ins: int
    """How many sessions there have been; those of desktops and forced ones count as well."""
    polls: int
    """Polls that named the agent, over all sessions, whether let through or refused."""
    heartbeats: int
    """The same of `handshake`."""
    guid_updates: int
    """The same of `updateGuid`."""
    syncs: int
    """The same of `syncagentinfo`."""
    session: SessionRecord | None
    """None while signed out."""
