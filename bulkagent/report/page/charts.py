"""Charts as plain shapes with coordinates, for a template to draw.

What may live here: arithmetic of lengths. What this module must not know: colours, HTML, and where
the figures come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bulkagent.report.page.figures import Bar

__all__ = ["Chart", "Cover", "Piece", "covers", "stacked"]

WIDTH, HEIGHT = 600.0, 140.0


class Piece(msgspec.Struct, frozen=True):
    """One rectangle."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str
    """What it says, for who points at it or hears it."""


class Chart(msgspec.Struct, frozen=True):
    """A chart of bars."""

    pieces: tuple[Piece, ...]
    first: str
    last: str
    most: int
    """What the whole height stands for."""


class Cover(msgspec.Struct, frozen=True):
    """One group of a handover, as two bars on one scale."""

    name: str
    up: float
    gate: float
    off: float
    floor: float | None
    """Where the floor leaves off: no more than so many may be off."""
    said: str


def stacked(bars: Sequence[Bar]) -> Chart | None:
    """Bars side by side, each stacked of its kinds; None where there is nothing to show."""
    if not bars:
        return None
    most = max(bar.total for bar in bars) or 1
    step = WIDTH / len(bars)
    pieces: list[Piece] = []
    for number, bar in enumerate(bars):
        below = 0
        for kind, count in bar.counts:
            if not count:
                continue
            below += count
            pieces.append(
                Piece(
                    kind=kind,
                    x=round(number * step, 2),
                    y=round(HEIGHT * (1 - below / most), 2),
                    width=round(max(step * 0.88, 1.0), 2),
                    height=round(HEIGHT * count / most, 2),
                    text=f"{bar.label}: {count:,} {kind.replace('_', ' ')}",
                )
            )
    return Chart(tuple(pieces), bars[0].label, bars[-1].label, most)


def covers(groups: Sequence[dict[str, object]]) -> tuple[Cover, ...]:
    """The groups of a handover, each on its own scale from none to all."""
    return tuple(_cover(msgspec.convert(group, _Group)) for group in groups)


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


def _cover(group: _Group) -> Cover:
    said = (
        f"{group.up:,} of {group.incoming:,} incoming agents are up, the gate needs"
        f" {group.gate:,}; {group.off:,} of {group.outgoing:,} outgoing ones are off"
    )
    if group.floor is not None:
        said += f", the floor needs {group.floor:,} to be on"
    if group.held:
        said += f"; {group.held:,} were held by the {group.cause} and stay on"
    may_go = None
    if group.floor is not None:
        may_go = _share(max(0, group.outgoing + group.up - group.floor), group.outgoing)
    return Cover(
        name=group.group,
        up=_share(group.up, group.incoming),
        gate=_share(group.gate, group.incoming),
        off=_share(group.off, group.outgoing),
        floor=may_go,
        said=said,
    )


def _share(part: int, whole: int) -> float:
    return round(min(1.0, part / whole) * WIDTH, 1) if whole else 0.0
