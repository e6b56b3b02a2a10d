"""The bulk engine: any repeatable operation over any list, through bulkheads of bounded work.

What may live here: sources, lanes, workers, and the order in which they work. What this folder must
not know: HTTP, gateways, agents, files. It asks an attempt for its disposition and nothing else;
the tests run it on a list of words.

`engine` runs one bulkhead for each upstream; `bulkhead` has its workers, `scheduler` says which
item is next, `source` is where items come from. `gates/` says which groups may go, `retry/` when an
item is attempted again, `throttle/` how fast an upstream is asked.
"""

from bulkagent.engine.bulkhead import Bulkhead
from bulkagent.engine.engine import Engine
from bulkagent.engine.gates.gate import Gates
from bulkagent.engine.gates.gated_lane import GatedLane, GateResult, Side
from bulkagent.engine.gates.gatekeeper import Gatekeeper
from bulkagent.engine.gates.halt_rules import (
    End,
    Go,
    HaltCount,
    HaltDecision,
    HaltFirst,
    HaltRule,
    HaltShare,
    Tally,
)
from bulkagent.engine.gates.handover import Coverage, GateTerms, may_leave, needed
from bulkagent.engine.reopened import Reopened
from bulkagent.engine.retry.policy import Decision, Poll, Retry, RetryPolicy, Stop, decide
from bulkagent.engine.retry.poller import Poller, PollPolicy
from bulkagent.engine.source import Source
from bulkagent.engine.throttle.adaptive_limit import Bounds
from bulkagent.engine.throttle.circuit_breaker import BreakerState, TripPolicy
from bulkagent.engine.throttle.rate_limiter import RateLimiter
from bulkagent.engine.throttle.slots import Limits
from bulkagent.engine.throttle.throttle_policy import ThrottleEvent, ThrottlePolicy

__all__ = [
    "Bounds",
    "BreakerState",
    "Bulkhead",
    "Coverage",
    "Decision",
    "End",
    "Engine",
    "GateResult",
    "GateTerms",
    "GatedLane",
    "Gatekeeper",
    "Gates",
    "Go",
    "HaltCount",
    "HaltDecision",
    "HaltFirst",
    "HaltRule",
    "HaltShare",
    "Limits",
    "Poll",
    "PollPolicy",
    "Poller",
    "RateLimiter",
    "Reopened",
    "Retry",
    "RetryPolicy",
    "Side",
    "Source",
    "Stop",
    "Tally",
    "ThrottleEvent",
    "ThrottlePolicy",
    "TripPolicy",
    "decide",
    "may_leave",
    "needed",
]
