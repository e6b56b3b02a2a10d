"""The events that an agent's client polls for, and the answers that carry them (page 1274)."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from bulkagent.emulator.protocol.response import JSON, Headers, Response, ResultCode


class AgentState(enum.IntEnum):
    """The states of page 0581 that a sign-in can ask for (`status`, page 1202), and talking."""

    BUSY = 3
    IDLE = 4
    WRAP_UP = 5
    TALKING = 7


class EventType(enum.StrEnum):
    """The events that a sign-in brings about (page 1224)."""

    IN_SERVICE = "AgentOther_InService"
    READY = "AgentState_Ready"
    NOT_READY = "AgentState_SetNotReady_Success"
    # Inferred: page 1224 says "Work" where it says "Ready"; the prefix is that of Ready.
    WORK = "AgentState_Work"


class AgentEvent(msgspec.Struct, frozen=True, gc=False):
    """One event in an agent's queue."""

    event_type: EventType
    at_ms: int


SIGN_IN_EVENTS: Mapping[AgentState, Sequence[EventType]] = MappingProxyType(
    {
        AgentState.IDLE: (EventType.IN_SERVICE, EventType.READY),
        AgentState.BUSY: (EventType.IN_SERVICE, EventType.READY, EventType.NOT_READY),
        AgentState.WRAP_UP: (EventType.IN_SERVICE, EventType.READY, EventType.WORK),
        AgentState.TALKING: (),
    }
)
"""A sign-in goes through idle to any state that it asks for (page 1224)."""

CONTENT: Mapping[EventType, object] = MappingProxyType(
    # Inferred: events carry an object, a string or null by their type, and this one a reason, of
    # which 1 is "by the agent". How that object is written could not be read.
    {EventType.NOT_READY: {"reason": "1"}}
)


def sign_in_events(state: AgentState, at_ms: int) -> tuple[AgentEvent, ...]:
    """The events that a sign-in puts into the queue, oldest first."""
    return tuple(AgentEvent(event_type, at_ms) for event_type in SIGN_IN_EVENTS[state])


def poll_answer(work_no: str, event: AgentEvent | None, headers: Headers = ()) -> Response:
    """The answer to a poll: one event, or none and no `event` key.

    The message of an empty answer is empty, as clients in the field have seen it. That the message
    is empty beside an event as well is inferred.
    """
    body: dict[str, object] = {"message": "", "retcode": ResultCode.SUCCESS}
    if event is not None:
        body["event"] = {
            "eventType": event.event_type,
            "workNo": work_no,
            "content": CONTENT.get(event.event_type),
            "eventGenTime": event.at_ms,
        }
    return Response(
        headers=JSON + headers, body=msgspec.json.encode(body), retcode=str(ResultCode.SUCCESS)
    )
