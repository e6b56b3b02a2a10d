"""The bulk engine: any repeatable operation over any list, through bulkheads of bounded work.

What may live here: sources, lanes, workers, limits, rates, parking and the policy of retries.
What this room must not know: HTTP, gateways, agents, files. It asks an attempt for its
disposition and nothing else; the tests run it on a list of words.
"""

from bulkagent.engine.bulkhead import Bulkhead, Limits
from bulkagent.engine.engine import Engine
from bulkagent.engine.pacing import Pacer
from bulkagent.engine.retrying import Again, Enough, RetryPolicy, decide
from bulkagent.engine.source import Source

__all__ = [
    "Again",
    "Bulkhead",
    "Engine",
    "Enough",
    "Limits",
    "Pacer",
    "RetryPolicy",
    "Source",
    "decide",
]
