"""When a run is to end early: counters and rules as tables and properties.

Proves --halt, --halt-first; guide "Halting".
"""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.attempt import Attempt, AttemptHistory
from bulkagent.engine import End, Go, HaltCount, HaltFirst, HaltShare, Tally
from bulkagent.model import Cause, Delivery, Disposition, Evidence, Status
from bulkagent.reasons import FirstAllGot, NotApplied
from tests.dispositions import (
    ABSENT,
    ALL,
    BUSY,
    DENIED,
    DONE,
    LOST,
    REFUSED,
    STRANGE,
    ended,
)

# Another retcode that says the same.
DENIED_TOO = Disposition(
    "denied too", Delivery.ANSWERED, Status.FAILED, Cause.GUID_REFUSED, evidence=Evidence.SETUP
)


def history(*dispositions: Disposition) -> AttemptHistory[Attempt]:
    whole = AttemptHistory.begin(ended(dispositions[0]))
    for disposition in dispositions[1:]:
        whole = whole.then(ended(disposition))
    return whole


def tally(rows: int, *histories: AttemptHistory[Attempt]) -> Tally:
    counted = Tally(rows)
    for each in histories:
        counted.count(each)
    return counted


@pytest.mark.parametrize(
    ("happened", "applied", "bad", "aside"),
    [
        ((DONE,), 1, 0, 0),
        ((LOST, DONE), 1, 0, 0),
        ((REFUSED,), 0, 1, 0),
        ((BUSY, BUSY), 0, 1, 0),
        ((ABSENT,), 0, 0, 1),
        ((BUSY, ABSENT), 0, 0, 1),
        ((DENIED, ABSENT), 0, 0, 1),
        # What may have taken effect is nobody's own affair, whatever was said afterwards.
        ((LOST, ABSENT), 0, 1, 0),
        ((ABSENT, DENIED), 0, 1, 0),
    ],
)
def test_a_story_counts_by_its_end(
    happened: tuple[Disposition, ...], applied: int, bad: int, aside: int
) -> None:
    counted = tally(9, history(*happened))
    assert (counted.applied, counted.bad, counted.aside) == (applied, bad, aside)
    assert counted.finished == 1
    assert counted.counted == 1 - aside
    assert f"1 of 9: {applied} applied, {bad} bad, {aside} aside" in repr(counted)


@given(
    happened=st.lists(st.lists(st.sampled_from(ALL), min_size=1, max_size=4), max_size=60),
    count=st.integers(0, 8),
)
def test_the_first_all_alike_end_it_and_nothing_else_does(
    happened: list[list[Disposition]], count: int
) -> None:
    """The rule against its own definition, over the whole list each time."""
    counted, rule = Tally(len(happened)), HaltFirst(count)
    histories = [history(*each) for each in happened]
    for number, each in enumerate(histories, start=1):
        counted.count(each)
        ruling = rule.ask(counted, "east")
        rest = [
            one
            for one in histories[:number]
            if one.last.disposition.evidence is not Evidence.PERSONAL or one.doubt is not None
        ]
        firsts = {one.first.disposition.cause for one in rest}
        ends = (
            count > 0
            and len(rest) >= max(1, min(count, len(histories) - (number - len(rest))))
            and len(firsts) == 1
            and all(one.first.disposition.evidence is Evidence.SETUP for one in rest)
            and all(one.last.disposition.status is not Status.APPLIED for one in rest)
        )
        assert isinstance(ruling, End) is ends


def test_the_first_fifty_are_enough() -> None:
    counted, rule = Tally(1_000), HaltFirst()
    for _ in range(49):
        counted.count(history(DENIED))
        assert rule.ask(counted, "east") == Go()
    counted.count(history(DENIED_TOO))
    assert rule.ask(counted, "east") == End(
        Cause.HALTED, FirstAllGot(50, "east", Cause.GUID_REFUSED)
    )


def test_where_the_rest_are_all_aside_fewer_are_enough() -> None:
    rule = HaltFirst(50)
    asides = [history(ABSENT)] * 3
    assert rule.ask(tally(40, *asides, *[history(DENIED)] * 36), "east") == Go()
    ruling = rule.ask(tally(40, *asides, *[history(DENIED)] * 37), "east")
    assert isinstance(ruling, End)
    assert "the first 37 on east all" in str(ruling.reason)
    # It may be an aside that leaves no others to wait for.
    assert isinstance(rule.ask(tally(40, *[history(DENIED)] * 37, *asides), "east"), End)


