"""A bulkhead that learns how many attempts its upstream bears, in virtual time."""

import asyncio
import random

import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import Bounds, BreakerState, Engine, Limits, ThrottleEvent, ThrottlePolicy
from bulkagent.model import LimitSignal
from tests.dispositions import BUSY, DONE, ODD, ended
from tests.engine.lists import ListSource, words
from tests.engine.loads import Upstream, auto, collapsing, fixed, steady
from tests.engine.test_ending import ran
from tests.engine.upstream import bulkhead
from tests.jumping import JumpingClock

ENDS = {LimitSignal.SUCCESS: DONE, LimitSignal.DROPPED: BUSY, LimitSignal.IGNORE: ODD}


class LoadedUpstream:
    """An upstream that bears load in its own way; it counts itself what it has to bear."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.numbers = random.Random(1)
        self.in_flight = 0
        self.peaks: list[tuple[float, int]] = []
        self.good: list[float] = []

    async def attempt(self, _word: str, _overdue: object) -> Attempt:
        now = asyncio.get_running_loop().time() - 1_000
        self.in_flight += 1
        self.peaks.append((now, self.in_flight))
        seconds, signal = self.upstream(self.in_flight, now, self.numbers)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.in_flight -= 1
        if signal is LimitSignal.SUCCESS:
            self.good.append(asyncio.get_running_loop().time() - 1_000)
        return ended(ENDS[signal])

    def since(self, since_s: float) -> int:
        return sum(at >= since_s for at in self.good)

    def most(self, since_s: float, until_s: float) -> int:
        return max(count for at, count in self.peaks if since_s <= at < until_s)


class BusyClock(JumpingClock):
    """Of a client that computes all the time."""

    def busy_s(self) -> float:
        return self.monotonic()


def under_load(
    upstream: Upstream,
    bounds: Bounds,
    seconds: float,
    *,
    clock: JumpingClock | None = None,
    events: list[ThrottleEvent] | None = None,
) -> LoadedUpstream:
    bearing, told = LoadedUpstream(upstream), [] if events is None else events
    source = ListSource(words(100_000))
    head = bulkhead(
        source,
        bearing.attempt,
        Limits(adaptive=bounds, per_second=None),
        throttle_policy=ThrottlePolicy(),
        notify=told.append,
        clock=clock,
    )
    ran(Engine([head], clock=JumpingClock(), deadline_s=seconds))
    assert len(source.lanes[0]) > 0, "there was enough to do"
    assert max(count for _, count in bearing.peaks) <= bounds.high
    limits = [
        int(event.reason.split()[2].rstrip(":")) for event in told if event.name == "limit.changed"
    ]
    assert all(bounds.low <= limit <= bounds.high for limit in limits)
    return bearing


@pytest.mark.matrix
@pytest.mark.parametrize(("capacity", "found_s"), [(8, 5.0), (20, 0.0), (40, 0.0)])
def test_it_finds_what_a_collapsing_upstream_bears(capacity: int, found_s: float) -> None:
    """Capacities below and above the start; the best fixed number is the capacity itself.

    Where few are in flight a window takes longer, so that the way down from the first doubling
    takes seconds.
    """
    upstream, seconds = collapsing(lambda _now: capacity), 20.0
    bearing = under_load(upstream, Bounds(), seconds)
    best = max(
        fixed(upstream, limit, seconds=seconds) for limit in range(capacity - 4, capacity + 5)
    )
    assert bearing.since(found_s) / (seconds - found_s) >= 0.9 * best
    if capacity < Bounds().start:
        assert bearing.most(found_s, seconds) < Bounds().start


@pytest.mark.matrix
def test_it_does_as_well_as_the_rule_for_its_limit() -> None:
    """Neither slots, workers nor retries cost anything that the rule alone would have."""
    upstream = collapsing(lambda _now: 12)
    bearing = under_load(upstream, Bounds(), 20.0)
    assert bearing.since(0.0) / 20.0 == pytest.approx(
        auto(upstream, seconds=20.0).goodput, rel=0.03
    )


@pytest.mark.matrix
def test_it_uses_all_that_a_steady_upstream_bears() -> None:
    bounds, upstream, seconds = (
        Bounds(4, 64, 16),
        steady(lambda _now: 0.05, 0.05, errors=0.01),
        25.0,
    )
    bearing = under_load(upstream, bounds, seconds)
    assert bearing.since(0.0) / seconds >= 0.9 * fixed(upstream, bounds.high, seconds=seconds)
    assert bearing.most(10.0, seconds) == bounds.high


@pytest.mark.matrix
def test_it_gives_way_when_the_upstream_comes_to_bear_less() -> None:
    upstream = collapsing(lambda now: 40 if now < 10 else 10)
    bearing = under_load(upstream, Bounds(), 25.0)
    assert bearing.most(5.0, 10.0) > 36
    assert bearing.most(20.0, 25.0) < 16


def test_it_never_goes_below_its_least() -> None:
    bounds, events = Bounds(4, 64, 16), list[ThrottleEvent]()
    bearing = under_load(collapsing(lambda _now: 1), bounds, 60.0, events=events)
    assert any(f" to {bounds.low}:" in event.reason for event in events)
    assert bearing.most(40.0, 60.0) < 2 * bounds.low


def test_a_busy_client_learns_nothing_that_would_raise_the_limit() -> None:
    events: list[ThrottleEvent] = []
    upstream = steady(lambda _now: 0.05)
    bearing = under_load(upstream, Bounds(4, 64, 16), 10.0, clock=BusyClock(), events=events)
    assert bearing.most(0.0, 10.0) == 16
    assert {event.name for event in events} == {"limit.kept"}
    assert all("itself busy for 100%" in event.reason for event in events)
    assert events


def test_changes_are_told_with_their_reason() -> None:
    events: list[ThrottleEvent] = []
    under_load(steady(lambda _now: 0.05), Bounds(4, 64, 16), 5.0, events=events)
    assert events[0] == ThrottleEvent(
        "limit.changed", "16 to 32: nothing speaks against doubling", 32, BreakerState.CLOSED
    )


@pytest.mark.matrix
def test_there_are_no_more_workers_than_the_limit_keeps_busy() -> None:
    """Workers that wait for a slot get it in turn: with many, each attempt wakes another."""
    upstream, workers = collapsing(lambda now: 40 if now < 10 else 10), list[tuple[float, int]]()

    def counted(in_flight: int, now: float, numbers: random.Random) -> tuple[float, LimitSignal]:
        names = [task.get_name() for task in asyncio.all_tasks()]
        workers.append((now, sum(name.endswith("_work") for name in names)))
        return upstream(in_flight, now, numbers)

    bearing = under_load(counted, Bounds(4, 256, 16), 25.0)
    assert max(number for _, number in workers) < 128
    first, last = (
        (bearing.most(*span), max(number for at, number in workers if span[0] <= at < span[1]))
        for span in ((0.0, 0.02), (20.0, 25.0))
    )
    assert first == (16, 16)
    assert last[1] <= last[0] + 2
