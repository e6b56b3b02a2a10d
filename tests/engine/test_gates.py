"""Turns, gate, floor and canaries, each by itself.

Proves --gate, --floor, --allow-closing, --canary; guide "The rule", "Canaries".
"""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.engine import (
    Coverage,
    End,
    GatedLane,
    Gatekeeper,
    GateResult,
    GateTerms,
    Go,
    Side,
    may_leave,
    needed,
)
from bulkagent.engine.gates.canary import Canaries, spread, unlikely
from bulkagent.engine.gates.gate import NotYet
from bulkagent.engine.round_robin import RoundRobin
from bulkagent.model import Cause

GO, NOT_YET = Go(), NotYet()
SET, FAILED = GateResult(applied=True, off=True), GateResult(applied=False)


# Shares.


@pytest.mark.parametrize(
    ("share", "of", "number"),
    [
        (0.95, 100, 95),
        (0.95, 20, 19),
        (0.95, 21, 20),
        (0.07, 100, 7),  # the product of the floats is 7.000000000000001
        (0.57, 100, 57),
        (0.0, 10, 0),
        (1.0, 7, 7),
        (0.95, 0, 0),
        (0.005, 1, 1),
    ],
)
def test_a_share_of_a_number_is_its_ceiling(share: float, of: int, number: int) -> None:
    assert needed(share, of) == number


@given(st.integers(0, 10_000), st.integers(0, 100_000))
def test_no_share_is_rounded_in_the_wrong_direction(percent_of_percent: int, of: int) -> None:
    share = percent_of_percent / 10_000
    assert needed(share, of) == math.ceil(Fraction(percent_of_percent, 10_000) * of)


# The rule, case by case. I incoming of whom U are up, O outgoing of whom D are down.


def ruling(terms: GateTerms, coverage: Coverage, *, counted: bool = False) -> object:
    found = may_leave(coverage, terms, counted=counted)
    return found.cause if isinstance(found, End) else found


@pytest.mark.parametrize(
    ("up", "awaited", "expected"),
    [(94, 6, NOT_YET), (95, 5, GO), (95, 0, GO), (94, 0, Cause.GATE), (0, 100, NOT_YET)],
)
def test_the_gate_opens_as_soon_as_it_holds_and_fails_when_all_stories_have_ended(
    up: int, awaited: int, expected: object
) -> None:
    coverage = Coverage(incoming=100, outgoing=80, up=up, awaited=awaited)
    assert ruling(GateTerms(), coverage) == expected


def test_nobody_goes_off_where_nobody_comes_on_unless_that_is_said() -> None:
    assert ruling(GateTerms(), Coverage(outgoing=5)) is Cause.GATE
    assert ruling(GateTerms(gate=0.0), Coverage(outgoing=5)) is Cause.GATE
    assert ruling(GateTerms(allow_closing=True), Coverage(outgoing=5)) == GO
    floored = GateTerms(allow_closing=True, floor=0.5)
    assert ruling(floored, Coverage(outgoing=5, down=1)) == GO
    assert ruling(floored, Coverage(outgoing=5, down=2)) is Cause.FLOOR


@pytest.mark.parametrize(
    ("down", "up", "leaving", "awaited", "expected"),
    [
        (0, 10, 0, 0, GO),
        (9, 10, 0, 0, GO),  # 10 - 9 - 1 + 10 = 10 of 9
        (10, 10, 0, 0, GO),
        (11, 10, 0, 0, Cause.FLOOR),
        (11, 10, 1, 0, NOT_YET),
        (11, 10, 0, 1, NOT_YET),
    ],
)
def test_the_floor_counts_who_is_left_after_this_one(
    down: int, up: int, leaving: int, awaited: int, expected: object
) -> None:
    coverage = Coverage(
        incoming=10, outgoing=10, down=down, up=up, leaving=leaving, awaited=awaited
    )
    assert ruling(GateTerms(floor=0.9, gate=0.5), coverage) == expected


def test_whoever_is_down_already_takes_nobody_off_by_being_asked_again() -> None:
    coverage = Coverage(incoming=5, outgoing=10, up=5, down=5)
    assert ruling(GateTerms(floor=1.0), coverage) is Cause.FLOOR
    assert ruling(GateTerms(floor=1.0), coverage, counted=True) == GO


# Canaries.


