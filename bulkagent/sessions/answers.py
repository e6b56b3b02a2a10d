"""Answers of a gateway to events of the session that they are about."""

from __future__ import annotations

from collections.abc import Mapping

from bulkagent.gateway.session_requests import Answer
from bulkagent.model import Delivery
from bulkagent.sessions.state_machine import SessionEvent

_SUCCESS = "0"

_SIGN_IN: Mapping[str, SessionEvent] = {
    "100-002": SessionEvent.TAKEN,
    "100-004": SessionEvent.REFUSED_PASSWORD,
    "100-017": SessionEvent.REFUSED_PASSWORD,  # the same, said by the uPortal
    "110-016": SessionEvent.REFUSED_LOCKED,
}

# A bad GUID gets 000-003 or 100-006 (page 0005); the 105 codes say to sign in again.
_NO_SESSION = frozenset(
    {"000-003", "100-006", "100-008", "105-001", "105-005", "105-006", "105-007"}
)


def after_sign_in(answer: Answer) -> SessionEvent:
    """The event that a sign-in's answer stands for."""
    ended = answer.disposition
    if ended.delivery is Delivery.NEVER_SENT:
        return SessionEvent.NEVER_SENT
    if ended.delivery is Delivery.IN_DOUBT:
        return SessionEvent.DOUBTED
    if ended.name == _SUCCESS:
        # There is a session then, and nobody knows its GUID.
        return SessionEvent.SIGNED_IN if answer.credential is not None else SessionEvent.DOUBTED
    # A code after which to try again says nothing about the agent. There may be a failover, a
    # missing resource, a sign-in in progress, or too many requests.
    return _SIGN_IN.get(
        ended.name, SessionEvent.REFUSED if ended.retries == 0 else SessionEvent.NOT_NOW
    )


def after_poll(answer: Answer) -> SessionEvent:
    """The event that a poll's answer stands for.

    During a failover the gateway answers without deciding anything, so the polling goes on.
    """
    ended = answer.disposition
    if ended.delivery is not Delivery.ANSWERED:
        return SessionEvent.UNANSWERED
    if ended.name == _SUCCESS:
        return SessionEvent.ANSWERED
    return SessionEvent.GONE if ended.name in _NO_SESSION else SessionEvent.UNANSWERED


def may_linger(code: str) -> bool:
    """Whether a session may be there although its GUID was refused.

    000-003 is read as "the session exists, with another GUID", which is our reading of page 0005.
    Then it is somebody else's, or our own earlier one, which lives for two minutes without a poll.
    """
    return code == "000-003"


def is_signed_out(answer: Answer) -> bool:
    """Whether a sign-out's answer means that there is no session any more."""
    return answer.disposition.name == _SUCCESS or answer.disposition.name in _NO_SESSION
