"""When an upstream is left alone: no state outside the table, and an honest down-time."""

import math
import random
from collections.abc import Iterable

import pytest

from bulkagent.engine.throttle.circuit_breaker import (
    TRANSITIONS,
    BreakerEvent,
    BreakerState,
    CircuitBreaker,
    Probing,
    Wait,
    Yes,
)
from bulkagent.model import Health

GOOD, UNWELL, NEUTRAL = Health.GOOD, Health.UNWELL, Health.NEUTRAL
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def breaker() -> CircuitBreaker:
    """One whose pauses are as long as they can be: no jitter to reckon with."""
    return CircuitBreaker(lambda: 1.0)


def end(tested: CircuitBreaker, health: Health, now: float, *, answered: bool = False) -> None:
    """One attempt that ends as soon as it started."""
    generation = tested.dispatch(now)
    tested.record(health, now, generation=generation, answered=answered or health is GOOD)


def feed(tested: CircuitBreaker, ends: Iterable[Health], now: float = 0.0) -> int:
    """Attempts one by one until it is not closed any more; how many there were."""
    fed = 0
    for health in ends:
        if tested.state is not CLOSED:
            break
        end(tested, health, now)
        fed += 1
    return fed


def tripped(now: float = 0.0) -> CircuitBreaker:
    tested = breaker()
    assert feed(tested, [UNWELL] * 99, now) == 10
    return tested


def pause_s(tested: CircuitBreaker, now: float) -> float:
    """How much longer it stays open."""
    verdict = tested.may_dispatch(now)
    assert isinstance(verdict, Wait)
    return verdict.seconds


def half_open(tested: CircuitBreaker, now: float) -> float:
    """Wait for the end of the pause; when that is."""
    now += pause_s(tested, now)
    assert tested.may_dispatch(now) == Yes(probe=True)
    return now


def test_the_table_is_the_whole_of_it() -> None:
    assert {(before, after) for (before, _), after in TRANSITIONS.items()} == {
        (CLOSED, OPEN),
        (OPEN, HALF_OPEN),
        (HALF_OPEN, CLOSED),
        (HALF_OPEN, OPEN),
        (HALF_OPEN, HALF_OPEN),
    }
    assert {event for _, event in TRANSITIONS} == set(BreakerEvent)
    assert {state for state, _ in TRANSITIONS} == set(BreakerState) == set(TRANSITIONS.values())


def test_while_closed_anything_may_start() -> None:
    tested = breaker()
    feed(tested, [GOOD, UNWELL, NEUTRAL, GOOD])
    assert tested.may_dispatch(0.0) == Yes(probe=False)
    assert not tested.probing


def test_ten_in_a_row_trip_it() -> None:
    tested = breaker()
    assert feed(tested, [*[UNWELL] * 9, GOOD, *[UNWELL] * 9]) == 19
    assert feed(tested, [UNWELL] * 9) == 1
    assert pause_s(tested, 0.1) == pytest.approx(0.4)


def test_half_of_the_last_fifty_trip_it() -> None:
    tested = breaker()
    assert feed(tested, [GOOD, UNWELL] * 40) == 50
    assert tested.state is OPEN
    tested = breaker()
    assert feed(tested, [GOOD, GOOD, UNWELL] * 400) == 1200
    assert tested.state is CLOSED


def test_what_says_nothing_counts_neither_way() -> None:
    tested = breaker()
    assert feed(tested, [UNWELL, NEUTRAL, NEUTRAL] * 40) == 28
    tested = breaker()
    assert feed(tested, [NEUTRAL] * 1000) == 1000


def test_one_transient_fault_in_ten_does_not_trip_it() -> None:
    numbers = random.Random(4)
    tested = breaker()
    ends = [UNWELL if numbers.random() < 0.1 else GOOD for _ in range(100_000)]
    assert feed(tested, ends) == len(ends)


