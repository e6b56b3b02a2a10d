"""A world in words, for people who look for what went wrong in it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tests.simulation.world import Command, Event, Fault, GatewayModel, Roster, Row, RowKind, World

_MOST_ROWS = 12


def told(world: World) -> Iterator[str]:
    """Lines: what there is, and then what happens in the order of times."""
    yield f"world    seed {world.seed}, {world.profile}; troubles end at {world.ends_s:g} s"
    settings = {name: value for name, value in sorted(world.settings.items()) if name != "gateways"}
    yield f"settings {_fields(settings) or 'the defaults'}; GUIDs from: {world.source.value}"
    if world.sizes:
        yield f"sizes    {_fields(dict(sorted(world.sizes.items())))}"
    for gateway in world.gateways:
        yield f"gateway  {_gateway(gateway)}"
    for roster in world.rosters:
        yield f"roster   {_roster(roster)}"
    happens = [
        *((event.at_s, _event(event)) for event in world.events),
        *((fault.begins_s, _fault(fault)) for fault in (*world.faults, *world.source_faults)),
    ]
    for at_s, words in sorted(happens, key=lambda each: each[0]):
        yield f"{at_s:8.3f} {words}"


def _fields(fields: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items())


def _unusual(part: msgspec.Struct, *told_already: str) -> str:
    """The fields of a record that are not as they are by default."""
    fields = msgspec.structs.fields(type(part))
    return _fields(
        {
            field.name: _plain(value)
            for field in fields
            if field.name not in told_already
            and (value := getattr(part, field.name)) != field.default
            and value not in ({}, (), frozenset())
        }
    )


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value


def _gateway(gateway: GatewayModel) -> str:
    return f"{gateway.name}: {_unusual(gateway, 'name')}"


def _roster(roster: Roster) -> str:
    rows = [_row(row) for row in roster.rows[:_MOST_ROWS]]
    more = len(roster.rows) - len(rows)
    return f"{roster.name}: {', '.join(rows)}{f' and {more} more' if more else ''}"


def _row(row: Row) -> str:
    kind = "" if row.kind is RowKind.ASSIGNMENT else f" ({row.kind.value})"
    team = f" of {row.group}" if row.group else ""
    return f"{row.gateway}/{row.agent or 'nobody'}={row.flag}{team}{kind}"


def _event(event: Event) -> str:
    if event.command is None:
        return f"{event.kind.value}: {_unusual(event, 'kind', 'at_s')}"
    also = _unusual(event, "kind", "at_s", "process", "command")
    return f"process {event.process}: {_command(event.command)}{f'; {also}' if also else ''}"


def _command(command: Command) -> str:
    options = _unusual(command, "kind", "roster", "run")
    about = command.roster or command.run
    return f"{command.kind.value} {about}{f', {options}' if options else ''}"


def _fault(fault: Fault) -> str:
    where = fault.gateway or "the service of GUIDs"
    also = _unusual(fault, "kind", "gateway", "begins_s", "ends_s")
    return f"until {fault.ends_s:g}: {fault.kind.value} at {where}{f', {also}' if also else ''}"
