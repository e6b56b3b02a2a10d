"""How commands on one ledger divide the limit and the rate of a gateway."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bulkagent.run.sharing.division import LimitPart, Member, divide, granted
from tests.examples import examples

NOTHING = LimitPart(0, 0.0)

LIMITS = st.builds(
    LimitPart,
    st.integers(1, 40),
    st.one_of(st.just(math.inf), st.integers(1, 200).map(float), st.floats(0.1, 200.0)),
)


def members(limits: list[LimitPart]) -> list[Member]:
    return [Member(number, limit, NOTHING) for number, limit in enumerate(limits, 1)]


@given(st.lists(LIMITS, min_size=1, max_size=9), st.randoms(use_true_random=False))
def test_the_shares_of_a_limit_never_exceed_the_smallest_but_for_one_each(
    limits: list[LimitPart], random: object
) -> None:
    parts = divide(members(limits))
    slots = min(limit.concurrency for limit in limits)
    per_second = min(limit.per_second for limit in limits)
    assert sum(part.concurrency for part in parts.values()) == max(slots, len(limits))
    assert all(part.concurrency >= 1 for part in parts.values())
    if per_second < math.inf:
        starts = sum(part.per_second for part in parts.values())
        assert starts <= max(per_second, min(per_second, 1.0) * len(limits)) + 1e-6
        assert all(part.per_second >= min(per_second, 1.0) for part in parts.values())
    for number, limit in enumerate(limits, 1):
        assert parts[number].concurrency <= limit.concurrency
        assert parts[number].per_second <= limit.per_second
    shuffled = members(limits)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert divide(shuffled) == parts, "everybody works out the same, in whatever order it is read"


@pytest.mark.parametrize(
    ("limits", "parts"),
    [
        ([LimitPart(16, 100.0)], [LimitPart(16, 100.0)]),
        ([LimitPart(16, 2.5)], [LimitPart(16, 2.5)]),
        ([LimitPart(16, 100.0)] * 2, [LimitPart(8, 50.0)] * 2),
        ([LimitPart(16, 100.0)] * 3, [LimitPart(6, 34.0), LimitPart(5, 33.0), LimitPart(5, 33.0)]),
        ([LimitPart(16, 100.0), LimitPart(4, 10.0)], [LimitPart(2, 5.0)] * 2),
        ([LimitPart(16, math.inf)] * 2, [LimitPart(8, math.inf)] * 2),
        ([LimitPart(16, math.inf), LimitPart(64, 9.0)], [LimitPart(8, 5.0), LimitPart(8, 4.0)]),
        ([LimitPart(2, 2.0)] * 4, [LimitPart(1, 1.0)] * 4),
        ([LimitPart(2, 0.5)] * 2, [LimitPart(1, 0.5)] * 2),
    ],
)
def test_what_each_command_gets(limits: list[LimitPart], parts: list[LimitPart]) -> None:
    assert list(divide(members(limits)).values()) == parts


def test_without_commands_there_are_no_parts() -> None:
    assert divide([]) == {}


def test_a_newcomer_sends_nothing_until_the_others_have_given_way() -> None:
    first = Member(1, LimitPart(16, 100.0), LimitPart(16, 100.0))
    second = Member(2, LimitPart(16, 100.0), NOTHING)
    assert granted(second, [first]) == NOTHING
    assert granted(first, [second]) == LimitPart(8, 50.0), "it gives way at once"
    half = Member(1, first.limit, LimitPart(12, 50.0))
    assert granted(second, [half]) == LimitPart(4, 50.0), "four of its slots are free by now"
    assert granted(second, [Member(1, first.limit, LimitPart(8, 50.0))]) == LimitPart(8, 50.0)


def test_without_a_rate_of_its_own_it_still_keeps_to_that_of_another() -> None:
    free = Member(1, LimitPart(16, math.inf), LimitPart(16, math.inf))
    bound = Member(2, LimitPart(16, 10.0), NOTHING)
    assert granted(bound, [free]) == NOTHING
    assert granted(free, [bound]) == LimitPart(8, 5.0)


def test_nobody_waits_for_ever_for_what_fractions_are_rounded_by() -> None:
    """Four at a rate below one a second: what three of them leave is a hair less than a part."""
    limit = LimitPart(1, 0.972633788697996)
    others = [Member(number, limit, limit) for number in (1, 2, 3)]
    assert granted(Member(4, limit, NOTHING), others) == limit


class Dividing(RuleBasedStateMachine):
    """Commands that come, look at what is written down, and go, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[int, Member] = {}
        self.numbers = 0
        self.bound = LimitPart(0, 0.0)
        """The most that was ever right to be allowed since the last one came or went."""

    def room(self) -> LimitPart:
        parts = divide(list(self.written.values())).values()
        return LimitPart(
            sum(part.concurrency for part in parts), sum((x.per_second for x in parts), 0.0)
        )

    def changed(self) -> None:
        room, taken = self.room(), self.taken
        self.bound = LimitPart(
            max(room.concurrency, taken.concurrency), max(room.per_second, taken.per_second)
        )

    @property
    def taken(self) -> LimitPart:
        allowed = [member.allowed for member in self.written.values()]
        return LimitPart(
            sum(x.concurrency for x in allowed), sum((x.per_second for x in allowed), 0.0)
        )

    @precondition(lambda self: len(self.written) < 6)
    @rule(limit=LIMITS)
    def come(self, limit: LimitPart) -> None:
        self.numbers += 1
        self.written[self.numbers] = Member(self.numbers, limit, NOTHING)
        self.changed()

    @precondition(lambda self: self.written)
    @rule(at=st.integers(0, 5))
    def look(self, at: int) -> None:
        own = self.nth(at)
        self.agree(own)

    @precondition(lambda self: self.written)
    @rule(at=st.integers(0, 5))
    def go(self, at: int) -> None:
        del self.written[self.nth(at).share]
        self.changed()

    @precondition(lambda self: self.written)
    @rule()
    def settle(self) -> None:
        """When all have looked often enough, each has its part, and no more."""
        for _ in range(3):
            for own in list(self.written.values()):
                self.agree(own)
        assert {each.share: each.allowed for each in self.written.values()} == divide(
            list(self.written.values())
        )

    def nth(self, at: int) -> Member:
        return list(self.written.values())[at % len(self.written)]

    def agree(self, own: Member) -> None:
        others = [each for each in self.written.values() if each.share != own.share]
        self.written[own.share] = Member(own.share, own.limit, granted(own, others))

    @invariant()
    def nobody_takes_what_another_has(self) -> None:
        assert self.taken.concurrency <= self.bound.concurrency
        assert self.taken.per_second <= self.bound.per_second + 1e-6


TestDividing = Dividing.TestCase
TestDividing.settings = settings(max_examples=examples(60), stateful_step_count=25)
