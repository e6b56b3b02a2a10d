"""The figures of the page, counted while the lines pass."""

from __future__ import annotations

import math
from collections import Counter

import msgspec

from bulkagent.model import Line, Status

BINS = 48
"""Bars of a chart at most: as many as can be told apart on half a page."""

# Latencies are counted by these steps a decade, so that a minute and a millisecond fit in one
# chart and memory does not grow with rows.
_STEPS = 6


class Bar(msgspec.Struct, frozen=True):
    """One bar: its label, and how much of each kind there is."""

    label: str
    counts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """All kinds together."""
        return sum(count for _, count in self.counts)


class Figures:
    """Counters of one run's lines."""

    def __init__(self) -> None:
        self.attempts: Counter[int] = Counter()
        """Agents by the number of requests that were made for them."""
        self.flags: set[str] = set()
        """Which flags agents were to have."""
        self.gateways: set[str] = set()
        self._times = _Times()
        self._latencies: Counter[int] = Counter()
        self._latency_count = 0

    def add(self, line: Line) -> None:
        """Count one line."""
        if line.flag:
            self.flags.add(line.flag)
        if line.gateway:
            self.gateways.add(line.gateway)
        if line.finished_at is not None:
            self._times.add(line.finished_at, line.status)
        if line.attempts:
            self.attempts[line.attempts] += 1
        if line.latency_ms is not None and line.latency_ms > 0:
            self._latency_count += 1
            self._latencies[math.floor(math.log10(line.latency_ms) * _STEPS)] += 1

    def over_time(self) -> list[Bar]:
        """Outcomes by the time at which they came, counted from the first; none: there are none."""
        return self._times.bars()

    @property
    def last_ms(self) -> int | None:
        """Time of day of the last outcome."""
        return self._times.last_ms

    def latencies(self) -> list[Bar]:
        """Agents by the latency of their last request, in steps of the same ratio."""
        if not self._latencies:
            return []
        low, high = min(self._latencies), max(self._latencies)
        return [
            Bar(_milliseconds(10 ** (at / _STEPS)), (("agents", self._latencies[at]),))
            for at in range(low, high + 1)
        ]

    def quantile_ms(self, share: float) -> float | None:
        """The latency that this share of agents did not exceed, to the chart's precision."""
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
        self.last_ms: int | None = None

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

    def bars(self) -> list[Bar]:
        if not self._steps:
            return []
        first, last = min(self._steps), max(self._steps)
        width = math.ceil((last - first + 1) / BINS)
        bins: dict[int, Counter[str]] = {}
        for step, counts in self._steps.items():
            bins.setdefault((step - first) // width, Counter()).update(counts)
        return [
            Bar(
                _seconds(at * width * self._step_ms),
                tuple(sorted(bins.get(at, Counter()).items())),
            )
            for at in range((last - first) // width + 1)
        ]


_FIRST_STEP_MS = 20
_MOST_STEPS = 4_096


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3g} s"


def _milliseconds(number: float) -> str:
    if number >= 1000:  # noqa: PLR2004 - from here on people count in seconds
        return f"{number / 1000:.3g} s"
    return f"{number:.3g} ms"
