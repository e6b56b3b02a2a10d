"""The states of one agent's session, its events, and the table of all transitions."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

import msgspec


class SessionState(enum.StrEnum):
    """The state of one agent's session. The values are those of the sessions file."""

    WAITING = "waiting"  # nothing was sent for it; its agent is to be signed in
    ADOPTING = "adopting"  # its GUID is from our own file, and no poll has confirmed it yet
    SIGNING_IN = "signing_in"  # noted in the file, and perhaps sent
    UP = "up"  # the latest poll was answered
    TROUBLED = "troubled"  # the latest poll was not; it is tried again
    LOST = "lost"  # the gateway no longer has it, or somebody else does
    REFUSED = "refused"  # the sign-in was refused for another reason than the password
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a state; never tried again
    LOCKED = "locked"  # the account is locked; never tried again
    ALREADY_SIGNED_IN = "already_signed_in"  # somebody else has signed in as that agent
    UNKNOWN = "unknown"  # a sign-in ended in doubt: there may be a session, and nobody has its GUID
    SIGNED_OUT = "signed_out"  # by us, at the end


class SessionEvent(enum.Enum):
    """An event of one agent's session."""

    FOUND = enum.auto()  # our own file has its GUID
    FOUND_IN_DOUBT = enum.auto()  # our own file has a sign-in of it without an end
    FOUND_WRONG_PASSWORD = enum.auto()  # our own file has its password as refused
    FOUND_LOCKED = enum.auto()  # our own file has it as locked
    BEGUN = enum.auto()  # its sign-in is about to be noted and sent
    WITHHELD = enum.auto()  # noted, and then not sent after all
    NEVER_SENT = enum.auto()  # no byte of the sign-in left
    NOT_NOW = enum.auto()  # the gateway could not sign it in at this moment
    SIGNED_IN = enum.auto()
    DOUBTED = enum.auto()  # the sign-in may or may not have taken effect
    REFUSED = enum.auto()
    REFUSED_PASSWORD = enum.auto()
    REFUSED_LOCKED = enum.auto()
    TAKEN = enum.auto()  # the agent is signed in already, by somebody else
    FORCING = enum.auto()  # that session will be ended, which a person agreed to
    ANSWERED = enum.auto()  # a poll was
    UNANSWERED = enum.auto()  # a poll was not, or without saying anything of the session
    GONE = enum.auto()  # the gateway says that this GUID has no session
    GIVEN_UP = enum.auto()  # no poll was answered for too long
    AGAIN = enum.auto()  # the operator's word: sign in once more
    SIGNED_OUT = enum.auto()


class NextStep(enum.Enum):
    """The next step of the session's task."""

    NOTHING = enum.auto()
    POLL = enum.auto()  # again, after the usual pause
    BACK_OFF = enum.auto()  # poll again, after a pause that grows
    QUEUE = enum.auto()  # it is to be signed in
    SIGN_IN = enum.auto()  # now; it is noted


class Transition(msgspec.Struct, frozen=True):
    """The state after an event, and the next step."""

    state: SessionState
    next_step: NextStep = NextStep.NOTHING


_S, _H, _T = SessionState, SessionEvent, NextStep

_IN_THE_FILE = {
    (_S.WAITING, _H.FOUND): Transition(_S.ADOPTING, _T.POLL),
    (_S.WAITING, _H.FOUND_IN_DOUBT): Transition(_S.UNKNOWN),
    (_S.WAITING, _H.FOUND_WRONG_PASSWORD): Transition(_S.WRONG_PASSWORD),
    (_S.WAITING, _H.FOUND_LOCKED): Transition(_S.LOCKED),
}
_SIGNING_IN = {
    (_S.WAITING, _H.BEGUN): Transition(_S.SIGNING_IN, _T.SIGN_IN),
    (_S.SIGNING_IN, _H.WITHHELD): Transition(_S.WAITING),
    (_S.SIGNING_IN, _H.NEVER_SENT): Transition(_S.WAITING, _T.QUEUE),
    (_S.SIGNING_IN, _H.NOT_NOW): Transition(_S.WAITING, _T.QUEUE),
    (_S.SIGNING_IN, _H.SIGNED_IN): Transition(_S.UP, _T.POLL),
    (_S.SIGNING_IN, _H.DOUBTED): Transition(_S.UNKNOWN),
    (_S.SIGNING_IN, _H.REFUSED): Transition(_S.REFUSED),
    (_S.SIGNING_IN, _H.REFUSED_PASSWORD): Transition(_S.WRONG_PASSWORD),
    (_S.SIGNING_IN, _H.REFUSED_LOCKED): Transition(_S.LOCKED),
    (_S.SIGNING_IN, _H.TAKEN): Transition(_S.ALREADY_SIGNED_IN),
    (_S.ALREADY_SIGNED_IN, _H.FORCING): Transition(_S.SIGNING_IN, _T.SIGN_IN),
}
_HELD = {
    # It died while no process held it, so it is like one that never was.
    (_S.ADOPTING, _H.GONE): Transition(_S.WAITING, _T.QUEUE),
    (_S.ADOPTING, _H.UNANSWERED): Transition(_S.ADOPTING, _T.BACK_OFF),
    (_S.UP, _H.GONE): Transition(_S.LOST),
    (_S.UP, _H.UNANSWERED): Transition(_S.TROUBLED, _T.BACK_OFF),
    (_S.TROUBLED, _H.GONE): Transition(_S.LOST),
    (_S.TROUBLED, _H.UNANSWERED): Transition(_S.TROUBLED, _T.BACK_OFF),
    **{
        transition: step
        for state in (_S.ADOPTING, _S.UP, _S.TROUBLED)
        for transition, step in (
            ((state, _H.ANSWERED), Transition(_S.UP, _T.POLL)),
            ((state, _H.GIVEN_UP), Transition(_S.LOST)),
            ((state, _H.SIGNED_OUT), Transition(_S.SIGNED_OUT)),
        )
    },
}
_AGAIN = {
    (state, _H.AGAIN): Transition(_S.WAITING, _T.QUEUE)
    for state in (_S.LOST, _S.UNKNOWN, _S.WRONG_PASSWORD, _S.LOCKED)
}

TRANSITIONS: Mapping[tuple[SessionState, SessionEvent], Transition] = MappingProxyType(
    {**_IN_THE_FILE, **_SIGNING_IN, **_HELD, **_AGAIN}
)
"""Every transition; no other one can happen."""

LIVE = frozenset({SessionState.ADOPTING, SessionState.UP, SessionState.TROUBLED})
"""States in which there is a GUID, which is polled for."""

NOT_BEGUN = frozenset({SessionState.WAITING})
"""States of which the sessions file need not know."""