@pytest.mark.parametrize(
    ("bad", "of", "halts"),
    [
        (0, 20, False),
        (1, 20, False),
        (2, 20, False),
        (3, 20, True),
        (1, 1, True),
        (1, 5, False),
        (2, 5, True),
        (8, 100, False),
        (9, 100, True),
        (500, 10_000, False),
        (600, 10_000, True),
        (99_999, 100_000, True),
    ],
)
def test_a_small_number_is_judged_as_one(bad: int, of: int, *, halts: bool) -> None:
    assert unlikely(bad, of) is halts


def test_what_speaks_against_going_on() -> None:
    assert not Canaries().against()
    assert not Canaries(counted=20, bad=1).against()
    assert "3 of 20" in str(Canaries(counted=20, bad=3).against())
    assert "none of the 4" in str(Canaries(counted=4, bad=4).against())
    assert "guid_refused" in str(Canaries(counted=20, bad=1, misled="guid_refused").against())


@given(st.integers(0, 200), st.lists(st.integers(0, 50), max_size=8))
def test_canaries_are_spread_as_evenly_as_lanes_allow(number: int, rows: list[int]) -> None:
    quotas = spread(number, rows)
    assert sum(quotas) == min(number, sum(rows))
    assert all(quota <= most for quota, most in zip(quotas, rows, strict=True))
    unfilled = [quota for quota, most in zip(quotas, rows, strict=True) if quota < most]
    assert not unfilled or max(quotas) - min(unfilled) <= 1


def test_only_canaries_go_until_they_are_known() -> None:
    gated_lanes = [
        GatedLane(lane=lane, group=f"g{lane % 2}", rows=10, side=side)
        for lane, side in enumerate((Side.COMES_ON, Side.COMES_ON, Side.GOES_OFF, Side.GOES_OFF))
    ]
    coverage_of = {group: Coverage(incoming=10, outgoing=10) for group in ("g0", "g1")}
    keeper = Gatekeeper(gated_lanes, coverage_of, GateTerms(gate=0.1), canaries=4)
    for lane in (0, 1):
        for _ in range(2):
            assert keeper.ask(lane, 0.0) == GO
            keeper.taken(lane)
    assert [keeper.ask(lane, 0.0) for lane in range(4)] == [NOT_YET] * 4
    for lane in (0, 0, 1):
        keeper.ended(lane, SET)
    assert keeper.ask(0, 0.0) == NOT_YET
    keeper.ended(1, SET)
    assert [keeper.ask(lane, 0.0) for lane in range(4)] == [GO] * 4


def test_bad_canaries_end_every_lane_and_are_told_once() -> None:
    told: list[tuple[str, End]] = []
    keeper = Gatekeeper(
        [GatedLane(lane=lane, group="", rows=10) for lane in (0, 1)],
        {},
        GateTerms(),
        canaries=2,
        held_back=lambda group, end: told.append((group, end)),
    )
    called: list[int] = []
    keeper.listen(called.extend)
    for lane in (0, 1):
        keeper.taken(lane)
        keeper.ended(lane, FAILED)
    keeper.announce()
    assert sorted(called) == [0, 1]
    ends = [keeper.ask(lane, 0.0) for lane in (0, 1)]
    assert [end.cause for end in ends if isinstance(end, End)] == [Cause.CANARY] * 2
    assert [(group, end.cause) for group, end in told] == [("", Cause.CANARY)]


def test_who_is_waited_for_is_no_canary_that_others_wait_for() -> None:
    keeper = Gatekeeper([GatedLane(lane=0, group="", rows=10)], {}, GateTerms(), canaries=3)
    for _ in range(3):
        keeper.taken(0)
    keeper.awaits(0, 1)
    keeper.ended(0, SET)
    assert keeper.ask(0, 0.0) == NOT_YET
    keeper.ended(0, SET)
    assert keeper.ask(0, 0.0) == GO


def test_where_all_canaries_are_waited_for_nothing_is_known_yet() -> None:
    keeper = Gatekeeper([GatedLane(lane=0, group="", rows=10)], {}, GateTerms(), canaries=2)
    for _ in range(2):
        keeper.taken(0)
        keeper.awaits(0, 1)
    assert keeper.ask(0, 0.0) == NOT_YET
    keeper.awaits(0, -1)
    keeper.ended(0, SET)
    assert keeper.ask(0, 0.0) == GO


