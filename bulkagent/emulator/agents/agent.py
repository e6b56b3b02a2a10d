"""One agent, as far as anything ever happened to it."""

from __future__ import annotations

import msgspec

from bulkagent.emulator.agents.records import AgentRecord, CallCounts
from bulkagent.emulator.agents.session import Session
from bulkagent.emulator.protocol.response import ResultCode

TALK_RIGHT_AFTER_SIGN_IN = 1
"""The documents do not say. No field of the sign-in sets it, so "takes calls" is presumed."""

RECOVERY = (
    ResultCode.NO_CACHED_DATA,
    ResultCode.BEING_RECOVERED,
    ResultCode.RECOVERED,
    ResultCode.GUID_MISMATCH,
)
"""The result codes, request by request, after a failover in which the session was lost; the
last one again and again, until the agent signs in. The codes are of page 0580, their order is
inferred."""


class Agent(msgspec.Struct, frozen=True, gc=False):
    """An agent with a history; `session` is None while signed out."""

    session: Session | None = None
    talk_right: int = TALK_RIGHT_AFTER_SIGN_IN
    times_set: int = 0
    sign_ins: int = 0
    calls: CallCounts = CallCounts()
    recovery: int | None = None
    """How many refusals there have been since the session was lost; None where none was."""

    @property
    def was_signed_out(self) -> bool:
        """Whether there has been a session, and it has been ended rather than lost."""
        return self.session is None and self.sign_ins > 0 and self.recovery is None

    @property
    def refusal(self) -> ResultCode:
        """The result code for a request of an agent without a session."""
        if self.recovery is None:
            return ResultCode.NOT_SIGNED_IN
        return RECOVERY[min(self.recovery, len(RECOVERY) - 1)]

    def record(self, agent_id: str) -> AgentRecord:
        """The agent's record for the judges."""
        session, calls = self.session, self.calls
        return AgentRecord(
            agent_id=agent_id,
            signed_in=session is not None,
            talk_right=None if session is None else self.talk_right,
            times_set=self.times_set,
            sign_ins=self.sign_ins,
            polls=calls.polls,
            heartbeats=calls.heartbeats,
            guid_updates=calls.guid_updates,
            syncs=calls.syncs,
            session=None if session is None else session.record(),
        )


NEVER_SIGNED_IN = Agent()
