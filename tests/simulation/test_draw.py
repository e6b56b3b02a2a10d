"""Worlds from seeds: the same seed gives the same world, and all that can happen does happen."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import msgspec
import pytest

from bulkagent.model import Status
from bulkagent.roster import RosterRow
from bulkagent.settings import Settings
from tests.roster.reading import everything
from tests.simulation.draw import draw
from tests.simulation.draw.faults import OF_CONNECTIONS, OF_REQUESTS
from tests.simulation.draw.profiles import PROFILES
from tests.simulation.draw.rosters import (
    agents_of,
    flag_of,
    gateway_of,
    sessions_text,
    text_of,
)
from tests.simulation.draw.settings import settings_of
from tests.simulation.surroundings.courses import CHANGES, CONNECTING
from tests.simulation.world import (
    READING,
    SENDING,
    Command,
    CommandKind,
    EventKind,
    FaultKind,
    RowKind,
    SourceKind,
    World,
)

SEEDS = 2_000
FEW = range(150)
GUID = "7f3c1b52-9d1e-4c55-8a53-0d2b6f9e4a11.AgentGateway0"


@cache
def worlds() -> tuple[World, ...]:
    return tuple(draw(seed) for seed in range(SEEDS))


def commands(world: World) -> Iterator[Command]:
    return (event.command for event in world.events if event.command is not None)


def fingerprint() -> str:
    """Of the worlds of a few seeds, to the byte."""
    written = (msgspec.json.encode(draw(seed), order="deterministic") for seed in FEW)
    return hashlib.sha256(b"\n".join(written)).hexdigest()


@pytest.mark.parametrize("hash_seed", ["1", "77"])
def test_the_same_seed_gives_the_same_world_in_every_process(hash_seed: str) -> None:
    program = "from tests.simulation.test_draw import fingerprint; print(fingerprint())"
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.strip() == fingerprint()


def test_a_world_is_the_same_after_it_was_written_down() -> None:
    for seed in FEW:
        world = draw(seed)
        assert msgspec.json.decode(msgspec.json.encode(world), type=World) == world


def test_all_that_can_happen_does_happen() -> None:
    drawn = worlds()
    assert {fault.kind for world in drawn for fault in world.faults} == set(FaultKind)
    assert {event.kind for world in drawn for event in world.events} == set(EventKind)
    assert {command.kind for world in drawn for command in commands(world)} == set(CommandKind)
    assert {world.source for world in drawn} == set(SourceKind)
    assert {world.profile for world in drawn} == {profile.name for profile in PROFILES}
    kinds = {row.kind for world in drawn for roster in world.rosters for row in roster.rows}
    assert kinds == set(RowKind)
    assert any(world.source_faults for world in drawn)
    for of_gateway in ("absent", "leaves", "newer", "failovers", "on"):
        assert any(getattr(each, of_gateway) for world in drawn for each in world.gateways)


def test_each_kind_of_fault_has_an_effect_and_is_drawn_by_its_sort() -> None:
    """Else it would do nothing, or be drawn in hardly any world."""
    assert CHANGES.keys() | CONNECTING == set(FaultKind)
    assert {*OF_REQUESTS, *OF_CONNECTIONS} == set(FaultKind)


def test_each_command_is_known_to_send_to_read_or_to_do_neither() -> None:
    """Else the exit code of a new one would be 0 always, and its run would count as changed."""
    assert not SENDING & READING
    assert SENDING | READING | {CommandKind.PRUNE} == set(CommandKind)


def test_every_setting_that_can_be_drawn_is_drawn() -> None:
    drawn = {name for world in worlds() for name in world.settings}
    drawn |= {name for world in worlds() for each in commands(world) for name in each.settings}
    assert drawn == set(Settings.__struct_fields__) - NEVER_DRAWN.keys()


NEVER_DRAWN = {
    "ledger": "the morning has a place for it",
    "guids": "a world says it with its source",
    "agent_id_range": "a number outside is an invalid row, of which each roster has some",
}
"""The settings that no world has, and why."""


def test_settings_are_always_accepted() -> None:
    for world in worlds():
        for command in commands(world):
            settings_of(world, command)


def test_everything_happens_before_the_end_in_the_order_of_times() -> None:
    for world in worlds():
        times = [event.at_s for event in world.events]
        assert times == sorted(times)
        assert min(times) >= 0
        assert max(times) < world.ends_s
        assert all(0 <= each.begins_s < each.ends_s < world.ends_s for each in world.faults)


def test_whatever_is_done_to_a_process_comes_after_its_beginning_in_the_list() -> None:
    for world in worlds():
        begun: set[int] = set()
        for event in world.events:
            if event.kind is EventKind.START:
                begun.add(event.process)
            assert not event.process or event.process in begun, world.seed


def test_mornings_are_small_in_the_mean_and_large_sometimes() -> None:
    sizes = [len(world.rosters[0].rows) for world in worlds()]
    assert sum(sizes) / len(sizes) < 45
    assert max(sizes) > 300


def test_bulkagent_reads_a_roster_as_it_was_drawn() -> None:
    for seed in FEW:
        world = draw(seed)
        for roster in world.rosters:
            _, found = everything(
                text_of(roster, lambda gateway, agent: GUID),
                flag=flag_of(roster),
                default_gateway=gateway_of(roster),
                guid_required=True,
            )
            read = [row for row in found if isinstance(row, RosterRow)]
            assert [
                (row.agent_id, row.gateway, str(row.flag), KINDS[row.status]) for row in read
            ] == [(row.agent, row.gateway, row.flag, row.kind) for row in roster.rows]


KINDS = {
    None: RowKind.ASSIGNMENT,
    Status.DUPLICATE: RowKind.DUPLICATE,
    Status.INVALID: RowKind.INVALID,
}


def test_the_sessions_file_has_a_line_for_each_agent_with_a_session() -> None:
    world = draw(0)
    first, *others = agents_of(world.rosters)
    text = sessions_text(
        world,
        lambda gateway, agent: "" if (gateway, agent) == first else GUID,
        lambda gateway, agent: 1_790_000_000_000,
    )
    lines = [msgspec.json.decode(line) for line in text.splitlines()]
    assert [(line["gateway"], line["agent_id"]) for line in lines] == others
    assert all(line["guid"] == GUID and line["issued_at"] for line in lines)
