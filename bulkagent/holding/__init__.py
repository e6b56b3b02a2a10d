"""Sessions that bulkagent holds itself: signed in, polled, their GUIDs kept in a file.

What may live here: whose sessions they are, when they are signed in, polled and given up. What
this room must not know: runs, ledgers, terminals, and how a request looks on the wire.

What decides is in `states`, `reading`, `pauses` and `refusals`, which await nothing; `book` keeps
how each session stands; `signing_in`, `holding` and `own_file` await; `hold` puts them together.
"""

from bulkagent.holding.book import Group
from bulkagent.holding.enrolling import BUSY, Choice, Enrolled
from bulkagent.holding.hold import Hold, HoldPlan, HoldRequest, HoldStanding
from bulkagent.holding.holding import Manner
from bulkagent.holding.signing_in import SignInPace
from bulkagent.holding.states import State

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
