"""What befalls one settalkright request, decided from what has befallen those before it.

What may live here: the decision, and the counts that it depends on. What this module must
not know: replies, connections, clocks. Randomness, seconds and node come in as arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

import msgspec

from bulkagent.emulator.scenario import (
    LONGEST_MS,
    Distribution,
    Fault,
    FaultKind,
    Latency,
    Scenario,
)

__all__ = ["Decision", "Past", "decide", "draw_latency"]


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What shall happen to one request."""

    hold_seconds: float
    """How long the reply, or the reset in its place, is held."""
    fault: Fault | None = None
    """What goes wrong; None where nothing does."""
    place: int = -1
    """Where in the scenario's list that fault stands; -1 where nothing goes wrong."""
    owed: Fault | None = None
    """An earlier lost answer whose result code this request gets instead of being processed."""


class Past:
    """What earlier decisions did, as far as later ones depend on it."""

    def __init__(self) -> None:
        self.struck: dict[tuple[int, int], int] = {}
        """(place of the fault, agent) -> how often; only for faults with `per_agent`."""
        self.owed: dict[int, Fault] = {}
        """agent -> the lost answer whose result code the agent's next request gets."""

    def copy(self) -> Past:
        """The same past, from here on independent of this one."""
        twin = Past()
        twin.struck = self.struck.copy()
        twin.owed = self.owed.copy()
        return twin

    def note(self, agent: int, decision: Decision) -> None:
        """Remember a decision that was carried out for that agent."""
        if decision.owed is not None:
            self.owed.pop(agent, None)
        fault = decision.fault
        if fault is None:
            return
        if fault.per_agent is not None:
            key = (decision.place, agent)
            self.struck[key] = self.struck.get(key, 0) + 1
        if fault.kind is FaultKind.LOST_ANSWER and fault.retcode is not None:
            self.owed[agent] = fault


def decide(
    scenario: Scenario, random: Random, agent: int, past: Past, *, seconds: float, node: int
) -> Decision:
    """What befalls the next request of `agent`; changes nothing but the state of `random`.

    The shares of the faults that concern this request lie end to end on the line from 0 to 1,
    in the order of the scenario, and one draw per request picks a place on it. Where the fault
    found there has struck this agent `per_agent` times already, the request goes well: no other
    fault takes its place, so every share stays what the scenario says.

    Args:
        scenario: the faults and latencies.
        random: what is drawn from.
        agent: the number of the agent.
        past: what earlier decisions did.
        seconds: how long after the first request of all this one arrives.
        node: the node that it arrives at.
    """
    hold = draw_latency(scenario.latency, random) / 1000
    owed = past.owed.get(agent)
    if owed is not None:
        return Decision(hold, owed=owed)
    if not scenario.faults:
        return Decision(hold)
    point = random.random()
    for place, fault in enumerate(scenario.faults):
        if not fault.concerns(agent, seconds, node):
            continue
        point -= fault.share
        if point < 0:
            limit = fault.per_agent
            if limit is not None and past.struck.get((place, agent), 0) >= limit:
                break
            return Decision(hold + (fault.milliseconds or 0) / 1000, fault, place)
    return Decision(hold)


def draw_latency(latency: Latency, random: Random) -> float:
    """One latency in milliseconds, at most ten minutes."""
    return min(_DRAWS[latency.distribution](latency, random), LONGEST_MS)


def _fixed(latency: Latency, _random: Random) -> float:
    return latency.milliseconds or 0


def _uniform(latency: Latency, random: Random) -> float:
    return random.uniform(latency.low_milliseconds or 0, latency.high_milliseconds or 0)


def _lognormal(latency: Latency, random: Random) -> float:
    # The logarithm of the median is the mean of the logarithms; the record refuses a median of 0.
    return random.lognormvariate(math.log(latency.milliseconds or 1), latency.sigma or 0)


def _exponential(latency: Latency, random: Random) -> float:
    mean = latency.milliseconds or 0
    return random.expovariate(1 / mean) if mean else 0.0


_DRAWS: Mapping[Distribution, Callable[[Latency, Random], float]] = MappingProxyType(
    {
        Distribution.FIXED: _fixed,
        Distribution.UNIFORM: _uniform,
        Distribution.LOGNORMAL: _lognormal,
        Distribution.EXPONENTIAL: _exponential,
    }
)
