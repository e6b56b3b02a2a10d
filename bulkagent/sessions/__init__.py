"""Sessions that bulkagent holds itself: it signs agents in, polls for them, and keeps their GUIDs.

What may live here: which agents are signed in and when, and how often a session is polled until it
is given up. What this folder must not know: runs, ledgers, terminals, and the form of a request.

`state_machine`, `answers`, `intervals` and `lockout_guard` decide and await nothing. `registry`
keeps the state of each session. `sign_in_queue`, `holder` and `store` await. `hold` puts all of
them together for a command or a program.
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
