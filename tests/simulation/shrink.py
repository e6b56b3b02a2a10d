"""Worlds that fail, made smaller: whatever can be left out without curing it is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TypeVar

import msgspec

from tests.simulation.draw.parts import (
    StructT,
    changed,
    processes_of,
    tidy,
    with_event,
    without_agents,
    without_event,
    without_gateway,
    without_processes,
    without_row,
)
from tests.simulation.draw.rosters import agents_of
from tests.simulation.world import (
    Command,
    Event,
    EventKind,
    Fault,
    GatewayModel,
    RowKind,
    SourceKind,
    World,
)

_SHORTEST_S = 0.05
"""A fault that holds for less is not narrowed further."""
_LATENCY_S = 0.05

T = TypeVar("T")
Reduce = Callable[[World], Iterator[World]]


def _fewer_processes(world: World) -> Iterator[World]:
    numbers = processes_of(world)
    for half in _chunks(numbers):
        if len(half) < len(numbers):
            yield without_processes(world, half)


def _fewer_faults(world: World) -> Iterator[World]:
    for chunk in _chunks(world.faults):
        yield tidy(changed(world, faults=_without(world.faults, chunk)))
    for chunk in _chunks(world.source_faults):
        yield tidy(changed(world, source_faults=_without(world.source_faults, chunk)))


def _fewer_gateways(world: World) -> Iterator[World]:
    if len(world.gateways) > 1:
        for gateway in world.gateways:
            yield without_gateway(world, gateway.name)


def _fewer_agents(world: World) -> Iterator[World]:
    agents = agents_of(world.rosters)
    for chunk in _chunks(agents):
        if len(chunk) < len(agents):
            yield without_agents(world, frozenset(chunk))


def _fewer_events(world: World) -> Iterator[World]:
    for event in world.events:
        if event.kind is not EventKind.START:
            yield without_event(world, event)


def _fewer_odd_rows(world: World) -> Iterator[World]:
    for roster in world.rosters:
        for place, row in enumerate(roster.rows):
            if row.kind is not RowKind.ASSIGNMENT:
                yield without_row(world, roster, place)


_TOGETHER = ({"timeout_s", "connect_timeout_s"}, {"gateways"})
"""Settings that cannot be left out alone, and the one that cannot be left out."""


def _fewer_settings(world: World) -> Iterator[World]:
    alone = [{name} for name in world.settings if not any(name in some for some in _TOGETHER)]
    for names in (*alone, _TOGETHER[0]):
        left = {name: value for name, value in world.settings.items() if name not in names}
        yield tidy(changed(world, settings=left))


def _usual_sizes(world: World) -> Iterator[World]:
    for chunk in _chunks(list(world.sizes)):
        left = {name: number for name, number in world.sizes.items() if name not in chunk}
        yield changed(world, sizes=left)


_PLAIN_COMMAND = (
    "files",
    "finish_in_s",
    "only",
    "start_in_s",
    "settings",
    "override",
    "take_over",
    "assume_opposite",
    "person",
    "or_resume",
)
_PLAIN_EVENT = ("again", "ahead_s")
_EVENT = Event(EventKind.KILL, at_s=0.0)


def _plainer_commands(world: World) -> Iterator[World]:
    for event in world.events:
        for name in _PLAIN_EVENT:
            yield with_event(world, event, _with_default(event, name, _EVENT))
        if event.command is not None:
            usual = Command(event.command.kind)
            for name in _PLAIN_COMMAND:
                command = _with_default(event.command, name, usual)
                yield with_event(world, event, changed(event, command=command))


_OF_AGENTS = ("absent", "leaves", "newer")


def _plainer_gateways(world: World) -> Iterator[World]:
    for place, gateway in enumerate(world.gateways):
        for plainer in _plainer(gateway):
            gateways = (*world.gateways[:place], plainer, *world.gateways[place + 1 :])
            yield tidy(changed(world, gateways=gateways))


def _plainer(gateway: GatewayModel) -> Iterator[GatewayModel]:
    for name in _OF_AGENTS:
        times: Mapping[str, float] = getattr(gateway, name)
        for chunk in _chunks(list(times)):
            left = {agent: at_s for agent, at_s in times.items() if agent not in chunk}
            yield changed(gateway, **{name: left})
    for failovers in _chunks(gateway.failovers):
        yield changed(gateway, failovers=_without(gateway.failovers, failovers))
    yield changed(gateway, on=frozenset())
    yield changed(gateway, latency_s=_LATENCY_S, spread=min(0.1, gateway.spread))


def _plainer_source(world: World) -> Iterator[World]:
    yield tidy(changed(world, source=SourceKind.COLUMN, source_faults=()))


def _no_teams(world: World) -> Iterator[World]:
    rosters = (
        changed(roster, rows=tuple(changed(row, group="") for row in roster.rows))
        for roster in world.rosters
    )
    # An agent ID is missing only where another cell makes it a row.
    if world.settings.get("group_by") != "group" and not any(
        row.agent == "" for roster in world.rosters for row in roster.rows
    ):
        yield tidy(changed(world, rosters=tuple(rosters)))


def _narrower_faults(world: World) -> Iterator[World]:
    for field in ("faults", "source_faults"):
        faults: tuple[Fault, ...] = getattr(world, field)
        for place, fault in enumerate(faults):
            for narrower in _narrower(fault):
                left = (*faults[:place], narrower, *faults[place + 1 :])
                yield tidy(changed(world, **{field: left}))


def _narrower(fault: Fault) -> Iterator[Fault]:
    length_s = fault.ends_s - fault.begins_s
    if length_s > 2 * _SHORTEST_S:
        middle_s = round(fault.begins_s + length_s / 2, 3)
        yield changed(fault, ends_s=middle_s)
        yield changed(fault, begins_s=middle_s)
    for chunk in _chunks(sorted(fault.agents)):
        if len(chunk) < len(fault.agents):
            yield changed(fault, agents=fault.agents - set(chunk))
    yield changed(fault, share=1.0)


def _rounder_times(world: World) -> Iterator[World]:
    for digits in (0, 1, 2):
        for event in world.events:
            yield with_event(world, event, changed(event, at_s=round(event.at_s, digits)))
        for field in ("faults", "source_faults"):
            faults: tuple[Fault, ...] = getattr(world, field)
            for place, fault in enumerate(faults):
                rounder = _rounder(fault, digits)
                left = (*faults[:place], rounder, *faults[place + 1 :])
                yield tidy(changed(world, **{field: left}))


def _rounder(fault: Fault, digits: int) -> Fault:
    begins_s, ends_s = round(fault.begins_s, digits), round(fault.ends_s, digits)
    # A fault that grew would be narrowed and rounded for ever.
    grows = ends_s - begins_s > fault.ends_s - fault.begins_s
    return (
        fault if grows or begins_s >= ends_s else changed(fault, begins_s=begins_s, ends_s=ends_s)
    )


REDUCTIONS: tuple[Reduce, ...] = (
    _fewer_processes,
    _fewer_faults,
    _fewer_gateways,
    _fewer_agents,
    _fewer_events,
    _fewer_odd_rows,
    _fewer_settings,
    _usual_sizes,
    _plainer_source,
    _plainer_commands,
    _plainer_gateways,
    _no_teams,
    _narrower_faults,
    _rounder_times,
)
"""Ways to make a world smaller: first those that save most."""


def smaller(world: World) -> Iterator[World]:
    """Worlds that are smaller by one part, or by several of a kind: the largest parts first."""
    return chain.from_iterable(_others(reduce, world) for reduce in REDUCTIONS)


def _others(reduce: Reduce, world: World) -> Iterator[World]:
    # Without a roster nobody begins a run.
    return (other for other in reduce(world) if other != world and other.rosters)


def shrink(
    world: World, fails: Callable[[World], bool], within: Callable[[], bool] = lambda: True
) -> World:
    """The smallest world that is found in which the same fails.

    Args:
        world: One that fails.
        fails: Whether another does.
        within: Whether there is time to try another one.
    """
    tried: set[bytes] = set()

    def is_new(other: World) -> bool:
        written = msgspec.json.encode(other, order="deterministic")
        seen = written in tried
        tried.add(written)
        return not seen

    before = None
    while before != world:
        before = world
        for reduce in REDUCTIONS:
            place = 0
            while (other := next(islice(_others(reduce, world), place, None), None)) and within():
                if is_new(other) and fails(other):
                    # What stood at this place is gone, so the next part stands there now.
                    world = other
                else:
                    place += 1
    return world


def _without(parts: tuple[T, ...], gone: Sequence[T]) -> tuple[T, ...]:
    return tuple(part for part in parts if part not in gone)


def _with_default(part: StructT, name: str, usual: StructT) -> StructT:
    return changed(part, **{name: getattr(usual, name)})


def _chunks(parts: Sequence[T]) -> Iterator[Sequence[T]]:
    """All, halves, quarters and so on, down to single parts."""
    length = len(parts)
    while length:
        for begin in range(0, len(parts), length):
            yield parts[begin : begin + length]
        length = 0 if length == 1 else (length + 1) // 2
