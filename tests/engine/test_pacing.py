"""The arithmetic of a rate."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.engine import Pacer


@given(
    per_second=st.floats(0.1, 1_000),
    gaps=st.lists(st.floats(0, 5), min_size=2, max_size=60),
)
def test_starts_are_never_closer_than_the_rate_allows(per_second: float, gaps: list[float]) -> None:
    pacer = Pacer(per_second)
    now, starts = 0.0, []
    for gap in gaps:
        now += gap
        starts.append(now + pacer.reserve(now))
    for earlier, later in itertools.pairwise(starts):
        assert later - earlier >= 1 / per_second - 1e-6


def test_an_idle_time_is_not_made_up_for() -> None:
    pacer = Pacer(10)
    assert pacer.reserve(0.0) == 0.0
    assert pacer.reserve(100.0) == 0.0
    assert pacer.reserve(100.0) == pytest.approx(0.1)


def test_it_says_its_rate() -> None:
    assert repr(Pacer(2.5)) == "<Pacer 2.5/s>"


def test_no_rate_is_no_rate() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pacer(0)
