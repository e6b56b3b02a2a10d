"""Worlds that fail are made smaller for as long as the same fails, and that comes to an end."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from tests.simulation.draw import draw
from tests.simulation.draw.rosters import agents_of, assignments
from tests.simulation.draw.settings import settings_of
from tests.simulation.shrink import shrink, smaller
from tests.simulation.world import EventKind, FaultKind, World


def is_sound(world: World) -> bool:
    """Whether nothing in a world names what is not there."""
    rosters = {roster.name for roster in world.rosters}
    gateways = {gateway.name for gateway in world.gateways}
    begun = {event.process for event in world.events if event.kind is EventKind.START}
    agents = set(agents_of(world.rosters))
    return (
        bool(begun)
        and all(assignments(roster) for roster in world.rosters)
        and all(event.process in {*begun, 0} for event in world.events)
        and all(fault.gateway in gateways for fault in world.faults)
        and all((at.name, agent) in agents for at in world.gateways for agent in at.absent)
        and all(row.gateway in gateways for roster in world.rosters for row in roster.rows)
        and all(
            command.roster in {*rosters, ""}
            for event in world.events
            if (command := event.command) is not None
            if settings_of(world, command) is not None
        )
    )


def test_every_smaller_world_is_sound() -> None:
    for seed in range(12):
        world = draw(seed)
        assert is_sound(world)
        for other in smaller(world):
            assert is_sound(other)
            assert other != world


def has_a_stray(world: World) -> bool:
    return any(fault.kind is FaultKind.STRAY for fault in world.faults)


def has_two_processes(world: World) -> bool:
    return sum(event.kind is EventKind.START for event in world.events) > 1


def has_three_agents(world: World) -> bool:
    return len(agents_of(world.rosters)) > 2


CASES = [
    pytest.param(has_a_stray, (1, 1, 1, 0), id="a stray reply"),
    pytest.param(has_two_processes, (1, 2, 0, 0), id="two processes"),
    pytest.param(has_three_agents, (3, 1, 0, 0), id="three agents"),
]


@pytest.mark.parametrize(("fails", "left"), CASES)
def test_what_has_nothing_to_do_with_a_failure_is_left_out(
    fails: Callable[[World], bool], left: tuple[int, int, int, int]
) -> None:
    for world in [world for seed in range(60) if fails(world := draw(seed))][:3]:
        least = shrink(world, fails)
        assert fails(least)
        begun = [event for event in least.events if event.kind is EventKind.START]
        agents = len(agents_of(least.rosters))
        found = (agents, len(begun), len(least.faults), len(least.events) - len(begun))
        assert found == left
        assert least.settings.keys() == {"gateways"}
        assert len(least.gateways) <= agents


def test_shrinking_ends_with_its_time() -> None:
    tries = count()
    world = draw(5)
    least = shrink(world, lambda other: True, lambda: next(tries) < 3)
    assert least != world
    assert next(tries) < 40


def test_a_world_in_which_nothing_can_be_left_out_stays() -> None:
    world = draw(7)
    assert shrink(world, lambda other: False) == world
