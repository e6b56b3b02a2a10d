"""The bulk engine: any repeatable operation over any list, through bulkheads of bounded work.

What may live here: sources, lanes, workers, limits, rates, parking, the policies of retries and
of restraint, and the rules that end a run early.
What this room must not know: HTTP, gateways, agents, files. It asks an attempt for its
disposition and nothing else; the tests run it on a list of words.
"""

from bulkagent.engine.bulkhead import Bulkhead
from bulkagent.engine.engine import Engine
from bulkagent.engine.gates.gate import Gates
from bulkagent.engine.gates.gatekeeper import Gatekeeper, Passage, Result, Side
from bulkagent.engine.gates.halt_rules import (
    End,
    Go,
    HaltCount,
    HaltFirst,
    HaltShare,
    Rule,
    Ruling,
    Tally,
)
from bulkagent.engine.gates.handover import Cover, Terms, may_leave, needed
from bulkagent.engine.reopening import Reopened
from bulkagent.engine.retry.policy import Again, Decision, Enough, RetryPolicy, Yet, decide
from bulkagent.engine.retry.poller import Patience, Rounds
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.adaptive_limit import Bounds
from bulkagent.engine.throttle.circuit_breaker import State, TripPolicy
from bulkagent.engine.throttle.rate_limiter import Pacer
from bulkagent.engine.throttle.slots import Limits
from bulkagent.engine.throttle.throttle import Caution, Notice

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
