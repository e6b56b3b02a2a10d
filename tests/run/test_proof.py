"""What lists of queues prove: the whole rule as tables.

Proves --verify-with; guide "What the verdict means".
"""

from __future__ import annotations

import itertools

import pytest

from bulkagent.gateway.query_requests import LONGEST_LIST, SkillAgents
from bulkagent.model import Verified
from bulkagent.run.verify.proof import (
    ListedAfter,
    QueueSight,
    hangs_on_session,
    proven,
    queue_sight,
)

YES, NO, HIDDEN = Verified.YES, Verified.NO, Verified.NOT_VISIBLE

LISTED = SkillAgents(frozenset({"101", "102"}))
EMPTY = SkillAgents(frozenset())
FULL = SkillAgents(frozenset(map(str, range(1000, 1000 + LONGEST_LIST))))
FULL_WITH = SkillAgents(FULL.ids - {"1000"} | {"101"})


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (LISTED, LISTED, QueueSight(before=True, after=ListedAfter.SEEN)),
        (LISTED, EMPTY, QueueSight(before=True, after=ListedAfter.ABSENT)),
        (EMPTY, LISTED, QueueSight(before=False, after=ListedAfter.SEEN)),
        (None, LISTED, QueueSight(before=False, after=ListedAfter.SEEN)),
        (LISTED, None, QueueSight(before=True, after=ListedAfter.OPEN)),
        (None, None, QueueSight(before=False, after=ListedAfter.OPEN)),
        # An agent in a list is there, however long it is. Another may be beyond its end.
        (FULL_WITH, FULL_WITH, QueueSight(before=True, after=ListedAfter.SEEN)),
        (FULL_WITH, EMPTY, QueueSight(before=True, after=ListedAfter.ABSENT)),
        (LISTED, FULL, QueueSight(before=True, after=ListedAfter.OPEN)),
    ],
)
def test_what_two_lists_show(
    before: SkillAgents | None, after: SkillAgents | None, expected: QueueSight
) -> None:
    assert queue_sight(before, after, "101") == expected


# One queue: seen before, after, still signed in -> the verdicts of flag 0 and of flag 1.
ONE_QUEUE = [
    (True, ListedAfter.ABSENT, True, YES, NO),
    (True, ListedAfter.ABSENT, False, HIDDEN, HIDDEN),  # signed out, or nobody knows
    (False, ListedAfter.ABSENT, True, HIDDEN, HIDDEN),  # perhaps never of this queue
    (False, ListedAfter.ABSENT, False, HIDDEN, HIDDEN),
    (True, ListedAfter.SEEN, True, NO, YES),
    (True, ListedAfter.SEEN, False, NO, YES),
    (False, ListedAfter.SEEN, True, NO, YES),
    (False, ListedAfter.SEEN, False, NO, YES),
    (True, ListedAfter.OPEN, True, HIDDEN, HIDDEN),
    (True, ListedAfter.OPEN, False, HIDDEN, HIDDEN),
    (False, ListedAfter.OPEN, True, HIDDEN, HIDDEN),
    (False, ListedAfter.OPEN, False, HIDDEN, HIDDEN),
]


@pytest.mark.parametrize(("before", "after", "signed_in", "zero", "one"), ONE_QUEUE)
def test_one_queue(
    before: bool, after: ListedAfter, signed_in: bool, zero: Verified, one: Verified
) -> None:
    sights = [QueueSight(before, after)]
    assert proven("0", sights, signed_in=signed_in) is zero
    assert proven("1", sights, signed_in=signed_in) is one
    # It is asked for only where it can change the verdict.
    differs = len({proven("0", sights, signed_in=known) for known in (True, False)}) > 1
    assert hangs_on_session(sights) is differs


def test_the_table_has_every_case() -> None:
    cases = {(before, after, signed_in) for before, after, signed_in, *_ in ONE_QUEUE}
    assert cases == set(itertools.product((True, False), ListedAfter, (True, False)))


GONE = QueueSight(before=True, after=ListedAfter.ABSENT)
SEEN = QueueSight(before=False, after=ListedAfter.SEEN)
OPEN = QueueSight(before=True, after=ListedAfter.OPEN)
NEVER = QueueSight(before=False, after=ListedAfter.ABSENT)


@pytest.mark.parametrize(
    ("sights", "zero", "one"),
    [
        ([], HIDDEN, HIDDEN),
        ([GONE, GONE], YES, NO),
        ([GONE, NEVER], YES, NO),
        # One whole list is enough: the right is one for all queues.
        ([GONE, OPEN], YES, NO),
        ([OPEN, NEVER], HIDDEN, HIDDEN),
        # An agent seen anywhere has the right, and has only left the other queue.
        ([GONE, SEEN], NO, YES),
        ([SEEN, OPEN], NO, YES),
    ],
)
def test_several_queues_of_a_signed_in_agent(
    sights: list[QueueSight], zero: Verified, one: Verified
) -> None:
    for order in itertools.permutations(sights):
        assert proven("0", order, signed_in=True) is zero
        assert proven("1", order, signed_in=True) is one


def test_what_was_set_is_never_proven_both_ways() -> None:
    opposite = {YES: NO, NO: YES, HIDDEN: HIDDEN}
    every = [QueueSight(before, after) for before in (True, False) for after in ListedAfter]
    for sights in itertools.chain.from_iterable(
        itertools.product(every, repeat=number) for number in range(4)
    ):
        for signed_in in (True, False):
            zero = proven("0", sights, signed_in=signed_in)
            assert proven("1", sights, signed_in=signed_in) is opposite[zero]
