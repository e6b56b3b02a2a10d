"""A breaker that anything happens to, in any order: no state outside the table, one probe."""

import random

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bulkagent.engine.throttle.circuit_breaker import (
    TRANSITIONS,
    BreakerState,
    CircuitBreaker,
    Probing,
    TripPolicy,
    Wait,
    Yes,
)
from bulkagent.model import Health

GOOD, UNWELL, NEUTRAL = Health.GOOD, Health.UNWELL, Health.NEUTRAL
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN

ALLOWED = {(before, after) for (before, _), after in TRANSITIONS.items()}


class Breaking(RuleBasedStateMachine):
    """Attempts that start, end late or never, and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        policy = TripPolicy(in_a_row=3, half_of=8)
        self.random = random.Random(1)
        self.tested = CircuitBreaker(self.random.random, policy)
        self.now = 1.0
        self.flying: list[tuple[int, bool]] = []
        self.seen = self.tested.state
        self.probes = 0
        self.opened_at = 0.0
        self.down_since: float | None = None

    def look(self) -> None:
        """One call, one transition at most, and that in the table."""
        before, self.seen = self.seen, self.tested.state
        assert before is self.seen or (before, self.seen) in ALLOWED
        if before is not OPEN and self.seen is OPEN:
            self.opened_at = self.now

    @rule(seconds=st.floats(0.0, 20.0))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def dispatch(self) -> None:
        verdict = self.tested.may_dispatch(self.now)
        self.look()
        match verdict:
            case Yes(probe):
                assert probe is (self.seen is HALF_OPEN)
                self.flying.append((self.tested.dispatch(self.now), probe))
                self.probes += probe
            case Wait(seconds):
                assert self.seen is OPEN
                assert 0.0 < seconds <= 15.0
                assert self.now < self.opened_at + 15.0
            case Probing():
                assert self.seen is HALF_OPEN
                assert self.probes == 1
        self.look()

    @precondition(lambda self: self.flying)
    @rule(
        data=st.data(),
        health=st.sampled_from([GOOD, UNWELL, UNWELL, UNWELL, NEUTRAL]),
        answered=st.booleans(),
    )
    def land(self, data: st.DataObject, health: Health, *, answered: bool) -> None:
        generation, probe = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        late = generation != self.tested.opened
        self.tested.record(
            health, self.now, generation=generation, answered=answered or health is GOOD
        )
        self.probes -= probe
        if health is GOOD:
            self.down_since = None
        elif health is UNWELL and not late and self.down_since is None:
            self.down_since = self.now
        if late:
            assert self.seen is self.tested.state, "late results move no state"
        if probe and health is GOOD:
            assert self.tested.state is CLOSED
        if probe and health is UNWELL:
            assert self.tested.state is OPEN
        self.look()

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        generation, probe = self.flying.pop(data.draw(st.integers(0, len(self.flying) - 1)))
        self.tested.withdraw(generation, self.now)
        self.probes -= probe
        self.look()

    @invariant()
    def one_probe_at_a_time(self) -> None:
        assert self.probes == self.tested.probing
        assert self.tested.state is HALF_OPEN or not self.tested.probing

    @invariant()
    def down_time_is_what_was_seen(self) -> None:
        down_s = 0.0 if self.down_since is None else self.now - self.down_since
        assert self.tested.down_s(self.now) == down_s
        assert self.tested.give_up(self.now, 60.0, 60.0) is (
            self.down_since is not None and self.down_since + 60.0 <= self.now
        )


TestBreaking = Breaking.TestCase
