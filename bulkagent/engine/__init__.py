"""The bulk engine: any repeatable operation over any list, through bulkheads of bounded work.

What may live here: sources, lanes, workers, limits, rates, parking, the policies of retries and
of restraint, and the rules that end a run early.
What this room must not know: HTTP, gateways, agents, files. It asks an attempt for its
disposition and nothing else; the tests run it on a list of words.
"""

from bulkagent.engine.adapting import Bounds
from bulkagent.engine.admission import Limits
from bulkagent.engine.breaker import State, TripPolicy
from bulkagent.engine.bulkhead import Bulkhead
from bulkagent.engine.engine import Engine
from bulkagent.engine.gatekeeper import Gatekeeper, Passage, Result, Side
from bulkagent.engine.gating import Gates
from bulkagent.engine.handover import Cover, Terms, may_leave, needed
from bulkagent.engine.pacing import Pacer
from bulkagent.engine.reopening import Reopened
from bulkagent.engine.restraint import Caution, Notice
from bulkagent.engine.retrying import Again, Decision, Enough, RetryPolicy, Yet, decide
from bulkagent.engine.rounds import Patience, Rounds
from bulkagent.engine.ruling import (
    End,
    Go,
    HaltCount,
    HaltFirst,
    HaltShare,
    Rule,
    Ruling,
    Tally,
)
from bulkagent.engine.source import Source

__all__ = [
    "Again",
    "Bounds",
    "Bulkhead",
    "Caution",
    "Cover",
    "Decision",
    "End",
    "Engine",
    "Enough",
    "Gatekeeper",
    "Gates",
    "Go",
    "HaltCount",
    "HaltFirst",
    "HaltShare",
    "Limits",
    "Notice",
    "Pacer",
    "Passage",
    "Patience",
    "Reopened",
    "Result",
    "RetryPolicy",
    "Rounds",
    "Rule",
    "Ruling",
    "Side",
    "Source",
    "State",
    "Tally",
    "Terms",
    "TripPolicy",
    "Yet",
    "decide",
    "may_leave",
    "needed",
]
