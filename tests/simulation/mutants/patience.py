"""Faults of how a gateway is treated that is unwell."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec

from bulkagent.engine.retry.policy import Retry, RetryPolicy
from tests.simulation.mutants.mutant import always, fault

_NEVER_SPENT = 1_000_000


def _for_ever(right: Callable[..., Any]) -> Any:
    def decide(policy: RetryPolicy, *args: Any, **options: Any) -> Any:
        return right(msgspec.structs.replace(policy, max_attempts=_NEVER_SPENT), *args, **options)

    return decide


def _at_once(right: Callable[..., Any]) -> Any:
    def decide(*args: Any, **options: Any) -> Any:
        found = right(*args, **options)
        if isinstance(found, Retry):
            return msgspec.structs.replace(found, after_s=0.0)
        return found

    return decide


PATIENCE = (
    fault(
        "attempts without end",
        "An agent is tried again as long as its gateway is not given up.",
        {"engine.retry.policy.decide": _for_ever},
        caught_by={"attempts end"},
    ),
    fault(
        "again at once",
        "An agent who may be tried again is tried at once.",
        {"engine.retry.policy.decide": _at_once},
        caught_by={"random waits"},
    ),
    fault(
        "retries without a budget",
        "As many retries are made as agents want.",
        {"engine.throttle.retry_budget.RetryBudget.room_in": always(0.0)},
        caught_by={"retry budget"},
    ),
    fault(
        "Retry-After ignored",
        "A gateway that asks for a pause gets none.",
        {"engine.throttle.throttle.Throttle._pause": always(None)},
        caught_by={"pauses hold"},
    ),
    fault(
        "no breaker",
        "Whatever goes wrong at a gateway, the circuit breaker stays closed.",
        {"engine.throttle.circuit_breaker.CircuitBreaker._too_much": always(False)},
        caught_by={"spared"},
    ),
    fault(
        "never given up",
        "A gateway that gives no good answer is asked for ever.",
        {"engine.throttle.circuit_breaker.CircuitBreaker.give_up_in": always(math.inf)},
        caught_by={"gives up"},
    ),
)
"""All of them."""
