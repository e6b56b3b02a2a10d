"""Charts as plain shapes with coordinates, for a template to draw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bulkagent.language import mark
from bulkagent.model import Status
from bulkagent.reports.html.figures import Bar, Histogram, duration
from bulkagent.reports.html.sentences import say, translated

WIDTH, HEIGHT = 600.0, 140.0


NAMES: Mapping[str, str] = {
    Status.APPLIED: mark("applied"),
    Status.REJECTED: mark("rejected"),
    Status.FAILED: mark("failed"),
    Status.UNKNOWN: mark("unknown"),
    Status.NOT_ATTEMPTED: mark("not attempted"),
    Status.INVALID: mark("invalid"),
    Status.DUPLICATE: mark("duplicate"),
    "agents": mark("agents"),
}
"""What the kinds of a chart are called."""


class Piece(msgspec.Struct, frozen=True):
    """One rectangle."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str
    """Its text, for a reader who points at it or hears it."""


class Tick(msgspec.Struct, frozen=True):
    """One mark of an axis: where it is, in percent, and what stands there."""

    at: float
    text: str

    @property
    def anchor(self) -> str:
        """Which part of its text stands at the place: the text shall not leave the chart."""
        if self.at <= _EDGE:
            return "start"
        return "end" if self.at >= 100 - _EDGE else "middle"


_EDGE = 4


class Chart(msgspec.Struct, frozen=True):
    """A chart of bars."""

    pieces: tuple[Piece, ...]
    across: tuple[Tick, ...]
    """From left to right."""
    up: tuple[Tick, ...]
    """From the top down: the last one is 0."""
    said: str


def stacked(histogram: Histogram, across: Sequence[Tick]) -> Chart:
    """Bars side by side, each stacked of its kinds."""
    bars = histogram.bars
    up, whole = counted(max(bar.total for bar in bars))
    step = WIDTH / len(bars)
    pieces: list[Piece] = []
    for number, bar in enumerate(bars):
        below = 0
        for kind, count in bar.counts:
            if not count:
                continue
            below += count
            # A single agent among thousands is still seen.
            height = max(HEIGHT * count / whole, _LEAST)
            pieces.append(
                Piece(
                    kind=kind,
                    x=round(number * step, 2),
                    y=round(min(HEIGHT * (1 - below / whole), HEIGHT - _LEAST), 2),
                    width=round(max(step - min(step * 0.12, 2.0), 1.0), 2),
                    height=round(height, 2),
                    text=f"{bar.label}: {count:,} {translated(NAMES[kind])}",
                )
            )
    return Chart(tuple(pieces), tuple(across), up, _said(bars))


_LEAST = 1.5


def _said(bars: Sequence[Bar]) -> str:
    """The chart for somebody who does not see it."""
    used = [bar for bar in bars if bar.total]
    most = max(used, key=lambda bar: bar.total)
    return say(
        mark("From %(begun)s until %(ended)s. The highest bar, %(bar)s, has %(count)s."),
        begun=used[0].low,
        ended=used[-1].high,
        bar=most.label,
        count=f"{most.total:,}",
    )


def counted(most: int) -> tuple[tuple[Tick, ...], int]:
    """The marks of an axis of whole numbers from 0 to at least `most`, and what its top stands for.

    The steps are 1, 2 or 5 with zeros.
    """
    step = max(1, _step(most / _MOST_TICKS_UP))
    whole = max(1, math.ceil(most / step)) * step
    return (
        tuple(
            Tick(round(100 * (1 - at / whole), 2), f"{at:,}")
            for at in range(int(whole), -1, -int(step))
        ),
        int(whole),
    )


_MOST_TICKS_UP = 4


def _step(wanted: float) -> int:
    """The least of 1, 2, 5, 10, 20, 50 and so on that is not less."""
    power = 10 ** max(0, math.floor(math.log10(wanted))) if wanted > 0 else 1
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= wanted)


def elapsed(length_ms: float) -> tuple[Tick, ...]:
    """The marks of an axis of time from 0 to a length, all in one unit."""
    step = next((step for step in _TIMES_MS if length_ms / step <= _MOST_TICKS_ACROSS), None)
    step = step or _step(length_ms / _MOST_TICKS_ACROSS / _DAY_MS) * _DAY_MS
    unit, name = next((unit, name) for most, unit, name in _UNITS if length_ms < most)
    return tuple(
        Tick(round(100 * at / length_ms, 2), f"{at / unit:.4g} {name}" if at else "0")
        for at in range(0, math.floor(length_ms) + 1, step)
    )


_MOST_TICKS_ACROSS = 6
_DAY_MS = 86_400_000
_TIMES_MS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(1_000, 2_000, 5_000, 10_000, 20_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000),
    *(3_600_000, 7_200_000, 14_400_000, 21_600_000, 43_200_000, _DAY_MS),
)

# Up to which length an axis is in which unit.
_UNITS = (
    *((1_000.0, 1, "ms"), (300_000.0, 1_000, "s"), (7_200_000.0, 60_000, "min")),
    *((2.0 * _DAY_MS, 3_600_000, "h"), (math.inf, _DAY_MS, "d")),
)


def ratios(low: float, high: float) -> tuple[Tick, ...]:
    """The marks of a logarithmic axis of milliseconds."""
    length = math.log10(high / low)
    factors = next(factors for most, factors in _FACTORS if length <= most)
    return tuple(
        Tick(round(100 * math.log10(ms / low) / length, 2), duration(ms))
        for ms in _between(low, high, factors)
    )


# So many decades take marks at these factors of ten without that their texts meet.
_FACTORS: tuple[tuple[float, tuple[int, ...]], ...] = (
    (2.0, (1, 2, 5)),
    (3.0, (1, 3)),
    (math.inf, (1,)),
)


def _between(low: float, high: float, factors: Sequence[int]) -> Iterator[float]:
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for factor in factors:
            ms = float(factor * 10.0**power)
            if low * 0.999 <= ms <= high * 1.001:
                yield ms