# Lanes that wait for a time, lanes that come to their end.


def test_a_lane_in_whose_agents_something_may_still_change_waits() -> None:
    keeper = Gatekeeper([GatedLane(lane=0, group="", rows=1, not_before=20.0)], {}, GateTerms())
    assert keeper.ask(0, 19.9) == NotYet(20.0)
    assert keeper.ask(0, 20.0) == GO


def test_a_lane_that_is_closed_is_not_waited_for() -> None:
    gated_lanes = [
        GatedLane(lane=0, group="", rows=10, side=Side.COMES_ON),
        GatedLane(lane=1, group="", rows=10, side=Side.GOES_OFF),
    ]
    keeper = Gatekeeper(gated_lanes, {"": Coverage(incoming=10, outgoing=10)}, GateTerms())
    keeper.taken(0)
    keeper.closed(0)
    assert keeper.ask(1, 0.0) == NOT_YET
    keeper.ended(0, SET)
    assert isinstance(keeper.ask(1, 0.0), End)


def test_by_sight_an_agent_is_up_when_it_is_seen() -> None:
    gated_lanes = [
        GatedLane(lane=0, group="a", rows=2, side=Side.COMES_ON),
        GatedLane(lane=1, group="a", rows=1, side=Side.GOES_OFF),
    ]
    coverage_of = {"a": Coverage(incoming=2, outgoing=1)}
    keeper = Gatekeeper(gated_lanes, coverage_of, GateTerms(gate=1.0), by_sight=True)
    for _ in range(2):
        keeper.taken(0)
        keeper.ended(0, SET)
    assert keeper.ask(1, 0.0) == NOT_YET
    keeper.seen("a", up=True)
    assert keeper.ask(1, 0.0) == NOT_YET
    keeper.seen("a", up=True)
    assert keeper.ask(1, 0.0) == GO


def test_by_sight_who_is_not_seen_in_time_does_not_count() -> None:
    gated_lanes = [
        GatedLane(lane=0, group="a", rows=1, side=Side.COMES_ON),
        GatedLane(lane=1, group="a", rows=1, side=Side.GOES_OFF),
    ]
    keeper = Gatekeeper(
        gated_lanes, {"a": Coverage(incoming=1, outgoing=1)}, GateTerms(gate=1.0), by_sight=True
    )
    keeper.taken(0)
    keeper.ended(0, SET)
    keeper.seen("a", up=False)
    assert isinstance(keeper.ask(1, 0.0), End)


# Ends that cannot be relied on.


def handover(*, canaries: int = 0, by_sight: bool = False) -> Gatekeeper:
    gated_lanes = [
        GatedLane(lane=0, group="a", rows=2, side=Side.COMES_ON),
        GatedLane(lane=1, group="a", rows=3, side=Side.GOES_OFF),
    ]
    coverage_of = {"a": Coverage(incoming=2, outgoing=3)}
    terms = GateTerms(gate=1.0, floor=1.0)
    return Gatekeeper(gated_lanes, coverage_of, terms, canaries=canaries, by_sight=by_sight)


def ends(keeper: Gatekeeper, lane: int, result: GateResult) -> None:
    keeper.taken(lane)
    keeper.ended(lane, result)


def test_an_incoming_agent_who_is_put_in_doubt_is_up_no_more_and_the_gate_waits_for_him() -> None:
    keeper = handover()
    for _ in range(2):
        ends(keeper, 0, SET)
    assert keeper.ask(1, 0.0) == GO
    keeper.closed(0)
    called: list[int] = []
    keeper.listen(called.extend)
    assert keeper.reopened(0, SET) == 0
    keeper.announce()
    assert 1 in called
    assert keeper.ask(1, 0.0) == NOT_YET
    assert keeper.ask(0, 0.0) == GO
    ends(keeper, 0, FAILED)
    assert isinstance(keeper.ask(1, 0.0), End)


def test_an_incoming_agent_who_was_up_before_counts_once() -> None:
    keeper = handover()
    keeper.groups["a"].up = 2
    ends(keeper, 0, GateResult(applied=True, counted=True))
    assert keeper.up["a"] == 2
    ends(keeper, 0, GateResult(applied=False, counted=True))
    assert keeper.up["a"] == 1, "what the own run is answered counts more"


