"""The groups of a handover, each as two bars."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bulkagent.language import mark
from bulkagent.reports.html.charts import WIDTH
from bulkagent.reports.html.sentences import say, translated


class SideBar(msgspec.Struct, frozen=True):
    """One side of a group: how far it is, and where its mark stands."""

    kind: str
    label: str
    reached: float
    mark: float | None
    said: str


class GroupBars(msgspec.Struct, frozen=True):
    """One group of a handover."""

    name: str
    held: str
    """Why agents of it stay on; "" if none does."""
    bars: tuple[SideBar, ...]


class _Group(msgspec.Struct):
    group: str
    incoming: int
    up: int
    gate: int
    outgoing: int
    off: int
    held: int
    floor: int | None = None
    cause: str | None = None


def handover_groups(groups: Sequence[dict[str, object]]) -> tuple[GroupBars, ...]:
    """The groups of a handover, those first that are held."""
    read = [msgspec.convert(group, _Group) for group in groups]
    return tuple(_drawn(group) for group in sorted(read, key=lambda group: not group.held))


def _drawn(group: _Group) -> GroupBars:
    up = say(
        mark("%(up)s of %(all)s are up, the gate needs %(gate)s"),
        **_counted(up=group.up, all=group.incoming, gate=group.gate),
    )
    off = _counted(off=group.off, all=group.outgoing, floor=group.floor or 0, up=group.up)
    gone = say(mark("%(off)s of %(all)s are off"), **off)
    may_go = None
    if group.floor is not None:
        gone = say(_FLOOR, **off)
        may_go = _share(max(0, group.outgoing + group.up - group.floor), group.outgoing)
    held = say(
        mark("%(held)s stay on, held by the %(cause)s"),
        **_counted(held=group.held),
        cause=translated(group.cause or ""),
    )
    nobody = say(mark("no agent"))
    return GroupBars(
        name=group.group or say(mark("All agents")),
        held=held if group.held else "",
        bars=(
            SideBar(
                *("applied", say(mark("Coming on shift")), _share(group.up, group.incoming)),
                *(_share(group.gate, group.incoming), up if group.incoming else nobody),
            ),
            SideBar(
                *("off", say(mark("Going off shift")), _share(group.off, group.outgoing)),
                *(may_go, gone if group.outgoing else nobody),
            ),
        ),
    )


_FLOOR = mark(
    "%(off)s of %(all)s are off; the floor needs %(floor)s on, old and new together, "
    "and %(up)s new ones are on"
)
HELD_BY = (mark("gate"), mark("floor"))
"""What holds a group, for the catalogues."""


def _counted(**numbers: int) -> dict[str, str]:
    return {name: f"{number:,}" for name, number in numbers.items()}


def _share(part: int, whole: int) -> float:
    return round(min(1.0, part / whole) * WIDTH, 1) if whole else 0.0
