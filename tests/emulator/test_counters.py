from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator.protocol.counters import Traffic


def peak_of(arrivals: list[float]) -> int:
    traffic = Traffic()
    for now in arrivals:
        traffic.arrived(now)
    return traffic.stats().peak_per_second


@given(st.lists(st.integers(0, 300), max_size=60).map(sorted))
def test_the_peak_is_that_of_the_fullest_second(hundredths: list[int]) -> None:
    """Against asking about the second up to every arrival."""
    expected = max(
        (sum(end - 100 < other <= end for other in hundredths) for end in hundredths), default=0
    )
    assert peak_of([1_700_000_000 + hundredth / 100 for hundredth in hundredths]) == expected


def test_a_second_may_begin_anywhere() -> None:
    assert peak_of([0.0, 0.9, 1.0, 1.1, 2.5]) == 3


def test_no_more_is_remembered_than_a_second() -> None:
    traffic = Traffic()
    for number in range(10_000):
        traffic.arrived(number / 50)
    assert traffic.stats().peak_per_second == 50
    assert len(traffic._recent) == 50


def test_a_clock_that_is_set_back_stops_for_that_moment() -> None:
    # 0.4 s, then back by an hour, then 0.4 s and 0.4 s: three seconds' worth are no second.
    assert peak_of([5000.0, 5000.4, 1400.4, 1400.8, 1401.2]) == 4


def test_the_time_between_snapshot_and_restore_does_not_count() -> None:
    traffic = Traffic()
    traffic.arrived(100.0)
    twin = traffic.copy()
    twin.take_over(0, idle_seconds=50.0)
    twin.arrived(150.5)
    twin.arrived(151.25)
    assert twin.stats().peak_per_second == 2
    assert traffic.stats().peak_per_second == 1