def test_an_outgoing_agent_who_is_put_in_doubt_stays_among_those_who_may_be_off() -> None:
    keeper = handover()
    for _ in range(2):
        ends(keeper, 0, SET)
    ends(keeper, 1, SET)
    ends(keeper, 1, FAILED)
    down = keeper.groups["a"].down
    assert down == 1
    again = keeper.reopened(1, SET)
    assert (again, keeper.reopened(1, FAILED)) == (~1, ~1)
    assert keeper.groups["a"].down == down + 1  # a refused agent may be off after all
    assert keeper.ask(1, 0.0) == NOT_YET or isinstance(keeper.ask(1, 0.0), End)
    assert keeper.ask(again, 0.0) == GO  # he takes nobody off by being asked again
    assert keeper.group(again) == "a"
    ends(keeper, again, SET)
    ends(keeper, again, FAILED)
    assert keeper.groups["a"].down == down


def test_canaries_who_are_put_in_doubt_are_waited_for() -> None:
    keeper = handover(canaries=2)
    ends(keeper, 0, SET)
    assert keeper.reopened(0, SET) == 0
    ends(keeper, 0, SET)
    assert keeper.ask(1, 0.0) == NOT_YET  # one is to come, and one of the two is no canary more
    keeper.reopened(0, SET)
    ends(keeper, 0, SET)
    assert keeper.ask(1, 0.0) == NOT_YET
    ends(keeper, 0, SET)
    assert keeper.ask(1, 0.0) == GO


def test_by_sight_who_was_seen_or_is_looked_at_does_not_count_while_in_doubt() -> None:
    keeper = handover(by_sight=True)
    for _ in range(2):
        ends(keeper, 0, SET)
    keeper.seen("a", up=True)
    keeper.seen("a", up=True)
    assert keeper.ask(1, 0.0) == GO
    keeper.reopened(0, SET)
    keeper.unseen("a", up=True)
    assert keeper.up == {"a": 1}
    assert keeper.ask(1, 0.0) == NOT_YET
    ends(keeper, 0, SET)
    keeper.reopened(0, SET)
    keeper.unseen("a", up=False)
    ends(keeper, 0, SET)
    assert keeper.ask(1, 0.0) == NOT_YET
    keeper.seen("a", up=True)
    assert keeper.ask(1, 0.0) == GO


# Turns.


def test_groups_take_turns_and_lanes_of_a_group_follow_one_another() -> None:
    turns = RoundRobin([0, 1, 2, 3], {0: "a", 1: "b", 2: "a", 3: "b"}.__getitem__)
    assert [turns.next() for _ in range(4)] == [0, 1, 0, 1]
    turns.remove(0)
    assert [turns.next() for _ in range(4)] == [2, 1, 2, 1]
    turns.remove(1)
    turns.remove(3)
    assert list(turns) == [2]
    turns.add(0)
    assert turns.next() == 0, "the first of its lanes goes first again"
    turns.add(3)
    assert [turns.next() for _ in range(4)] == [0, 3, 0, 3]
    assert len(turns) == 3
    turns.clear()
    assert not turns
    assert 0 not in turns


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.data())
def test_nobody_is_starved(groups: list[int], data: st.DataObject) -> None:
    turns = RoundRobin(range(len(groups)), groups.__getitem__)
    alive = set(groups)
    for _ in range(20):
        round_ = [groups[turns.next()] for _ in alive]
        assert sorted(round_) == sorted(alive)
        if data.draw(st.booleans()):
            gone = data.draw(st.sampled_from(sorted(turns)))
            turns.remove(gone)
            alive = {groups[lane] for lane in turns}
        if not turns:
            break


def test_canaries_that_another_run_has_by_now_hold_nobody_back() -> None:
    """Guide "Canaries": two workers ask for the last ones at once, and there is none left."""
    lanes = [
        GatedLane(lane=0, group="", rows=2, side=Side.COMES_ON),
        GatedLane(lane=1, group="", rows=1, side=Side.GOES_OFF),
    ]
    coverage = {"": Coverage(incoming=2, outgoing=1)}
    keeper = Gatekeeper(lanes, coverage, GateTerms(gate=0.0), canaries=2)
    keeper.taken(0)
    keeper.taken(0)
    keeper.returned(0)
    keeper.closed(0)
    assert isinstance(keeper.ask(1, 0.0), NotYet)
    keeper.returned(0)
    assert isinstance(keeper.ask(1, 0.0), Go)
