"""Sessions that bulkagent holds itself: signed in, polled, their GUIDs kept in a file.

What may live here: whose sessions they are, when they are signed in, polled and given up. What
this room must not know: runs, ledgers, terminals, and how a request looks on the wire.

`state_machine`, `answers`, `intervals` and `lockout_guard` decide and await nothing; `registry`
keeps the state of each session; `sign_in_queue`, `holder` and `store` await; `hold` puts them
together.
"""

from bulkagent.sessions.hold import Hold, HoldPlan, HoldRequest, HoldStatus
from bulkagent.sessions.holder import HoldPolicy
from bulkagent.sessions.registry import SessionGroup
from bulkagent.sessions.roster import BUSY, HoldRoster, SignInChoice
from bulkagent.sessions.sign_in_queue import SignInPace
from bulkagent.sessions.state_machine import SessionState

__all__ = [
    "BUSY",
    "Hold",
    "HoldPlan",
    "HoldPolicy",
    "HoldRequest",
    "HoldRoster",
    "HoldStatus",
    "SessionGroup",
    "SessionState",
    "SignInChoice",
    "SignInPace",
]
