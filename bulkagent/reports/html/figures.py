"""The figures of the page, counted while the lines pass."""

from __future__ import annotations

import math
from collections import Counter

import msgspec

from bulkagent.model import Line, Status

BINS = 48
"""Bars of a chart at most: as many as can be told apart on half a page."""

FEWEST_BINS = 12
"""Room for so many bars at least, so that one bar is a bar and no block of colour."""

# Latencies are counted by these steps a decade, so that a minute and a millisecond fit in one
# chart and memory does not grow with rows. A bar has several, and what is said has each.
_STEPS = 24
_STEPS_OF_A_BAR = 4
BARS_OF_A_DECADE = _STEPS // _STEPS_OF_A_BAR

_SHORTEST_MS = 0.01
"""No reply over a network is quicker; a clock that says so would stretch the axis."""


class Bar(msgspec.Struct, frozen=True):
    """One bar: its place on the scale, and how much of each kind there is."""

    low: str
    """Where it begins."""
    high: str
    """Where it ends."""
    counts: tuple[tuple[str, int], ...]

    @property
    def label(self) -> str:
        """From where to where it goes."""
        return f"{self.low} - {self.high}"

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(count for _, count in self.counts)


class Histogram(msgspec.Struct, frozen=True):
    """Bars of equal width on a scale."""

    bars: tuple[Bar, ...]
    low: float
    """Where the first bar begins, in milliseconds."""
    high: float
    """Where the last bar ends."""

    @property
    def kinds(self) -> frozenset[str]:
        """What the bars are made of."""
        return frozenset(kind for bar in self.bars for kind, count in bar.counts if count)


class Figures:
    """Counters of one run's lines."""

    def __init__(self) -> None:
        self.attempts: Counter[int] = Counter()
        """Agents by the number of requests that were made for them."""
        self._times = _Times()
        self._latencies: Counter[int] = Counter()
        self._latency_count = 0

    def add(self, line: Line) -> None:
        """Count one line."""
        if line.finished_at is not None:
            self._times.add(line.finished_at, line.status)
        if line.first_sent_at is not None:
            self._times.sent(line.first_sent_at)
        if line.attempts:
            self.attempts[line.attempts] += 1
        if line.latency_ms is not None and line.latency_ms > 0:
            self._latency_count += 1
            latency_ms = max(line.latency_ms, _SHORTEST_MS)
            self._latencies[math.floor(math.log10(latency_ms) * _STEPS)] += 1

    def over_time(self) -> Histogram | None:
        """Outcomes by the time at which they came, from the first request on; None: there are none.

        The first of a row that was sent counts, or the first outcome where that was before it.
        """
        return self._times.histogram()

    @property
    def last_ms(self) -> int | None:
        """Time of day of the last outcome."""
        return self._times.last_ms

    def latencies(self) -> Histogram | None:
        """Agents by the latency of their last request, in steps of the same ratio."""
        if not self._latencies:
            return None
        bars: Counter[int] = Counter()
        for step, count in self._latencies.items():
            bars[step // _STEPS_OF_A_BAR] += count
        low, high = min(bars), max(bars) + 1
        wanting = max(0, BARS_OF_A_DECADE - (high - low))
        low, high = low - wanting // 2, high + wanting - wanting // 2
        edges = [float(10 ** (at / BARS_OF_A_DECADE)) for at in range(low, high + 1)]
        return Histogram(
            tuple(
                Bar(duration(edge), duration(end), (("agents", bars[at]),))
                for at, edge, end in zip(range(low, high), edges, edges[1:], strict=False)
            ),
            edges[0],
            edges[-1],
        )

    def quantile_ms(self, share: float) -> float | None:
        """The latency that this share of agents did not exceed, to a tenth of it."""
        seen = 0
        for at in sorted(self._latencies):
            seen += self._latencies[at]
            if seen >= share * self._latency_count:
                return float(10 ** ((at + 1) / _STEPS))
        return None


class _Times:
    """Outcomes by time, in steps that grow with the length of the run, so that memory does not."""

    def __init__(self) -> None:
        self._step_ms = _FIRST_STEP_MS
        self._steps: dict[int, Counter[str]] = {}
        self._sent_ms: int | None = None
        self.last_ms: int | None = None

    def sent(self, at_ms: int) -> None:
        if self._sent_ms is None or at_ms < self._sent_ms:
            self._sent_ms = at_ms

    def add(self, at_ms: int, status: Status) -> None:
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)
        step = at_ms // self._step_ms
        if step not in self._steps:
            if len(self._steps) >= _MOST_STEPS:
                self._widen()
                step = at_ms // self._step_ms
            self._steps.setdefault(step, Counter())
        self._steps[step][status.value] += 1

    def _widen(self) -> None:
        self._step_ms *= 2
        wider: dict[int, Counter[str]] = {}
        for step, counts in self._steps.items():
            wider.setdefault(step // 2, Counter()).update(counts)
        self._steps = wider

    def histogram(self) -> Histogram | None:
        if not self._steps:
            return None
        first, last = min(self._steps), max(self._steps)
        if self._sent_ms is not None:
            first = min(first, self._sent_ms // self._step_ms)
        width = math.ceil((last - first + 1) / BINS)
        bins: dict[int, Counter[str]] = {}
        for step, counts in self._steps.items():
            bins.setdefault((step - first) // width, Counter()).update(counts)
        number = max((last - first) // width + 1, FEWEST_BINS)
        width_ms = width * self._step_ms
        return Histogram(
            tuple(
                Bar(
                    duration(at * width_ms),
                    duration((at + 1) * width_ms),
                    tuple(sorted(bins.get(at, Counter()).items())),
                )
                for at in range(number)
            ),
            0.0,
            float(number * width_ms),
        )


_FIRST_STEP_MS = 20
_MOST_STEPS = 4_096


def duration(ms: float) -> str:
    """A duration to three digits, in the unit in which people would count it."""
    if ms < 1000:  # noqa: PLR2004 - from here on people count in seconds
        return f"{ms:.3g} ms"
    return f"{ms / 1000:.3g} s" if ms < _LONG_MS else f"{ms / 60_000:.3g} min"


_LONG_MS = 120_000
"""From here on people count in minutes."""
