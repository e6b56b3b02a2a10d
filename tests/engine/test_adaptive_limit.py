"""How the limit follows the upstream: judged by upstreams in virtual time, and step by step."""

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bulkagent.engine.throttle.adaptive_limit import AdaptiveLimit, Bounds, LimitStep, Phase, step
from bulkagent.engine.throttle.limit_samples import TOLERATED, SampleWindow
from tests.engine.loads import BOUNDS, auto, collapsing, fixed, steady


def test_an_upstream_that_collapses_is_used_almost_fully() -> None:
    upstream = collapsing(lambda _now: 50)
    best = max(fixed(upstream, limit, seconds=3.0) for limit in (40, 45, 48, 50, 52, 55, 60))
    ran = auto(upstream, seconds=60.0)
    assert ran.goodput >= 0.9 * best
    assert fixed(upstream, 256, seconds=3.0) < 0.25 * best
    assert max(ran.between(0.2, 60.0)) <= 64


def test_so_is_one_whose_round_trips_scatter_by_half() -> None:
    upstream = collapsing(lambda _now: 50, scatter=0.5)
    best = max(fixed(upstream, limit, seconds=3.0) for limit in (45, 50, 55))
    assert auto(upstream, seconds=30.0).goodput >= 0.8 * best


@pytest.mark.parametrize("scatter", [pytest.param(0.0, marks=pytest.mark.matrix), 0.1])
@pytest.mark.parametrize("errors", [0.0, 0.1])
@pytest.mark.parametrize("round_trip_s", [0.005, 0.05])
def test_an_upstream_of_fixed_latency_is_used_almost_fully(
    round_trip_s: float, scatter: float, errors: float
) -> None:
    upstream = steady(lambda _now: round_trip_s, scatter, errors)
    best = max(fixed(upstream, limit, requests=60_000) for limit in (128, 256))
    assert auto(upstream, requests=60_000).goodput >= 0.9 * best


def test_one_that_was_overloaded_before_the_first_attempt_is_found_out() -> None:
    upstream = collapsing(lambda _now: 8)
    best = max(fixed(upstream, limit, seconds=10.0) for limit in (7, 8, 9))
    ran = auto(upstream, seconds=60.0)
    assert ran.goodput >= 0.85 * best
    assert max(ran.between(10.0, 60.0)) < BOUNDS.start


def test_it_shrinks_with_the_capacity_and_recovers_with_it() -> None:
    upstream = collapsing(lambda now: 8 if 10.0 <= now < 30.0 else 50)
    ran = auto(upstream, seconds=40.0)
    assert min(ran.between(5.0, 10.0)) > 40
    assert max(ran.between(20.0, 30.0)) < BOUNDS.start
    assert min(ran.between(35.0, 40.0)) > 40


def test_one_that_becomes_slow_for_good_is_not_taken_for_full() -> None:
    ran = auto(steady(lambda now: 0.02 if now < 5.0 else 0.06), seconds=10.0)
    assert min(ran.between(5.0, 10.0)) >= int(0.9 * BOUNDS.high)
    assert ran.limits[-1][1] == BOUNDS.high


def test_slow_for_good_is_found_out_also_at_the_lower_bound() -> None:
    state = msgspec.structs.replace(
        AdaptiveLimit.begin(BOUNDS), limit=BOUNDS.low, phase=Phase.GROWING, calm_s=0.02
    )
    slow = SampleWindow(seconds=1.0, samples=20, median_s=0.06, per_second=66.0, in_flight=4.0)
    stays = step(state, slow)
    assert stays.limit == BOUNDS.low
    assert "already at the lower bound" in stays.reason
    assert step(stays.state, slow).limit == BOUNDS.low + 1


def window(
    limit: int,
    *,
    median_s: float = 0.02,
    drops: int = 0,
    samples: int = 100,
    busy: float = 0.0,
    used: float = 1.0,
    error_s: float = 0.0,
) -> SampleWindow:
    """A window of so many in flight."""
    lost = drops / (samples + drops) if drops else 0.0
    share = 1.0 - lost if lost > TOLERATED else 1.0
    return SampleWindow(
        seconds=1.0,
        samples=samples,
        drops=drops,
        median_s=median_s if samples else 0.0,
        error_s=error_s,
        per_second=used * limit * share / median_s,
        in_flight=used * limit,
        busy=busy,
    )


def growing(limit: int = 100, calm_s: float = 0.02) -> AdaptiveLimit:
    return AdaptiveLimit(bounds=BOUNDS, limit=limit, phase=Phase.GROWING, calm_s=calm_s)


def test_it_doubles_until_it_is_at_the_upper_bound() -> None:
    state = AdaptiveLimit.begin(BOUNDS)
    limits = []
    for _ in range(6):
        state = step(state, window(state.limit)).state
        limits.append(state.limit)
    assert limits == [32, 64, 128, 256, 256, 256]
    assert step(state, window(256)).reason == "at the upper bound"


def doubled() -> AdaptiveLimit:
    return step(AdaptiveLimit.begin(BOUNDS), window(16)).state


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (window(32, drops=1), "1 of 101 were dropped"),
        (window(32, median_s=0.03), "round trips take 1.50 times as long as calm ones"),
        # Round trips that scatter so much that they show nothing; goodput does.
        (window(32, median_s=0.035, error_s=0.01), "doubling brought no goodput"),
    ],
)
def test_doubling_ends_with_the_first_sign_against_it(seen: SampleWindow, reason: str) -> None:
    cut = step(doubled(), seen)
    assert cut == LimitStep(28, reason, cut.state)
    assert cut.state.phase is Phase.CUTTING


