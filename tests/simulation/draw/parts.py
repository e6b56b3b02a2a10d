"""A world with a part of it left out, and everything that hung on that part."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

import msgspec

from tests.simulation.draw.drawing import last_trouble_s
from tests.simulation.draw.rosters import agents_of, assignments, with_kinds
from tests.simulation.world import (
    Command,
    Event,
    EventKind,
    Fault,
    GatewayModel,
    Roster,
    Row,
    RowKind,
    World,
)

Agent = tuple[str, str]
"""Gateway and ID."""
StructT = TypeVar("StructT", bound=msgspec.Struct)


def changed(part: StructT, **fields: Any) -> StructT:
    """The same with other fields."""
    return msgspec.structs.replace(part, **fields)


def processes_of(world: World) -> list[int]:
    """The numbers of all processes, in the order of their beginnings."""
    return [event.process for event in world.events if event.kind is EventKind.START]


def without_processes(world: World, numbers: Collection[int]) -> World:
    """Without these processes, all that is done to them, and what others say of them."""
    names = {f"process:{number}" for number in numbers}
    events = (
        changed(event, command=_without_names(event.command, names)) if event.command else event
        for event in world.events
        if event.process not in numbers
    )
    return tidy(changed(world, events=tuple(events)))


def _without_names(command: Command, names: set[str]) -> Command:
    return changed(
        command,
        run="last" if command.run in names else command.run,
        take_over="" if command.take_over in names else command.take_over,
    )


def without_event(world: World, event: Event) -> World:
    """Without something that happens."""
    events = list(world.events)
    events.remove(event)
    return tidy(changed(world, events=tuple(events)))


def without_agents(world: World, agents: Collection[Agent]) -> World:
    """Without these agents, wherever they are named."""

    def is_kept(row: Row) -> bool:
        return row.kind is RowKind.INVALID or (row.gateway, row.agent) not in agents

    rosters = (
        Roster(roster.name, with_kinds(filter(is_kept, roster.rows))) for roster in world.rosters
    )
    return tidy(changed(world, rosters=tuple(rosters)))


def without_row(world: World, roster: Roster, place: int) -> World:
    """Without one row of one roster."""
    left = Roster(roster.name, with_kinds((*roster.rows[:place], *roster.rows[place + 1 :])))
    rosters = (left if each is roster else each for each in world.rosters)
    return tidy(changed(world, rosters=tuple(rosters)))


def without_gateway(world: World, name: str) -> World:
    """Without a gateway and all its agents."""
    rosters = (
        Roster(roster.name, tuple(row for row in roster.rows if row.gateway != name))
        for roster in world.rosters
    )
    sections = {at: url for at, url in world.settings["gateways"].items() if at != name}
    return tidy(
        changed(
            world,
            rosters=tuple(rosters),
            gateways=tuple(each for each in world.gateways if each.name != name),
            faults=tuple(fault for fault in world.faults if fault.gateway != name),
            settings={**world.settings, "gateways": sections},
        )
    )


def with_event(world: World, event: Event, other: Event) -> World:
    """With another event in the place of one."""
    events = (other if each is event else each for each in world.events)
    return tidy(changed(world, events=tuple(events)))


def tidy(world: World) -> World:
    """The world without what nothing is left of.

    Rosters go that no command has, processes whose roster has nobody to set, and agents that are in
    no roster.
    """
    usable = {roster.name: roster for roster in world.rosters if assignments(roster)}
    without = {
        event.process
        for event in world.events
        if event.command and event.command.roster and event.command.roster not in usable
    }
    if without:
        return without_processes(world, without)
    used = {event.command.roster for event in world.events if event.command}
    events = (
        changed(event, command=_with_its_rows(event.command, usable)) if event.command else event
        for event in sorted(world.events, key=lambda event: event.at_s)
    )
    rosters = tuple(roster for name, roster in usable.items() if name in used)
    agents = frozenset(agents_of(rosters))
    left = changed(
        world,
        events=tuple(events),
        rosters=rosters,
        gateways=tuple(_with_agents(gateway, agents) for gateway in world.gateways),
        faults=tuple(_faults_about(world.faults, agents)),
    )
    return changed(left, ends_s=last_trouble_s(left))


def _with_agents(gateway: GatewayModel, agents: Collection[Agent]) -> GatewayModel:
    here = frozenset(agent for at, agent in agents if at == gateway.name)
    named = {
        name: {agent: at_s for agent, at_s in getattr(gateway, name).items() if agent in here}
        for name in ("absent", "leaves", "newer")
    }
    return changed(gateway, on=gateway.on & here, **named)


def _faults_about(faults: Iterable[Fault], agents: Collection[Agent]) -> Iterable[Fault]:
    for fault in faults:
        left = frozenset(agent for agent in fault.agents if (fault.gateway, agent) in agents)
        # About nobody is not about all.
        if left or not fault.agents:
            yield changed(fault, agents=left)


def _with_its_rows(command: Command, rosters: dict[str, Roster]) -> Command:
    """The command, which leaves out no more rows than there are."""
    roster = rosters.get(command.roster)
    invalid = sum(row.kind is RowKind.INVALID for row in roster.rows) if roster else 0
    return changed(command, skip_invalid=min(command.skip_invalid, invalid))
