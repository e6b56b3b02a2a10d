"""When a window is over, and what is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.engine.throttle.limit_samples import SAMPLES, LimitSamples, SampleWindow
from bulkagent.model import LimitSignal
from tests.engine.loads import DROPPED, LATENCY, NOTHING, Load, steady


class Watched:
    """Ends given to `LimitSamples` one by one; every begun attempt has ended.

    The one connection that it takes was opened before.
    """

    def __init__(self, limit: int) -> None:
        self.samples = LimitSamples(limit, -1.0)
        self.trip(-1.0, 1.0)
        self.samples.adopt(limit, 0.0)

    def trip(
        self, begin_s: float, seconds: float, signal: LimitSignal = LATENCY
    ) -> SampleWindow | None:
        self.samples.began(begin_s)
        return self.samples.ended(signal, begin_s, begin_s + seconds)


def test_a_window_leaves_out_the_first_round_trip_and_holds_enough_samples() -> None:
    watched = Watched(1)
    closed = [watched.trip(float(second), 1.0) for second in range(1 + SAMPLES)]
    assert not any(closed[:-1])
    assert closed[-1] == SampleWindow(
        seconds=20.0, samples=20, median_s=1.0, per_second=1.0, in_flight=1.0
    )
    # The limit stays, so the next one leaves nothing out.
    closed = [watched.trip(21.0 + second, 1.0) for second in range(SAMPLES)]
    assert closed[-1] is not None
    watched.samples.adopt(1, 41.0)
    closed = [watched.trip(41.0 + second, 1.0) for second in range(SAMPLES)]
    assert not any(closed)


def test_handshakes_of_the_connections_that_a_higher_limit_opens_are_not_counted() -> None:
    samples = LimitSamples(10, 0.0)

    def together(begin_s: float, *seconds: float) -> list[SampleWindow]:
        for _ in seconds:
            samples.began(begin_s)
        ends = [samples.ended(LATENCY, begin_s, begin_s + each) for each in seconds]
        return [window for window in ends if window is not None]

    assert not together(0.0, *[1.5] * 10)
    samples.adopt(40, 10.0)
    assert not together(10.0, *[1.0] * 10, *[1.5] * 30)
    closed = [window for second in range(12, 20, 2) for window in together(second, *[1.0] * 40)]
    assert (closed[0].median_s, closed[0].error_s) == (1.0, 0.0)
    # A limit that was in force before opens none.
    samples.adopt(20, 30.0)
    assert not together(30.0, *[1.0] * 20)
    assert together(32.0, *[1.0] * 20) or together(34.0, *[1.0] * 20)


def test_samples_of_many_in_flight_are_those_of_whole_round_trips() -> None:
    load = Load(steady(lambda _now: 0.02), 16)
    while (seen := load.go_on(10**9)) is None:
        pass
    assert seen.samples == 32
    assert seen.in_flight == pytest.approx(16.0)
    assert seen.per_second == pytest.approx(16.0 / 0.02)
    assert seen.error_s < 1e-9


def test_round_trips_that_scatter_make_longer_windows_but_not_endless_ones() -> None:
    for scatter, samples in ((0.05, 64), (0.5, 128), (0.999, 512)):
        load = Load(steady(lambda _now: 0.02, scatter), 64)
        while (seen := load.go_on(10**9)) is None:
            pass
        assert samples * 0.5 < seen.samples <= samples * 1.2
        assert abs(seen.median_s - 0.02) <= 3.0 * seen.error_s


def test_round_trips_of_any_length_make_windows_that_end() -> None:
    load = Load(lambda _in_flight, _now, numbers: (numbers.paretovariate(0.5), LATENCY), 8)
    while (seen := load.go_on(10**9)) is None:
        pass
    assert not seen.is_sure
    assert seen.samples < 2 * 8 * SAMPLES


def test_drops_alone_make_a_window() -> None:
    watched = Watched(4)
    closed = [watched.trip(number * 0.01, 0.01, DROPPED) for number in range(200)]
    seen = next(window for window in closed if window is not None)
    assert (seen.samples, seen.per_second) == (0, 0.0)
    assert seen.drops > SAMPLES


def test_ends_that_teach_nothing_make_no_window() -> None:
    watched = Watched(1)
    assert not any(watched.trip(float(second), 1.0, NOTHING) for second in range(500))


def test_ends_that_teach_nothing_do_not_end_a_round_trip() -> None:
    watched = Watched(1)
    watched.trip(0.0, 0.1, NOTHING)
    assert not any(watched.trip(1.0 + second, 1.0) for second in range(SAMPLES))
    assert watched.trip(50.0, 1.0) is not None


def test_drops_of_what_began_before_the_cut_speak_of_the_limit_before_it() -> None:
    samples = LimitSamples(10, 0.0)
    for _ in range(10):
        samples.began(0.0)
    samples.adopt(9, 1.0)
    for _ in range(5):
        samples.ended(DROPPED, 0.0, 2.0)
    assert "0 drops, 5 in flight" in repr(samples)
    # A limit that grew does not excuse them.
    samples.adopt(10, 3.0)
    samples.began(2.5)
    samples.ended(DROPPED, 2.5, 4.0)
    assert repr(samples) == "<LimitSamples at 10: 0 samples, 1 drops, 5 in flight>"


def test_how_busy_the_client_was_is_the_share_of_the_window() -> None:
    samples = LimitSamples(1, -1.0)
    samples.began(-1.0)
    samples.ended(LATENCY, -1.0, 0.0)
    samples.adopt(1, 0.0, busy_s=50.0)
    seen = None
    for second in range(21):
        samples.began(float(second))
        seen = samples.ended(LATENCY, float(second), second + 1.0, busy_s=100.0 + 0.9 * second)
    assert seen is not None
    assert seen.busy == pytest.approx(0.9)


@given(trips=st.lists(st.tuples(st.floats(0.0, 2.0), st.sampled_from(LimitSignal)), max_size=300))
def test_whatever_ends_a_window_is_sane(trips: list[tuple[float, LimitSignal]]) -> None:
    watched = Watched(2)
    now = 0.0
    for seconds, signal in trips:
        seen = watched.trip(now, seconds, signal)
        now += seconds
        if seen is not None:
            assert seen.samples + seen.drops >= SAMPLES
            assert 0.0 <= seen.busy <= 1.0
            assert seen.in_flight >= 0.0
            assert 0.0 <= seen.median_s <= 2.0


def test_goodput_is_what_in_flight_and_round_trips_say_less_what_was_dropped() -> None:
    def drops_every(nth: int) -> SampleWindow:
        watched = Watched(100)
        for number in range(1000):
            signal = LATENCY if number % nth else DROPPED
            if (seen := watched.trip(float(number), 1.0, signal)) is not None:
                return seen
        raise AssertionError("no window")

    assert drops_every(10).per_second == pytest.approx(0.9, abs=0.01)
    # As few as are taken for chance do not count against the limit.
    assert drops_every(60).drops
    assert drops_every(60).per_second == pytest.approx(1.0)


def test_a_single_drop_among_few_is_looked_at_for_longer() -> None:
    watched = Watched(1)
    closed = [watched.trip(float(n), 1.0, LATENCY if n != 9 else DROPPED) for n in range(200)]
    seen = next(window for window in closed if window is not None)
    assert (seen.samples, seen.drops) == (79, 1)
