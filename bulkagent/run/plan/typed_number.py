"""How a person agrees: when a word is enough, and when the number has to be typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bulkagent.run.plan.request import PlanPart

_MANY = 500
"""Above so many, a number is typed whatever else is known (design of the consent)."""
_SOME = 100
"""From so many on, it depends on how large the gateway is known to be."""


def going_off(parts: Iterable[PlanPart]) -> dict[str, int]:
    """How many agents a plan takes off at each gateway."""
    off: dict[str, int] = {}
    for part in parts:
        if part.flag == "0" and part.agents:
            off[part.gateway] = off.get(part.gateway, 0) + part.agents
    return off


def number_to_type(off: Mapping[str, int], set_before: Callable[[str, int], int]) -> int:
    """The number that a person has to type before so many agents stop taking calls.

    A whole shift that nobody answers begins with a wrong file and a quick "y". So a number is
    typed for more than 500 agents, and from 100 on for more than half of those whom earlier runs
    have set at that gateway.

    Args:
        off: Agents that go off, by gateway.
        set_before: How many agents earlier runs have set at a gateway, counted up to a number.

    Returns:
        All agents that go off; 0 where a word is enough.
    """
    total = sum(off.values())
    if total > _MANY:
        return total
    for gateway, agents in off.items():
        if agents >= _SOME and 0 < set_before(gateway, 2 * agents) < 2 * agents:
            return total
    return 0
