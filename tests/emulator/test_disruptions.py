from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.emulator import Outage, SwitchOver
from bulkagent.emulator.faults.outages import Disruptions, DisruptionStatus
from tests.examples import examples

SECONDS = st.sampled_from([quarter / 4 for quarter in range(13)])
LENGTHS = st.sampled_from([0.25, 0.5, 1.0, 2.0])
OUTAGES = st.builds(Outage, from_seconds=SECONDS, seconds=st.none() | LENGTHS) | st.builds(
    Outage, from_request=st.integers(1, 6), seconds=st.none() | LENGTHS
)


def is_gone(outage: Outage, arrivals: list[float], now: float) -> bool:
    """One outage at a time, by what its record says."""
    if outage.from_request is None:
        begin = outage.from_seconds
    else:
        place = outage.from_request - 1
        begin = arrivals[place] if place < len(arrivals) else None
    if begin is None or now < begin:
        return False
    return outage.seconds is None or now < begin + outage.seconds


@given(
    st.lists(OUTAGES, max_size=4),
    st.lists(SECONDS, max_size=8).map(sorted),
    SECONDS,
)
@settings(max_examples=examples(200))
def test_an_outlook_is_what_the_records_say(
    outages: list[Outage], arrivals: list[float], now: float
) -> None:
    arrivals = [arrival for arrival in arrivals if arrival <= now]
    disruptions = Disruptions(tuple(outages))
    for number, seconds in enumerate(arrivals, start=1):
        disruptions.arrived(number, seconds)
    seen = disruptions.status(now)
    assert seen.under_way == any(is_gone(outage, arrivals, now) for outage in outages)
    # Nothing changes before `until`, with no more requests.
    horizon = 10.0 if seen.until is None else seen.until
    later = [quarter / 4 for quarter in range(40) if now <= quarter / 4 < horizon]
    assert {disruptions.status(second).under_way for second in later} == {seen.under_way}
    assert seen.until is None or seen.until > now


def test_a_spell_begins_with_its_request_and_only_once() -> None:
    disruptions = Disruptions((SwitchOver(from_request=3, seconds=2),))
    disruptions.arrived(2, 1.0)
    assert disruptions.status(1.0) == DisruptionStatus()
    disruptions.arrived(3, 1.5)
    assert disruptions.status(1.5) == DisruptionStatus(under_way=True, until=3.5)
    disruptions.arrived(4, 3.0)
    assert disruptions.status(3.5) == DisruptionStatus()


def test_each_end_is_told_once_and_in_order() -> None:
    late = SwitchOver(from_seconds=1, seconds=3)
    early = SwitchOver(from_seconds=0, seconds=2)
    disruptions = Disruptions((late, early, SwitchOver(from_seconds=5, seconds=5)))
    assert disruptions.newly_ended(1.999) == []
    twin = disruptions.copy()
    assert disruptions.newly_ended(9) == [(2.0, early), (4.0, late)]
    assert disruptions.newly_ended(9) == disruptions.copy().newly_ended(9) == []
    assert twin.newly_ended(2) == [(2.0, early)]


@pytest.mark.parametrize("keys", [{}, {"from_request": 1, "from_seconds": 0.0}])
def test_a_spell_needs_one_beginning(keys: Mapping[str, int]) -> None:
    with pytest.raises(ValueError, match="exactly one of the keys `from_request`"):
        Outage(**keys)
