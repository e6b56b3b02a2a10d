"""Which requests a fault can strike, and where several faults claim more than all of them.

What may live here: a fault's share of the requests, the agents, seconds and node that it is
for, and the adding up of shares. What this module must not know: what a fault does, what it
has done so far, or which agents exist.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from bulkagent.emulator.agent_ids import AgentIds

__all__ = ["MOST_NODES", "Excess", "Ids", "Reach", "find_excess"]

MOST_NODES = 64
"""More than a cluster behind one load balancer has, and few enough to check all of them."""

LONGEST_SECONDS = 86_400
"""One day: longer than any run against an emulated gateway."""

ROUNDING = 1e-9
"""Ten shares of 0.1 are all requests, whatever their floating-point sum says."""

NOBODY = 0
"""The number of no agent ID: what strikes it strikes every agent."""

Ids = Annotated[AgentIds, Meta(description='Give agent IDs and ranges of them: "101-200,305".')]
Seconds = Annotated[
    float, Meta(ge=0, le=LONGEST_SECONDS, description="Give seconds, from 0 to 86400.")
]

Node = Annotated[int, Meta(ge=1, le=MOST_NODES, description="Give a node, from 1 to 64.")]


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the requests for these agents, within these seconds, on this node."""

    share: Annotated[
        float, Meta(ge=0, le=1, description="Give the share of the requests, from 0 to 1.")
    ]
    agents: Ids | None = None
    """Only requests for these agents."""
    from_seconds: Seconds = 0.0
    """Only requests that arrive then or later, counted from the arrival of the first of all."""
    to_seconds: Seconds | None = None
    """Only requests that arrive before that; None for no end."""
    node: Node | None = None
    """Only requests on connections to this node of the cluster."""

    def __post_init__(self) -> None:
        if self.to_seconds is not None and self.from_seconds >= self.to_seconds:
            raise ValueError("`to_seconds` is not above `from_seconds`: make it later")

    def concerns(self, agent: int, seconds: float, node: int) -> bool:
        """Whether a request for that agent, at that moment, on that node is one of them."""
        return self.is_open(seconds, node) and (self.agents is None or agent in self.agents)

    def is_open(self, seconds: float, node: int) -> bool:
        """Whether a request at that moment, on that node, is one of them for some agent."""
        return (
            (self.node is None or self.node == node)
            and self.from_seconds <= seconds
            and (self.to_seconds is None or seconds < self.to_seconds)
        )


class Excess(msgspec.Struct, frozen=True):
    """Requests of which more than all are claimed."""

    total: float
    """What the shares add up to."""
    where: str
    """Which requests they are: ` for agent 101 from second 2 on node 3`; "" for all."""


def find_excess(reaches: Sequence[Reach]) -> Excess | None:
    """The first requests whose shares add up to more than 1; None where there are none.

    Only those moments, agents and nodes are looked at where something begins: everywhere else
    the same shares meet as at one of these, or fewer.
    """
    if _is_enough_for(reaches):
        return None
    named = {reach.node for reach in reaches if reach.node is not None}
    for node in sorted(named) or [1]:
        here = [reach for reach in reaches if reach.node in (None, node)]
        for seconds in sorted({reach.from_seconds for reach in here}):
            now = [reach for reach in here if reach.is_open(seconds, node)]
            agent = None if _is_enough_for(now) else _crowded_agent(now)
            if agent is not None:
                met = [reach for reach in now if reach.concerns(agent, seconds, node)]
                return Excess(math.fsum(reach.share for reach in met), _where(met, agent, seconds))
    return None


def _is_enough_for(reaches: Sequence[Reach]) -> bool:
    return math.fsum(reach.share for reach in reaches) <= 1 + ROUNDING


def _crowded_agent(reaches: Sequence[Reach]) -> int | None:
    """The first agent whose shares add up to more than 1; one sweep over all ranges finds it."""
    changes: defaultdict[int, float] = defaultdict(float)
    for reach in reaches:
        if reach.agents is None:
            changes[NOBODY] += reach.share
        else:
            for numbers in reach.agents.ranges:
                changes[numbers.start] += reach.share
                changes[numbers.stop] -= reach.share
    total = 0.0
    for agent in sorted(changes):
        total += changes[agent]
        if total > 1 + ROUNDING:
            return agent
    return None


def _where(met: Sequence[Reach], agent: int, seconds: float) -> str:
    """Says no more than what tells these requests from others."""
    words = ""
    if any(reach.agents is not None for reach in met):
        words += f" for agent {agent}"
    if any(reach.from_seconds > 0 or reach.to_seconds is not None for reach in met):
        words += f" from second {seconds:g}"
    for node in {reach.node for reach in met} - {None}:
        words += f" on node {node}"
    return words