def test_one_is_all_where_there_is_one() -> None:
    ruling = HaltFirst().ask(tally(1, history(DENIED)), "east")
    assert ruling == End(Cause.HALTED, FirstAllGot(1, "east", Cause.GUID_REFUSED))


@pytest.mark.parametrize(
    "histories",
    [
        [],
        [history(ABSENT)] * 10,
        [history(REFUSED)] * 10,
        [history(DENIED)] * 9 + [history(DONE)],
        [history(DONE)] + [history(DENIED)] * 9,
        [history(DENIED)] * 9 + [history(REFUSED)],
        [history(DENIED)] * 9 + [history(STRANGE)],
        [history(BUSY, DENIED)] * 10,
        [history(STRANGE, DONE)] * 10,
    ],
)
def test_it_takes_one_and_the_same_verdict_from_all(
    histories: list[AttemptHistory[Attempt]],
) -> None:
    assert HaltFirst(10).ask(tally(10, *histories), "east") == Go()


def test_one_other_among_the_first_and_it_never_ends() -> None:
    histories = [history(DONE), *[history(DENIED)] * 500]
    assert HaltFirst(5).ask(tally(1_000, *histories), "east") == Go()


def test_it_can_be_off_and_need_not_know_how_many_there_are() -> None:
    histories = [history(DENIED)] * 20
    assert HaltFirst(0).ask(tally(20, *histories), "east") == Go()
    assert HaltFirst(21).ask(tally(0, *histories), "east") == Go()
    assert isinstance(HaltFirst(20).ask(tally(0, *histories), "east"), End)


def test_a_share_ends_it_once_there_are_enough_to_speak_of_one() -> None:
    rule = HaltShare(0.25, at_least=40)
    assert rule.ask(Tally(0)) == Go()
    assert rule.ask(tally(100, *[history(REFUSED)] * 39)) == Go()
    assert rule.ask(tally(100, *[history(REFUSED)] * 39, *[history(ABSENT)] * 60)) == Go()
    assert rule.ask(tally(100, *[history(REFUSED)] * 9, *[history(DONE)] * 31)) == Go()
    assert rule.ask(tally(100, *[history(REFUSED)] * 10, *[history(DONE)] * 30)) == End(
        Cause.HALTED, NotApplied(10, 40, share=0.25)
    )


def test_a_share_is_compared_as_it_is_written() -> None:
    """0.07 times 100 is more than 7 in floating point."""
    histories = [*[history(REFUSED)] * 7, *[history(DONE)] * 93]
    assert isinstance(HaltShare(0.07).ask(tally(100, *histories)), End)
    assert HaltShare(0.07, at_least=0).ask(Tally(100)) == Go()


def test_a_count_ends_it_once_there_are_enough_to_speak_of_one() -> None:
    rule = HaltCount(10, at_least=40)
    assert rule.ask(tally(100, *[history(REFUSED)] * 39)) == Go()
    assert rule.ask(tally(100, *[history(REFUSED)] * 9, *[history(DONE)] * 90)) == Go()
    assert rule.ask(tally(100, *[history(LOST)] * 10, *[history(DONE)] * 30)) == End(
        Cause.HALTED, NotApplied(10, 40, limit=10)
    )


def test_an_end_that_may_be_about_one_item_points_to_the_setup_only_where_none_was_applied() -> (
    None
):
    either = msgspec.structs.replace(DENIED, name="either", lasting=Cause.NOT_PERMITTED)
    for applied_before, setup in ((False, True), (True, False)):
        counted = Tally(2, applied_before=applied_before)
        for _ in range(2):
            counted.count(history(either))
        assert isinstance(HaltFirst(2).ask(counted, "east"), End) is setup
        assert isinstance(HaltFirst(2).ask(counted.copy(), "east"), End) is setup
    stale = Tally(1, applied_before=True)
    stale.count(history(DENIED))
    assert isinstance(HaltFirst(2).ask(stale, "east"), End)
