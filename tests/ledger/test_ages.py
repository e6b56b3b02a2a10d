"""Ages by a wrong clock: never negative, and unknown where the clock was ahead (--max-age)."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.ledger import Database, RunFacts, RunRecord, find_run, finish_leg, idle_s
from bulkagent.ledger.elapsed import SKEW_MS, LegOrder, OrderedLeg
from tests.ledger.ledgers import begun, planner

HOUR = 3_600_000
TIMES = st.integers(0, 20 * HOUR)


def _legs(*times: tuple[int, int | None]) -> list[OrderedLeg]:
    return [OrderedLeg(number, 1, number, *at) for number, at in enumerate(times, start=1)]


@given(st.lists(st.tuples(TIMES, st.none() | TIMES), min_size=1, max_size=5), TIMES, TIMES)
def test_an_age_is_never_negative_nor_from_after_what_followed(
    times: list[tuple[int, int | None]], at_ms: int, now_ms: int
) -> None:
    legs = _legs(*times)
    turns = LegOrder(legs, now_ms)
    for number, leg in enumerate(legs):
        idle_ms = turns.idle_ms(leg, at_ms)
        since = [later.started_at for later in legs[number + 1 :]]
        since += [later.finished_at for later in legs[number:] if later.finished_at is not None]
        ahead = at_ms > min([now_ms, *since]) + SKEW_MS
        assert idle_ms == (None if ahead else max(0, now_ms - at_ms))


def test_a_clock_that_was_set_back_makes_nothing_look_young() -> None:
    first, second = _legs((6 * HOUR, 6 * HOUR + 1000), (0, 1000))
    turns = LegOrder((first, second), 7 * HOUR)
    assert turns.idle_ms(first, 6 * HOUR) is None
    assert turns.idle_ms(second, 500) == 7 * HOUR - 500


def test_a_clock_that_differs_by_seconds_is_no_clock_that_was_ahead() -> None:
    (leg,) = _legs((0, None))
    assert LegOrder((leg,), HOUR).idle_ms(leg, HOUR + 59_000) == 0
    assert LegOrder((leg,), HOUR).idle_ms(leg, HOUR + 61_000) is None


def test_a_clock_that_was_set_back_in_mid_run_is_known_by_its_end() -> None:
    (leg,) = _legs((6 * HOUR, HOUR))
    assert LegOrder((leg,), 2 * HOUR).idle_ms(leg, 6 * HOUR + 5) is None
    assert LegOrder((leg,), 2 * HOUR).idle_ms(leg, HOUR) == HOUR


def test_how_long_a_run_lay_still(database: Database) -> None:
    made = planner(database)
    assert database.all("SELECT count(*) FROM legs") == [(0,)]
    made.planned(5 * HOUR)
    begun(database, made, now_ms=5 * HOUR)
    facts = find_run(database, made.run_id)
    assert idle_s(database, facts, 6 * HOUR) == 3600
    assert idle_s(database, facts, 5 * HOUR - 1000) == 0
    assert idle_s(database, facts, 4 * HOUR) == math.inf
    later = planner(database)
    later.planned(1 * HOUR)
    begun(database, later, now_ms=1 * HOUR)
    assert idle_s(database, facts, 6 * HOUR) == math.inf, "a later run says that it was ahead"


_MARK = """
INSERT INTO outcomes (run, row, attempts, first_sent_at, sent_at) VALUES (?1, ?2, 1, ?3, ?3)
"""


def _at_work(
    database: Database, *, sent_s: Iterable[int], ended_s: int | None, other_s: int
) -> RunFacts:
    """A run that began at 0, and another one that began meanwhile."""
    made = planner(database)
    made.planned(0)
    begun(database, made, now_ms=0)
    later = planner(database)
    later.planned(other_s * 1000)
    begun(database, later, now_ms=other_s * 1000)
    marks = [(made.run, row, each * 1000) for row, each in enumerate(sent_s, start=2)]
    database.write((_MARK, marks))
    if ended_s is not None:
        record = RunRecord(database, made.run)
        finish_leg(
            *(record, 1),
            state="completed",
            exit_code=3,
            reason="",
            not_attempted={},
            now_ms=ended_s * 1000,
        )
    return find_run(database, made.run_id)


@pytest.mark.parametrize("ended_s", [None, 590])
def test_a_run_that_began_meanwhile_is_no_clock_that_was_ahead(
    database: Database, ended_s: int | None
) -> None:
    facts = _at_work(database, sent_s=range(30, 600, 30), ended_s=ended_s, other_s=5)
    assert idle_s(database, facts, 1_000_000) == 1000 - (ended_s or 570)


@pytest.mark.parametrize("ended_s", [None, 18_000])
def test_what_a_clock_that_leapt_says_makes_no_run_look_young(
    database: Database, ended_s: int | None
) -> None:
    facts = _at_work(database, sent_s=[10, 40, 17_990], ended_s=ended_s, other_s=300)
    assert idle_s(database, facts, 20_000_000) == 20_000 - 40
    assert idle_s(database, facts, 17_000_000) == math.inf, "it is ahead still"