def test_then_it_grows_by_one_by_two_by_four_and_by_a_tenth_at_most() -> None:
    state, limits = growing(80), []
    for _ in range(6):
        state = step(state, window(state.limit)).state
        limits.append(state.limit)
    assert limits == [81, 83, 87, 95, 104, 114]


def test_a_cut_that_costs_nothing_is_followed_by_another_and_one_that_costs_is_undone() -> None:
    cut = step(growing(100), window(100, median_s=0.03))
    assert cut.limit == 90
    again = step(cut.state, window(90, median_s=0.025))
    assert (again.limit, again.reason) == (81, "the cut from 100 cost no goodput")
    undone = step(again.state, window(81, median_s=0.025))
    assert (undone.limit, undone.reason) == (90, "the cut cost 10% of goodput, so it is undone")
    assert undone.state.calm_s == 0.025
    assert step(undone.state, window(90, median_s=0.025)).limit == 91


def test_a_few_drops_are_chance_and_more_are_a_sign() -> None:
    assert step(growing(), window(100, drops=2)).limit == 101
    assert step(growing(), window(100, drops=3)).limit == 90
    assert step(growing(), window(100, drops=3, samples=0)).limit == 90


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (window(100, samples=0), "nothing was learned"),
        (window(100, busy=0.86), "this client was itself busy for 86% of the time"),
        (window(100, used=0.7), "only 70 in flight, so something else is the limit"),
    ],
)
def test_a_window_that_teaches_nothing_changes_nothing(seen: SampleWindow, reason: str) -> None:
    assert step(growing(), seen) == LimitStep(100, reason, growing())
    # Neither does one whose round trips are long, because the client was late to look.
    late = msgspec.structs.replace(seen, median_s=9.0)
    assert step(growing(), late) == LimitStep(100, reason, growing())
    doubling = AdaptiveLimit(bounds=BOUNDS, limit=100, phase=Phase.DOUBLING)
    assert step(doubling, seen).state == doubling


def test_a_cut_that_cannot_be_judged_stays() -> None:
    cut = step(growing(), window(100, drops=50))
    held = step(cut.state, window(90, busy=1.0))
    assert (held.limit, held.state.phase) == (90, Phase.GROWING)


def test_drops_count_however_busy_the_client_is() -> None:
    assert step(growing(), window(100, drops=9, busy=1.0)).limit == 90


@pytest.mark.parametrize(("low", "high", "start"), [(4, 256, 16), (1, 2, 2), (32, 64, 33)])
def test_bounds_leave_room_below_the_start(low: int, high: int, start: int) -> None:
    assert Bounds.between(low, high) == Bounds(low, high, start)


@pytest.mark.parametrize("bounds", [(0, 9, 5), (5, 9, 5), (4, 9, 10), (7, 7, 7)])
def test_other_bounds_are_refused(bounds: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no bounds for a limit"):
        Bounds(*bounds)


windows_of_any_kind = st.builds(
    window,
    st.integers(1, 300),
    median_s=st.floats(0.001, 30.0),
    drops=st.sampled_from([0, 0, 1, 5, 100]),
    samples=st.sampled_from([0, 20, 300]),
    busy=st.floats(0.0, 1.0),
    used=st.floats(0.1, 1.0),
    error_s=st.floats(0.0, 0.01),
)


class Adapting(RuleBasedStateMachine):
    """Windows of any kind, also such as could not follow from each other."""

    def __init__(self) -> None:
        super().__init__()
        self.state = AdaptiveLimit.begin(Bounds(3, 100, 10))

    @rule(seen=windows_of_any_kind)
    def take(self, seen: SampleWindow) -> None:
        before, made = self.state, step(self.state, seen)
        self.state = made.state
        assert made.limit == self.state.limit
        assert made.reason
        ends = seen.drops + seen.samples
        if seen.drops > TOLERATED * ends or not ends or seen.busy > 0.85:
            assert made.limit <= before.limit
        if seen.in_flight < 0.5 * before.limit:
            assert made.limit <= before.limit
        assert made.limit >= int(before.limit * 0.9) or made.limit == before.bounds.low

    @rule(seen=windows_of_any_kind)
    def errors_never_raise_it(self, seen: SampleWindow) -> None:
        per_second = seen.in_flight / seen.median_s if seen.median_s else 0.0
        clean = msgspec.structs.replace(seen, drops=0, per_second=per_second)
        if seen.samples:
            assert step(self.state, seen).limit <= step(self.state, clean).limit

    @rule()
    def overload(self) -> None:
        """However high it is, drops bring it below its start, down to its lower bound."""
        state = self.state
        for _ in range(60):
            state = step(state, window(state.limit, drops=50, samples=50)).state
        assert state.limit == state.bounds.low < state.bounds.start
        self.state = state

    @invariant()
    def within_bounds(self) -> None:
        assert self.state.bounds.low <= self.state.limit <= self.state.bounds.high


TestAdapting = Adapting.TestCase
