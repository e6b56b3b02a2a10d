"""Charts as plain shapes with coordinates, for a template to draw."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from bulkagent.reports.html.figures import Bar

WIDTH, HEIGHT = 600.0, 140.0


class Piece(msgspec.Struct, frozen=True):
    """One rectangle."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str
    """Its text, for a reader who points at it or hears it."""


class Chart(msgspec.Struct, frozen=True):
    """A chart of bars."""

    pieces: tuple[Piece, ...]
    first: str
    last: str
    most: int
    """The number that the whole height stands for."""


class HandoverBars(msgspec.Struct, frozen=True):
    """One group of a handover, as two bars on one scale."""

    name: str
    up: float
    gate: float
    off: float
    floor: float | None
    """Where the floor leaves off: no more than so many may be off."""
    said: str


def stacked(bars: Sequence[Bar]) -> Chart | None:
    """Bars side by side, each stacked of its kinds; None where there is nothing to compare."""
    if len(bars) < 2:  # noqa: PLR2004 - one bar is a block of colour
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
                    width=round(max(step - min(step * 0.12, 2.0), 1.0), 2),
                    height=round(HEIGHT * count / most, 2),
                    text=f"{bar.label}: {count:,} {kind.replace('_', ' ')}",
                )
            )
    return Chart(tuple(pieces), bars[0].label, bars[-1].label, most)


def covers(groups: Sequence[dict[str, object]]) -> tuple[HandoverBars, ...]:
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


def _cover(group: _Group) -> HandoverBars:
    said = (
        f"{group.up:,} of {group.incoming:,} agents coming on shift are up, the gate needs"
        f" {group.gate:,}; {group.off:,} of {group.outgoing:,} agents who go off shift are off"
    )
    if group.floor is not None:
        said += f", the floor needs {group.floor:,} to be on"
    if group.held:
        said += f"; {group.held:,} were held by the {group.cause} and stay on"
    may_go = None
    if group.floor is not None:
        may_go = _share(max(0, group.outgoing + group.up - group.floor), group.outgoing)
    return HandoverBars(
        name=group.group,
        up=_share(group.up, group.incoming),
        gate=_share(group.gate, group.incoming),
        off=_share(group.off, group.outgoing),
        floor=may_go,
        said=said,
    )


def _share(part: int, whole: int) -> float:
    return round(min(1.0, part / whole) * WIDTH, 1) if whole else 0.0


class Course(msgspec.Struct, frozen=True):
    """How much one gateway was sent at once over time, and when its breaker held it back."""

    name: str
    line: str
    """The limit as the points of a polyline, from left to right."""
    shades: tuple[Piece, ...]
    """When the breaker was not closed."""
    most: int
    """The number that the whole height stands for."""
    length_s: float
    said: str


class _Limit(msgspec.Struct):
    gateway: str
    at: str
    concurrency: int
    breaker: str

    @property
    def ms(self) -> float:
        return dt.datetime.fromisoformat(self.at).timestamp() * 1000


def courses(changes: Sequence[dict[str, object]], last_ms: int | None) -> tuple[Course, ...]:
    """The gateways of which something moved, by name.

    Args:
        changes: The limit of each from a moment on, in the order of time.
        last_ms: Time of day of the last outcome.
    """
    by_name: dict[str, list[_Limit]] = {}
    for change in changes:
        read = msgspec.convert(change, _Limit)
        by_name.setdefault(read.gateway, []).append(read)
    moved = {name: found for name, found in by_name.items() if _moved(found)}
    if not moved:
        return ()
    start = min(found[0].ms for found in moved.values())
    end = max(last_ms or 0, *(found[-1].ms for found in moved.values()))
    return tuple(_course(name, found, start, end) for name, found in sorted(moved.items()))


def _moved(changes: Sequence[_Limit]) -> bool:
    return len({(change.concurrency, change.breaker) for change in changes}) > 1


def _course(name: str, changes: Sequence[_Limit], start: float, end: float) -> Course:
    length = max(end - start, 1.0)
    most = max(change.concurrency for change in changes)
    points: list[tuple[float, float]] = []
    shades: list[Piece] = []
    open_s = 0.0
    ends = [*(change.ms for change in changes[1:]), end]
    for change, until in zip(changes, ends, strict=True):
        x, to = (round(WIDTH * (ms - start) / length, 2) for ms in (change.ms, until))
        y = round(HEIGHT * (1 - change.concurrency / most), 2)
        points.extend(((x, y), (to, y)))
        if change.breaker != "closed":
            open_s += (until - change.ms) / 1000
            text = f"breaker {change.breaker} for {(until - change.ms) / 1000:.1f} s"
            shades.append(Piece(change.breaker, x, 0.0, max(1.0, round(to - x, 2)), HEIGHT, text))
    limits = [change.concurrency for change in changes]
    least = min(limits)
    said = f"{most:,} at once" if least == most else f"{least:,} to {most:,} at once"
    said += f", {limits[-1]:,} in the end" if least != most else ""
    if shades:
        times = sum(change.breaker == "open" for change in changes)
        said += (
            f"; the breaker opened {times:,} time{'' if times == 1 else 's'} and held it back for"
            f" {open_s:.1f} s"
        )
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Course(name, line, tuple(shades), most, round(length / 1000, 1), said)
