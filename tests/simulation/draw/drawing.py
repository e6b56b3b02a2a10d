"""A seed to its world."""

from __future__ import annotations

import msgspec

from tests.simulation.draw.choices import Facts, draw_settings
from tests.simulation.draw.dice import Dice
from tests.simulation.draw.draft import Draft
from tests.simulation.draw.outputs import with_outputs
from tests.simulation.draw.people import observed
from tests.simulation.draw.profiles import PROFILES, Profile
from tests.simulation.draw.rosters import Shape, assignments, draw_roster
from tests.simulation.draw.sizes import draw_sizes
from tests.simulation.world import (
    Event,
    EventKind,
    GatewayModel,
    Roster,
    Row,
    SourceKind,
    World,
    url_of,
)

_NAMES = ("east", "west", "north")
_SIZES = (((1, 12), 50.0), ((8, 40), 36.0), ((40, 120), 11.0), ((120, 400), 3.0))
"""How many agents, and how often: most mornings cost little."""
_SOURCES = ((SourceKind.FILE, 4.0), (SourceKind.SERVICE, 3.0), (SourceKind.COLUMN, 3.0))
_OBSERVED = 0.06
_SETTLED_S = 1.0
"""After the last trouble."""


def draw(seed: int) -> World:
    """The world of a seed."""
    dice = Dice(seed)
    profile = dice.weighted([(each, each.weight) for each in PROFILES])
    draft = _surroundings(dice, profile)
    _main_run(draft)
    for trouble in profile.always:
        trouble(draft)
    for trouble in profile.sometimes:
        if dice.chance(profile.often):
            trouble(draft)
    if dice.chance(_OBSERVED):
        observed(draft)
    draft.all_asked(lambda command: with_outputs(dice, command))
    events = tuple(sorted(draft.events, key=lambda event: event.at_s))
    world = World(
        seed=seed,
        profile=profile.name,
        rosters=tuple(draft.rosters),
        gateways=tuple(_in_order(gateway) for gateway in draft.gateways),
        faults=tuple(draft.faults),
        source=draft.source,
        source_faults=tuple(draft.source_faults),
        settings=dict(sorted(draft.settings.items())),
        events=events,
        ends_s=0.0,
        sizes=draw_sizes(dice),
    )
    return msgspec.structs.replace(world, ends_s=last_trouble_s(world))


def _in_order(gateway: GatewayModel) -> GatewayModel:
    """The same with its agents in the order that a file has them in."""
    of_agents = {
        name: dict(sorted(getattr(gateway, name).items())) for name in ("absent", "leaves", "newer")
    }
    return msgspec.structs.replace(gateway, **of_agents)


def _surroundings(dice: Dice, profile: Profile) -> Draft:
    gateways = dice.weighted([(1, 6.0), (2, 3.0), (3, 1.0)])
    low, high = dice.weighted(_SIZES)
    agents = dice.whole(low, high)
    both = dice.chance(profile.both_flags)
    shape = Shape(
        agents=agents,
        gateways=_NAMES[:gateways],
        flags=("0", "1") if both else (dice.one_of("01"),),
        coming=dice.one_of((0.2, 0.5, 0.5, 0.8)),
        teams=dice.whole(2, 4) if dice.chance(profile.teams) else 0,
        duplicates=dice.size(1, 3) if dice.chance(0.15) else 0,
        invalid=dice.size(1, 3) if dice.chance(0.15) else 0,
    )
    roster = draw_roster(dice, "shift", shape)
    models = [_gateway(dice, name, roster) for name in shape.gateways]
    rows = assignments(roster)
    facts = Facts(
        agents=max(sum(row.gateway == name for row in rows) for name in shape.gateways),
        latency_s=max(model.latency_s for model in models),
        gateways=shape.gateways,
        names=tuple(row.agent for row in rows),
        teams=shape.teams,
        closing=_has_closing_team(rows),
    )
    settings = draw_settings(dice, facts, profile.keen)
    settings["gateways"] = {name: {"url": url_of(name)} for name in sorted(shape.gateways)}
    return Draft(dice, roster, models, settings, dice.weighted(_SOURCES))


def _has_closing_team(rows: list[Row]) -> bool:
    going = {place for row in rows if row.flag == "0" for place in (row.group, row.gateway)}
    coming = {place for row in rows if row.flag == "1" for place in (row.group, row.gateway)}
    return not going <= coming


def _gateway(dice: Dice, name: str, roster: Roster) -> GatewayModel:
    """A gateway at which most agents are as a shift before them has left them."""
    here = [row for row in assignments(roster) if row.gateway == name]
    on = [row.agent for row in here if (row.flag == "0") is dice.chance(0.9)]
    return GatewayModel(
        name=name,
        latency_s=dice.scale(0.005, 0.3),
        spread=dice.one_of((0.1, 0.3, 0.5, 0.8)),
        on=frozenset(on),
    )


def _main_run(draft: Draft) -> None:
    dice = draft.dice
    command = draft.apply(
        draft.roster.name,
        person=dice.chance(0.35),
        or_resume=dice.chance(0.35),
        start_in_s=dice.number(0.5, 20) if dice.chance(0.04) else 0.0,
    )
    draft.begins_s = round(draft.begins_s + command.start_in_s, 3)
    again = dice.size(1, 4) if dice.chance(0.15) else 0
    draft.start(round(draft.begins_s - command.start_in_s, 3), command, again=again)


def last_trouble_s(world: World) -> float:
    """The time by which everything that a world has in store has happened."""
    of_gateways = (
        time
        for gateway in world.gateways
        for time in (
            *gateway.absent.values(),
            *gateway.leaves.values(),
            *gateway.newer.values(),
            *(begins_s + length_s for begins_s, length_s, _ in gateway.failovers),
        )
    )
    of_faults = (fault.ends_s for fault in (*world.faults, *world.source_faults))
    of_events = (_ends_s(event) for event in world.events)
    return round(max((0.0, *of_gateways, *of_faults, *of_events)) + _SETTLED_S, 3)


_LASTING = (EventKind.DISK_FULL, EventKind.READ_ONLY)


def _ends_s(event: Event) -> float:
    waits_s = event.command.start_in_s if event.command else 0.0
    return event.at_s + (event.seconds if event.kind in _LASTING else 0.0) + waits_s
