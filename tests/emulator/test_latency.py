from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator import Capacity, ColdStart, FaultKind, Latency, OverloadRefusal, Scenario
from bulkagent.emulator.faults.decisions import Decision, FaultHistory, decide
from bulkagent.emulator.faults.kinds import over_capacity
from bulkagent.emulator.faults.scope import Arrival
from bulkagent.emulator.protocol.counters import GatewayCondition
from bulkagent.emulator.protocol.limits import LONGEST_MS

CAPACITIES = st.builds(
    Capacity,
    in_flight=st.integers(1, 10_000),
    exponent=st.floats(0, 10),
    refuse_over=st.floats(1, 10_000),
)
COLD_STARTS = st.builds(
    ColdStart,
    seconds=st.floats(0, 86_400, exclude_min=True),
    factor=st.floats(1, 1000, exclude_min=True),
)

FIFTY = Scenario(latency=Latency(milliseconds=20), capacity=Capacity(in_flight=50))


def decided(scenario: Scenario, in_flight: int, seconds: float = 0.0, seed: int = 7) -> Decision:
    return decide(
        scenario, Random(seed), FaultHistory(), Arrival(101, seconds), in_flight=in_flight
    )


@given(CAPACITIES, st.integers(1, 20_000), st.integers(1, 20_000))
def test_more_load_is_never_better(capacity: Capacity, one: int, other: int) -> None:
    low, high = (capacity.load(in_flight) for in_flight in sorted((one, other)))
    assert 1 <= capacity.slowdown(low) <= capacity.slowdown(high)
    assert 0 <= capacity.refused_share(low) <= capacity.refused_share(high) < 1


@given(CAPACITIES)
def test_up_to_the_capacity_load_is_not_felt(capacity: Capacity) -> None:
    load = capacity.load(capacity.in_flight)
    assert capacity.slowdown(load) == 1
    assert capacity.refused_share(load) == 0


@pytest.mark.parametrize(
    ("in_flight", "hold_seconds"), [(1, 0.02), (50, 0.02), (75, 0.045), (100, 0.08)]
)
def test_over_the_capacity_it_takes_longer_by_the_square(
    in_flight: int, hold_seconds: float
) -> None:
    decision = decided(FIFTY, in_flight)
    assert decision.hold_seconds == pytest.approx(hold_seconds)
    assert decision.condition is None


def test_the_share_over_twice_the_capacity_is_refused_after_a_quarter() -> None:
    times = 4000
    seen = [decided(FIFTY, 200, seed=seed) for seed in range(times)]
    refused = [
        decision for decision in seen if decision.condition is GatewayCondition.OVER_CAPACITY
    ]
    # Six standard deviations around 1 - 2 / 4.
    assert len(refused) / times == pytest.approx(0.5, abs=6 * (0.25 / times) ** 0.5)
    assert {decision.hold_seconds for decision in refused} == {0.005}
    served = {decision.hold_seconds for decision in seen if decision.condition is None}
    assert sorted(served) == pytest.approx([0.32])


@pytest.mark.parametrize("in_flight", range(40, 101, 20))
def test_up_to_twice_the_capacity_none_is_refused(in_flight: int) -> None:
    assert not any(decided(FIFTY, in_flight, seed=seed).condition for seed in range(50))


def test_a_switch_over_answers_everybody_however_many_they_are() -> None:
    for seed in range(50):
        decision = decide(
            FIFTY, Random(seed), FaultHistory(), Arrival(101), in_flight=200, switching=True
        )
        assert decision.condition is GatewayCondition.SWITCH_OVER
        assert decision.hold_seconds == pytest.approx(0.32)


def test_no_load_holds_a_reply_longer_than_ten_minutes() -> None:
    steep = Capacity(in_flight=1, exponent=10, refuse_over=10_000)
    scenario = Scenario(latency=Latency(milliseconds=20), capacity=steep)
    assert decided(scenario, 5000).hold_seconds == LONGEST_MS / 1000


@pytest.mark.parametrize(
    ("refusal", "status"), [(OverloadRefusal.UNAVAILABLE, 503), (OverloadRefusal.TOO_MANY, 429)]
)
def test_a_refusal_is_the_reply_of_the_fault_of_its_name(
    refusal: OverloadRefusal, status: int
) -> None:
    assert FaultKind(refusal.value) in FaultKind
    plain = over_capacity(Capacity(in_flight=1, refusal=refusal))
    assert plain.status == status
    assert plain.body.startswith(b"<html>")
    assert "Retry-After" not in dict(plain.headers)
    waiting = over_capacity(Capacity(in_flight=1, refusal=refusal, retry_after="2"))
    assert dict(waiting.headers)["Retry-After"] == "2"


@given(COLD_STARTS, st.floats(0, 100_000), st.floats(0, 100_000))
def test_it_never_gets_colder(cold: ColdStart, one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert cold.factor >= cold.slowdown(early) >= cold.slowdown(late) >= 1


def test_a_cold_start_falls_evenly_to_the_latency() -> None:
    cold = ColdStart(seconds=10, factor=5)
    assert [cold.slowdown(seconds) for seconds in (0, 2.5, 5, 10, 99)] == [5, 4, 3, 1, 1]


def test_cold_and_loaded_multiply() -> None:
    scenario = Scenario(
        latency=Latency(milliseconds=20),
        capacity=Capacity(in_flight=50),
        cold_start=ColdStart(seconds=10, factor=5),
    )
    assert decided(scenario, 100, seconds=5).hold_seconds == pytest.approx(0.02 * 4 * 3)
