"""Upstreams that bear load in their own ways, and a load on them, all in virtual time.

An upstream here says how long the next attempt takes and what it teaches, of how many are in
flight. Nothing is waited for; numbers are drawn from a fixed seed, so each run is the same.
"""

import heapq
import random
from collections.abc import Callable
from typing import NamedTuple

from bulkagent.engine.throttle.adaptive_limit import AdaptiveLimit, Bounds, step
from bulkagent.engine.throttle.limit_samples import LimitSamples, SampleWindow
from bulkagent.model import LimitSignal

LATENCY, NOTHING, DROPPED = LimitSignal.SUCCESS, LimitSignal.IGNORE, LimitSignal.DROPPED

BOUNDS = Bounds()

Upstream = Callable[[int, float, random.Random], tuple[float, LimitSignal]]


def scattered(numbers: random.Random, share: float = 0.05) -> float:
    """A factor around 1."""
    return 1.0 + share * (2.0 * numbers.random() - 1.0)


def collapsing(capacity: Callable[[float], int], scatter: float = 0.05) -> Upstream:
    """20 ms; over the capacity it takes longer by the square, and over its double it drops."""

    def upstream(in_flight: int, now: float, numbers: random.Random) -> tuple[float, LimitSignal]:
        load = in_flight / capacity(now)
        if load > 2.0 and numbers.random() < 1.0 - 2.0 / load:
            return 0.005, DROPPED
        return 0.02 * max(1.0, load) ** 2 * scattered(numbers, scatter), LATENCY

    return upstream


def steady(
    seconds: Callable[[float], float], scatter: float = 0.0, errors: float = 0.0
) -> Upstream:
    """As long as it takes, however many are in flight."""

    def upstream(_in_flight: int, now: float, numbers: random.Random) -> tuple[float, LimitSignal]:
        if numbers.random() < errors:
            return 0.002, NOTHING
        return seconds(now) * scattered(numbers, scatter), LATENCY

    return upstream


class Ran(NamedTuple):
    """What came of a run."""

    goodput: float
    limits: list[tuple[float, int]]
    reasons: list[str]

    def between(self, begin_s: float, end_s: float) -> list[int]:
        return [limit for now, limit in self.limits if begin_s <= now < end_s]


class Load:
    """As many in flight as the limit allows, always; the next begins when one ends."""

    def __init__(self, upstream: Upstream, limit: int) -> None:
        self.upstream = upstream
        self.limit = limit
        self.now = 0.0
        self.sent = 0
        self.good = 0
        self.numbers = random.Random(1)
        self.flying: list[tuple[float, int, float, LimitSignal]] = []
        self.samples = LimitSamples(limit, 0.0)

    def go_on(self, requests: int) -> SampleWindow | None:
        """Fill up, and have the next one end."""
        while len(self.flying) < self.limit and self.sent < requests:
            seconds, signal = self.upstream(len(self.flying) + 1, self.now, self.numbers)
            self.sent += 1
            self.samples.began(self.now)
            heapq.heappush(self.flying, (self.now + seconds, self.sent, self.now, signal))
        self.now, _, began, signal = heapq.heappop(self.flying)
        self.good += signal is LATENCY
        return self.samples.ended(signal, began, self.now)


def fixed(upstream: Upstream, limit: int, *, seconds: float = 1e9, requests: int = 10**9) -> float:
    """Answers a second at a limit that stays."""
    load = Load(upstream, limit)
    while load.now < seconds and (load.flying or load.sent < requests):
        load.go_on(requests)
    return load.good / load.now


def auto(upstream: Upstream, *, seconds: float = 1e9, requests: int = 10**9) -> Ran:
    state = AdaptiveLimit.begin(BOUNDS)
    load = Load(upstream, state.limit)
    limits, reasons = [], []
    while load.now < seconds and (load.flying or load.sent < requests):
        if (window := load.go_on(requests)) is not None:
            made = step(state, window)
            state = made.state
            limits.append((load.now, made.limit))
            reasons.append(made.reason)
            if made.limit != load.limit:
                load.limit = made.limit
                load.samples.adopt(made.limit, load.now)
    return Ran(load.good / load.now, limits, reasons)
