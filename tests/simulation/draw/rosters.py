"""Rosters: drawn, made anew from others, and written as text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tests.simulation.draw.dice import Dice
from tests.simulation.world import Roster, Row, RowKind, World, cookie_of

_LOWEST, _HIGHEST = 101, 59_999
_DEFECTS = ("10a1", "1234567", "01004", "60000", "99", "temp", "1008.0")
"""Agent IDs as people get them wrong; a report has each as it stands."""
_TEAMS = ("Cedar", "Maple", "Willow", "Birch", "Aspen")

Guids = Callable[[str, str], str]
"""Gateway and agent to GUID."""


class Shape(msgspec.Struct, frozen=True):
    """What a roster is to be like."""

    agents: int
    gateways: tuple[str, ...]
    flags: tuple[str, ...]
    """The flags that rows may have: one or both."""
    coming: float = 0.5
    """The share of agents coming on shift where there are both."""
    teams: int = 0
    duplicates: int = 0
    invalid: int = 0


def draw_roster(dice: Dice, name: str, shape: Shape) -> Roster:
    """A roster of this shape."""
    numbers = dice.sample(range(_LOWEST, _HIGHEST + 1), shape.agents)
    teams = _TEAMS[: shape.teams]
    rows = [
        Row(
            kind=RowKind.ASSIGNMENT,
            agent=str(number),
            gateway=dice.one_of(shape.gateways),
            flag=_flag(dice, shape),
            group=dice.one_of(teams) if teams else "",
        )
        for number in numbers
    ]
    if len(shape.gateways) > 1 and dice.chance(0.3):
        # The same number on another gateway is another agent.
        first, second = shape.gateways[:2]
        twins = [row for row in rows if row.gateway == first]
        rows += [
            msgspec.structs.replace(row, gateway=second, flag=_flag(dice, shape))
            for row in (dice.some_of(twins, 3) if twins else ())
        ]
    rows += [dice.one_of(rows) for _ in range(shape.duplicates)]
    for _ in range(shape.invalid):
        # A row without any cell would be a blank line, so a missing ID needs a team beside it.
        defects = (*_DEFECTS, "") if teams else _DEFECTS
        wrong = msgspec.structs.replace(
            dice.one_of(rows), kind=RowKind.INVALID, agent=dice.one_of(defects)
        )
        rows.append(wrong)
    if shape.duplicates or shape.invalid or dice.chance(0.3):
        rows = dice.shuffled(rows)
    return Roster(name, with_kinds(rows))


def _flag(dice: Dice, shape: Shape) -> str:
    if len(shape.flags) == 1:
        return shape.flags[0]
    return "1" if dice.chance(shape.coming) else "0"


def with_kinds(rows: Iterable[Row]) -> tuple[Row, ...]:
    """The rows with those that repeat an earlier one marked as such, and no others."""
    seen: set[tuple[str, str]] = set()
    settled = []
    for row in rows:
        kind = row.kind
        if kind is not RowKind.INVALID:
            key = (row.gateway, row.agent)
            kind = RowKind.DUPLICATE if key in seen else RowKind.ASSIGNMENT
            seen.add(key)
        settled.append(msgspec.structs.replace(row, kind=kind))
    return tuple(settled)


def in_another_order(dice: Dice, roster: Roster, name: str) -> Roster:
    """The same agents in another order of rows."""
    return Roster(name, with_kinds(dice.shuffled(roster.rows)))


def cut_short(dice: Dice, roster: Roster, name: str) -> Roster:
    """The first rows alone, as of a file that was not written to its end."""
    whole = assignments(roster)
    last = dice.one_of(whole)
    most = dice.whole(roster.rows.index(last) + 1, len(roster.rows))
    return Roster(name, with_kinds(roster.rows[:most]))


def with_other_flags(roster: Roster, name: str) -> Roster:
    """The same rows, each with the opposite flag."""
    return Roster(name, tuple(_opposite(row) for row in roster.rows))


def of_a_lead(dice: Dice, roster: Roster, name: str) -> Roster:
    """A few of the agents with the opposite flag."""
    few = dice.some_of(assignments(roster), 6)
    return Roster(name, with_kinds(map(_opposite, few)))


def of_others(dice: Dice, roster: Roster, name: str) -> Roster:
    """Agents that the roster has not, at the same gateways."""
    taken = {row.agent for row in roster.rows}
    gateways = tuple(dict.fromkeys(row.gateway for row in assignments(roster)))
    shape = Shape(agents=dice.size(1, 30), gateways=gateways, flags=(dice.one_of("01"),))
    drawn = draw_roster(dice, name, shape)
    left = [row for row in drawn.rows if row.agent not in taken] or drawn.rows
    # Where agents have groups, a run by groups needs those of all.
    groups = sorted({row.group for row in roster.rows})
    rows = [msgspec.structs.replace(row, group=dice.one_of(groups)) for row in left]
    return Roster(name, with_kinds(rows))


def going_off(dice: Dice, roster: Roster, name: str) -> Roster:
    """Some of the agents that go off shift, or of all where none does."""
    rows = assignments(roster)
    going = [row for row in rows if row.flag == "0"] or rows
    some = dice.some_of(going, 5)
    return Roster(name, tuple(msgspec.structs.replace(row, flag="0") for row in some))


def _opposite(row: Row) -> Row:
    return msgspec.structs.replace(row, flag="0" if row.flag == "1" else "1")


def assignments(roster: Roster) -> list[Row]:
    """The rows that are to be set."""
    return [row for row in roster.rows if row.kind is RowKind.ASSIGNMENT]


def invalid_rows(roster: Roster) -> int:
    """How many rows cannot be used."""
    return sum(row.kind is RowKind.INVALID for row in roster.rows)


def agents_of(rosters: Iterable[Roster]) -> list[tuple[str, str]]:
    """Gateway and ID of each agent, in the order in which they first stand anywhere."""
    return list(
        dict.fromkeys((row.gateway, row.agent) for each in rosters for row in assignments(each))
    )


def flag_of(roster: Roster) -> int | None:
    """The flag that a command has to give (--flag); None where the file has a column of them."""
    flags = {row.flag for row in roster.rows}
    return None if len(flags) > 1 else int(flags.pop())


def gateway_of(roster: Roster) -> str:
    """The gateway that a command has to give (--gateway); "" where the file has a column."""
    gateways = {row.gateway for row in roster.rows}
    return "" if len(gateways) > 1 else gateways.pop()


def text_of(roster: Roster, guids: Guids | None = None) -> str:
    """The roster as a CSV file; a column stands in it where its cells differ, or are asked for."""
    cells: list[tuple[str, Callable[[Row], str]]] = [("agent_id", lambda row: row.agent)]
    if not gateway_of(roster):
        cells.append(("gateway", lambda row: row.gateway))
    if flag_of(roster) is None:
        cells.append(("flag", lambda row: row.flag))
    if any(row.group for row in roster.rows):
        cells.append(("group", lambda row: row.group))
    if guids is not None:
        known = guids
        cells.append(("guid", lambda row: _guid(row, known)))
    header = [name for name, _ in cells]
    return _csv(header, ([cell(row) for _, cell in cells] for row in roster.rows))


def _guid(row: Row, guids: Guids) -> str:
    return "" if row.kind is RowKind.INVALID else guids(row.gateway, row.agent)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return written.getvalue()


def sessions_text(
    world: World, guids: Guids, issued_ms: Callable[[str, str], int] | None = None
) -> str:
    """The sessions file of all agents of a world, as JSON Lines.

    Args:
        world: Its agents.
        guids: The GUID of each; "" where an agent has no session, and so no line.
        issued_ms: When it was issued, as a gateway's clock has it. None: the file says nothing.
    """
    lines = []
    for gateway, agent in agents_of(world.rosters):
        guid = guids(gateway, agent)
        issued = {} if issued_ms is None else {"issued_at": issued_ms(gateway, agent)}
        cookie = {"cookie": found} if (found := cookie_of(guid)) else {}
        line = {"gateway": gateway, "agent_id": agent, "guid": guid, **cookie, **issued}
        if guid:
            lines.append(msgspec.json.encode(line).decode() + "\n")
    return "".join(lines)
