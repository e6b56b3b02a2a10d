"""How many retries are granted: never more than the budget, at any time."""

import math

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bulkagent.engine.throttle.retry_budget import RetryBudget


def ask(budget: RetryBudget, now: float, times: int) -> int:
    """How many of as many requests for a retry are granted at once."""
    return sum(budget.grant(now) == 0.0 for _ in range(times))


def test_first_attempts_earn_their_share() -> None:
    budget = RetryBudget(0.2, 0.0)
    for _ in range(50):
        budget.first(7.0)
    assert ask(budget, 7.0, 100) == budget.granted == 10


def test_time_earns_a_few_more() -> None:
    budget = RetryBudget(0.2, 10.0)
    budget.first(100.0)
    assert ask(budget, 100.0, 9) == 0
    assert ask(budget, 102.0, 99) == 20


def test_time_starts_with_the_first_question() -> None:
    budget = RetryBudget()
    assert budget.grant(1e6) > 0.0
    assert ask(budget, 1e6 + 1.0, 99) == 10


def test_fifths_are_added_up_exactly() -> None:
    budget = RetryBudget(0.1, 0.0, most=1.0)
    for _ in range(1000):
        for _ in range(10):
            budget.first(0.0)
        assert ask(budget, 0.0, 3) == 1


def test_a_denied_retry_is_told_when_time_alone_makes_room() -> None:
    budget = RetryBudget(0.2, 10.0)
    budget.first(0.0)
    wait_s = budget.grant(0.0)
    assert wait_s == pytest.approx(0.08, abs=0.002)
    assert budget.grant(wait_s) == 0.0
    assert budget.granted == 1


def test_nothing_comes_of_time_where_time_earns_nothing() -> None:
    budget = RetryBudget(0.2, 0.0)
    budget.first(0.0)
    assert budget.grant(1e9) == math.inf


def test_an_hour_of_health_allows_no_storm() -> None:
    budget = RetryBudget()
    for second in range(3600):
        for _ in range(100):
            budget.first(float(second))
    assert ask(budget, 3600.0, 10_000) == 100
    # What was forgone stays so: from then on there is what is earned and no more.
    assert ask(budget, 3601.0, 10_000) == 10


def test_it_can_be_read_in_a_log() -> None:
    budget = RetryBudget()
    for _ in range(5):
        budget.first(0.0)
    budget.grant(0.0)
    assert repr(budget) == "<RetryBudget 20% + 10/s: 1 retries granted for 5 first attempts>"


@pytest.mark.parametrize(
    ("share", "per_second", "most"), [(-0.1, 1.0, 9.0), (0.1, -1.0, 9.0), (0.1, 1.0, 0.5)]
)
def test_a_budget_that_cannot_be_is_refused(share: float, per_second: float, most: float) -> None:
    with pytest.raises(ValueError, match="no budget"):
        RetryBudget(share, per_second, most=most)


class Spending(RuleBasedStateMachine):
    """Firsts, retries and time in any order; the model only adds up."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget(0.2, 10.0, most=30.0)
        self.now = 50.0
        self.firsts = 0
        self.granted = 0
        self.begun: float | None = None
        # Since any moment, no more than a full bucket and what was earned since.
        self.moments: list[tuple[float, int, int]] = []

    def begin(self) -> None:
        if self.begun is None:
            self.begun = self.now

    @rule(seconds=st.floats(0.0, 20.0))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule(count=st.integers(1, 200))
    def attempt(self, count: int) -> None:
        self.begin()
        for _ in range(count):
            self.budget.first(self.now)
        self.firsts += count

    @rule(count=st.integers(1, 60))
    def retry(self, count: int) -> None:
        self.begin()
        self.granted += ask(self.budget, self.now, count)

    @rule()
    def retry_when_told(self) -> None:
        self.begin()
        if wait_s := self.budget.grant(self.now):
            self.now += wait_s
            assert self.budget.grant(self.now) == 0.0, "sent round in circles"
        self.granted += 1

    @rule()
    def remember(self) -> None:
        self.moments.append((self.now, self.firsts, self.granted))

    @invariant()
    def within_the_budget(self) -> None:
        begun = self.now if self.begun is None else self.begun
        assert self.granted <= 0.2 * self.firsts + 10.0 * (self.now - begun)
        assert self.budget.granted == self.granted

    @invariant()
    def no_storm(self) -> None:
        for then, firsts, granted in self.moments:
            earned = 0.2 * (self.firsts - firsts) + 10.0 * (self.now - then)
            assert self.granted - granted <= 30.0 + earned + 1e-6


TestSpending = Spending.TestCase
