"""Which requests a fault can strike, and where several faults claim more than all of them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from bulkagent.emulator.protocol.agent_ids import AgentIds
from bulkagent.emulator.protocol.limits import RequestNumber, Seconds

MOST_NODES = 64
"""More than a cluster behind one load balancer has, and few enough to check all of them."""

ROUNDING = 1e-9
"""Ten shares of 0.1 are all requests, whatever their floating-point sum says."""

NOBODY = 0
"""The number of no agent ID: a share of it is one of every agent."""

Ids = Annotated[AgentIds, Meta(description='Give agent IDs and ranges of them: "101-200,305".')]
Node = Annotated[int, Meta(ge=1, le=MOST_NODES, description="Give a node, from 1 to 64.")]


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One settalkright request: for which agent, when, and where it arrives."""

    agent: int
    seconds: float = 0.0
    """How long after the first request of all."""
    node: int = 1
    number: int = 1
    """The first request of all has 1."""


class FaultScope(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the requests for these agents, within these seconds and numbers, on this node."""

    share: Annotated[
        float, Meta(ge=0, le=1, description="Give the share of the requests, from 0 to 1.")
    ]
    agents: Ids | None = None
    """Only requests for these agents."""
    from_seconds: Seconds = 0.0
    """Only requests that arrive then or later, counted from the arrival of the first of all."""
    to_seconds: Seconds | None = None
    """Only requests that arrive before that; None for no end."""
    from_request: RequestNumber = 1
    """Only that request and later ones, counted as they arrive, whichever agents they are for."""
    to_request: RequestNumber | None = None
    """Only requests before that one; None for no end."""
    node: Node | None = None
    """Only requests on connections to this node of the cluster."""

    def __post_init__(self) -> None:
        if self.to_seconds is not None and self.from_seconds >= self.to_seconds:
            raise ValueError("`to_seconds` is not above `from_seconds`: make it later")
        if self.to_request is not None and self.from_request >= self.to_request:
            raise ValueError("`to_request` is not above `from_request`: make it later")

    def concerns(self, arrival: Arrival) -> bool:
        """Whether that request is one of them."""
        return self.is_open(arrival) and (self.agents is None or arrival.agent in self.agents)

    def is_open(self, arrival: Arrival) -> bool:
        """Whether a request at that moment, of that number, on that node is one for some agent."""
        return (
            (self.node is None or self.node == arrival.node)
            and self.is_during(arrival.seconds)
            and self.from_request <= arrival.number
            and (self.to_request is None or arrival.number < self.to_request)
        )

    def is_during(self, seconds: float) -> bool:
        """Whether some request at that moment is one of them."""
        return self.from_seconds <= seconds and (
            self.to_seconds is None or seconds < self.to_seconds
        )


class Excess(msgspec.Struct, frozen=True):
    """Requests of which more than all are claimed."""

    total: float
    """The sum of the shares."""
    where: str
    """Which they are: ` for agent 101 from second 2 from request 300 on node 3`; "" for all."""


def find_excess(scopes: Sequence[FaultScope]) -> Excess | None:
    """The first requests whose shares add up to more than 1; None where there are none.

    Only moments, numbers, agents and nodes where something begins are looked at. Everywhere else
    the same shares meet as at one of these, or fewer. Any number may arrive at any moment.
    """
    for place in _beginnings(scopes):
        now = [scope for scope in scopes if scope.is_open(place)]
        agent = None if _is_enough_for(now) else _crowded_agent(now)
        if agent is not None:
            crowded = msgspec.structs.replace(place, agent=agent)
            met = [scope for scope in now if scope.concerns(crowded)]
            return Excess(math.fsum(scope.share for scope in met), _where(met, crowded))
    return None


def _beginnings(scopes: Sequence[FaultScope]) -> Iterator[Arrival]:
    """Every node, moment and number at which something begins; the agent is left open.

    Places where the shares cannot add up to more than 1 are passed over, so that hundreds of
    faults that meet nowhere are looked at in no time.
    """
    if _is_enough_for(scopes):
        return
    named = {scope.node for scope in scopes if scope.node is not None}
    for node in sorted(named) or [1]:
        here = [scope for scope in scopes if scope.node in (None, node)]
        for seconds in sorted({scope.from_seconds for scope in here}):
            then = [scope for scope in here if scope.is_during(seconds)]
            if not _is_enough_for(then):
                for number in sorted({scope.from_request for scope in then}):
                    yield Arrival(NOBODY, seconds, node, number)


def _is_enough_for(scopes: Sequence[FaultScope]) -> bool:
    return math.fsum(scope.share for scope in scopes) <= 1 + ROUNDING


def _crowded_agent(scopes: Sequence[FaultScope]) -> int | None:
    """The first agent whose shares add up to more than 1; one sweep over all ranges finds it."""
    changes: defaultdict[int, float] = defaultdict(float)
    for scope in scopes:
        if scope.agents is None:
            changes[NOBODY] += scope.share
        else:
            for numbers in scope.agents.ranges:
                changes[numbers.start] += scope.share
                changes[numbers.stop] -= scope.share
    total = 0.0
    for agent in sorted(changes):
        total += changes[agent]
        if total > 1 + ROUNDING:
            return agent
    return None


def _where(met: Sequence[FaultScope], crowded: Arrival) -> str:
    """Which requests these are, in the fewest words that tell them from others."""
    words = ""
    if any(scope.agents is not None for scope in met):
        words += f" for agent {crowded.agent}"
    if any(scope.from_seconds > 0 or scope.to_seconds is not None for scope in met):
        words += f" from second {crowded.seconds:g}"
    if any(scope.from_request > 1 or scope.to_request is not None for scope in met):
        words += f" from request {crowded.number}"
    for node in {scope.node for scope in met} - {None}:
        words += f" on node {node}"
    return words
