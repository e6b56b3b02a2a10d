"""The decision about one settalkright request, from the decisions before it.

Randomness, seconds and node come in as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec

from bulkagent.emulator.faults.latency import draw_latency
from bulkagent.emulator.faults.scenario import FaultKind, Scenario, ScenarioFault
from bulkagent.emulator.faults.scope import Arrival
from bulkagent.emulator.protocol.counters import GatewayCondition
from bulkagent.emulator.protocol.limits import LONGEST_MS

AT_ONCE = 0.25
"""A refusal for too much load takes this part of a latency: it is said before any work is done."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """The decision about one request."""

    hold_seconds: float
    """How long the reply, or the reset in its place, is held."""
    fault: ScenarioFault | None = None
    """The fault that strikes it; None where none does."""
    place: int = -1
    """Where in the scenario's list that fault stands; -1 where nothing goes wrong."""
    condition: GatewayCondition | None = None
    """A condition of the whole gateway, which takes the place of any fault."""
    owed: ScenarioFault | None = None
    """An earlier lost answer whose result code this request gets instead of being processed."""


class FaultHistory:
    """The earlier decisions, as far as later ones depend on them."""

    def __init__(self) -> None:
        self.struck: dict[tuple[int, int], int] = {}
        """(place of the fault, agent) -> how often; only for faults with `per_agent`."""
        self.owed: dict[int, ScenarioFault] = {}
        """agent -> the lost answer whose result code the agent's next request gets."""

    def copy(self) -> FaultHistory:
        """The same history, from here on independent of this one."""
        twin = FaultHistory()
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
    scenario: Scenario,
    random: Random,
    history: FaultHistory,
    arrival: Arrival,
    *,
    in_flight: int = 1,
    switching: bool = False,
) -> Decision:
    """Decide about a request; changes nothing but the state of `random`.

    The shares of the faults that concern this request lie end to end on the line from 0 to 1, in
    the order of the scenario. One draw per request picks a place on it. A fault that has struck
    this agent `per_agent` times already lets the request go well. No other fault takes its place,
    so every share stays what the scenario says.

    Args:
        scenario: the faults and latencies.
        random: the source of random numbers.
        history: the earlier decisions.
        arrival: the request.
        in_flight: how many requests there are, this one among them.
        switching: whether a failover of the gateway is under way.
    """
    latency = draw_latency(scenario.latency, random) / 1000
    if scenario.cold_start is not None:
        latency *= scenario.cold_start.slowdown(arrival.seconds)
    if scenario.capacity is not None:
        load = scenario.capacity.load(in_flight)
        share = 0.0 if switching else scenario.capacity.refused_share(load)
        if share and random.random() < share:
            return Decision(latency * AT_ONCE, condition=GatewayCondition.OVER_CAPACITY)
        latency *= scenario.capacity.slowdown(load)
    hold = min(latency, LONGEST_MS / 1000)
    if switching:
        return Decision(hold, condition=GatewayCondition.SWITCH_OVER)
    owed = history.owed.get(arrival.agent)
    if owed is not None:
        return Decision(hold, owed=owed)
    if not scenario.faults:
        return Decision(hold)
    return _faulty(scenario.faults, random, history, arrival, hold)


def _faulty(
    faults: Sequence[ScenarioFault],
    random: Random,
    history: FaultHistory,
    arrival: Arrival,
    hold: float,
) -> Decision:
    point = random.random()
    for place, fault in enumerate(faults):
        if not fault.concerns(arrival):
            continue
        point -= fault.share
        if point < 0:
            limit = fault.per_agent
            if limit is not None and history.struck.get((place, arrival.agent), 0) >= limit:
                break
            return Decision(hold + (fault.milliseconds or 0) / 1000, fault, place)
    return Decision(hold)
