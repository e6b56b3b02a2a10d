"""Sessions that bulkagent holds itself: signed in, polled, their GUIDs kept in a file.

What may live here: whose sessions they are, when they are signed in, polled and given up. What
this room must not know: runs, ledgers, terminals, and how a request looks on the wire.

What decides is in `states`, `reading`, `pauses` and `refusals`, which await nothing; `book` keeps
how each session stands; `signing_in`, `holding` and `own_file` await; `hold` puts them together.
"""

from bulkagent.sessions.hold import Hold, HoldPlan, HoldRequest, HoldStanding
from bulkagent.sessions.holder import Manner
from bulkagent.sessions.registry import Group
from bulkagent.sessions.roster import BUSY, Choice, Enrolled
from bulkagent.sessions.sign_in_queue import SignInPace
from bulkagent.sessions.state_machine import State

__all__ = [
    "BUSY",
    "Choice",
    "Enrolled",
    "Group",
    "Hold",
    "HoldPlan",
    "HoldRequest",
    "HoldStanding",
    "Manner",
    "SignInPace",
    "State",
]