def test_while_open_nothing_starts_and_then_one_probe() -> None:
    tested = tripped()
    with pytest.raises(RuntimeError, match="dispatched against Wait"):
        tested.dispatch(0.1)
    now = half_open(tested, 0.1)
    generation = tested.dispatch(now)
    assert tested.may_dispatch(now + 99.0) == Probing()
    with pytest.raises(RuntimeError, match="dispatched against Probing"):
        tested.dispatch(now)
    tested.record(GOOD, now + 1.0, generation=generation, answered=True)
    assert tested.state is CLOSED
    assert not tested.probing
    assert tested.may_dispatch(now + 1.0) == Yes(probe=False)


def test_each_failed_probe_makes_the_pause_longer() -> None:
    tested = tripped()
    now, pauses = 0.0, []
    for _ in range(8):
        begun, now = now, half_open(tested, now)
        pauses.append(now - begun)
        end(tested, UNWELL, now)
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0])
    assert tested.opened == 9


def test_half_of_each_pause_is_chance() -> None:
    for number, shortest in ((0.0, 0.25), (0.5, 0.375)):
        tested = CircuitBreaker(lambda number=number: number)  # type: ignore[misc]
        feed(tested, [UNWELL] * 10)
        assert tested.may_dispatch(0.0) == Wait(shortest)


def test_a_probe_that_says_nothing_is_asked_again_after_the_same_pause() -> None:
    tested = tripped()
    now = half_open(tested, 0.0)
    for _ in range(3):
        end(tested, NEUTRAL, now, answered=True)
        assert tested.state is OPEN
        assert pause_s(tested, now) == pytest.approx(0.5)
        now = half_open(tested, now)
    end(tested, UNWELL, now)
    assert pause_s(tested, now) == pytest.approx(1.0)


def test_a_probe_that_never_left_makes_room_for_another_at_once() -> None:
    tested = tripped()
    now = half_open(tested, 0.0)
    tested.withdraw(tested.dispatch(now), now)
    assert tested.may_dispatch(now) == Yes(probe=True)
    end(tested, NEUTRAL, now)  # as without a GUID
    assert tested.may_dispatch(now) == Yes(probe=True)
    assert tested.opened == 1


def test_withdrawing_what_is_no_probe_changes_nothing() -> None:
    tested = breaker()
    generation = tested.dispatch(0.0)
    feed(tested, [UNWELL] * 10)
    now = half_open(tested, 0.0)
    tested.dispatch(now)
    tested.withdraw(generation, now)
    assert tested.probing


def test_one_good_probe_is_no_proof_of_health() -> None:
    tested = tripped()
    now = half_open(tested, 0.0)
    end(tested, GOOD, now)
    feed(tested, [UNWELL] * 10, now)
    assert pause_s(tested, now) == pytest.approx(1.0)
    now = half_open(tested, now)
    end(tested, GOOD, now)
    feed(tested, [*[GOOD] * 50, *[UNWELL] * 10], now)
    assert pause_s(tested, now) == pytest.approx(0.5)


def test_what_tripped_it_once_does_not_count_again() -> None:
    tested = breaker()
    feed(tested, [GOOD, UNWELL] * 25)
    now = half_open(tested, 0.0)
    end(tested, GOOD, now)
    assert feed(tested, [UNWELL] * 9, now) == 9
    assert tested.state is CLOSED


def test_late_results_move_no_state() -> None:
    tested = breaker()
    late = [tested.dispatch(0.0) for _ in range(40)]
    feed(tested, [UNWELL] * 10)
    for health in (GOOD, UNWELL, NEUTRAL):
        tested.record(health, 0.1, generation=late.pop(), answered=True)
        assert tested.state is OPEN
    now = half_open(tested, 0.1)
    probe = tested.dispatch(now)
    for health in (GOOD, UNWELL, NEUTRAL):
        tested.record(health, now, generation=late.pop(), answered=True)
        assert tested.probing
    tested.record(GOOD, now, generation=probe, answered=True)
    # Time-outs of what was sent before the outage say nothing of what came after it.
    for generation in late:
        tested.record(UNWELL, now + 9.0, generation=generation, answered=False)
    assert tested.state is CLOSED
    assert tested.down_s(now + 9.0) == 0.0


