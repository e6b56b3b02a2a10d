"""What befalls one settalkright request, decided from what has befallen those before it.

What may live here: the decision, and the counts that it depends on. What this module must
not know: replies, connections, clocks. Randomness comes in as an argument.
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


def decide(scenario: Scenario, random: Random, agent: int, past: Past) -> Decision:
    """What befalls the next request of `agent`; changes nothing but the state of `random`.

    The shares of the faults lie end to end on the line from 0 to 1, and one draw per request
    picks a place on it. Where the fault found there spares this agent (not among its `agents`,
    or struck `per_agent` times already), the request goes well: no other fault takes its place,
    so every share stays what the scenario says.
    """
    hold = draw_latency(scenario.latency, random) / 1000
    owed = past.owed.get(agent)
    if owed is not None:
        return Decision(hold, owed=owed)
    if not scenario.faults:
        return Decision(hold)
    point = random.random()
    for place, fault in enumerate(scenario.faults):
        point -= fault.share
        if point < 0:
            if _spares(fault, agent, past.struck.get((place, agent), 0)):
                break
            return Decision(hold + (fault.milliseconds or 0) / 1000, fault, place)
    return Decision(hold)


def _spares(fault: Fault, agent: int, times: int) -> bool:
    if fault.agents is not None and agent not in fault.agents:
        return True
    return fault.per_agent is not None and times >= fault.per_agent


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