def test_a_late_good_answer_ends_the_down_time() -> None:
    tested = breaker()
    late = tested.dispatch(0.0)
    feed(tested, [UNWELL] * 10, 1.0)
    assert tested.down_s(2.0) == 1.0
    tested.record(GOOD, 2.0, generation=late, answered=True)
    assert tested.down_s(2.0) == 0.0
    now = half_open(tested, 2.0 - 0.9)
    end(tested, UNWELL, now)
    assert tested.down_s(now + 1.0) == 1.0


def test_down_time_runs_from_the_first_fault_after_the_last_good_answer() -> None:
    tested = breaker()
    assert tested.down_s(5.0) == 0.0
    end(tested, UNWELL, 10.0)
    end(tested, GOOD, 11.0)
    end(tested, UNWELL, 12.0)
    end(tested, UNWELL, 13.0)
    assert tested.down_s(20.0) == 8.0


def test_who_turns_all_away_is_down_but_open_to_all() -> None:
    tested = breaker()
    for now in (10.0, 20.0, 30.0):
        generation = tested.dispatch(now)
        tested.record(NEUTRAL, now, generation=generation, answered=True, turned_away=True)
    assert (tested.state, tested.down_s(40.0)) == (BreakerState.CLOSED, 30.0)
    end(tested, NEUTRAL, 50.0, answered=True)  # as a refusal that is about one agent
    assert tested.give_up_in(50.0, 300.0, 30.0) == 260.0
    end(tested, GOOD, 51.0)
    assert tested.down_s(52.0) == 0.0


def test_neither_probes_nor_a_429_reset_the_down_time() -> None:
    tested = tripped(100.0)
    now = 100.0
    for health in (UNWELL, NEUTRAL, UNWELL, NEUTRAL):
        now = half_open(tested, now)
        end(tested, health, now, answered=True)
        assert tested.down_s(now) == now - 100.0
    now = half_open(tested, now)
    end(tested, GOOD, now)
    assert tested.down_s(now) == 0.0


@pytest.mark.parametrize(
    ("answered", "after_s", "given_up_after_s"),
    [(True, 300.0, 300.0), (False, 300.0, 30.0), (True, 5.0, 5.0), (False, 5.0, 5.0)],
)
def test_it_is_given_up_when_it_was_down_for_long_enough(
    *, answered: bool, after_s: float, given_up_after_s: float
) -> None:
    tested = breaker()
    assert tested.give_up_in(0.0, after_s, 30.0) == math.inf
    assert not tested.give_up(1e9, after_s)
    # An answer that it is switching over is one, so the wait is that for a gateway that is there.
    end(tested, UNWELL, 1000.0, answered=answered)
    almost = 1000.0 + given_up_after_s - 1.0
    assert tested.give_up_in(almost, after_s, 30.0) == pytest.approx(1.0)
    assert not tested.give_up(almost, after_s)
    assert tested.give_up(almost + 1.0, after_s)
    assert tested.give_up_in(almost + 9.0, after_s, 30.0) == 0.0


def test_five_minutes_hold_more_than_twenty_probes() -> None:
    tested = tripped()
    now, probes = 0.0, 0
    while not tested.give_up(now := half_open(tested, now), never_answered_after_s=300.0):
        end(tested, UNWELL, now)
        probes += 1
    assert probes > 20


def test_timers_that_fire_a_hair_early_are_not_sent_round_in_circles() -> None:
    tested = tripped()
    assert tested.may_dispatch(0.5 - 1e-13) == Wait(0.001)
    assert tested.give_up_in(30.0 - 1e-13, 300.0, 30.0) == 0.001


def test_it_can_be_read_in_a_log() -> None:
    tested = breaker()
    assert repr(tested) == (
        "<CircuitBreaker closed: 0 unwell in a row, 0 of the last 0, opened 0 times>"
    )
    end(tested, UNWELL, 3.0)
    assert "1 unwell in a row, 1 of the last 1" in repr(tested)
    assert repr(tested).endswith("down since 3.0>")
    feed(tested, [UNWELL] * 9, 4.0)
    assert "open, until 4.5: " in repr(tested)
    tested.dispatch(half_open(tested, 4.0))
    assert "half-open, probing: " in repr(tested)
