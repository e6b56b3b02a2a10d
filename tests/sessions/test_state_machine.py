"""The table of states under whatever may happen, and the small rules beside it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.faults import FAULTS
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.gateway.session_requests import Answer, SignIn
from bulkagent.gateway.sessions_file import SavedSession
from bulkagent.sessions.answers import after_poll, after_sign_in, is_signed_out
from bulkagent.sessions.intervals import after_answer_s, after_failure_s, before_sign_in_s
from bulkagent.sessions.lockout_guard import LockoutGuard
from bulkagent.sessions.registry import Registry, SessionEntry, StateChange
from bulkagent.sessions.state_machine import LIVE, TRANSITIONS, NextStep, SessionEvent, SessionState

SECRET = "0f8fad5b-d9cb-469f-a165-70867728950e.AgentGateway0"
MAY_FOLLOW = {(before, step.state) for (before, _), step in TRANSITIONS.items()}


class Booking(RuleBasedStateMachine):
    """Ten agents to whom anything happens that can; the book never loses one or leaks a GUID."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[StateChange] = []
        sign_ins = [("g", SignIn(str(number), {"password": SECRET})) for number in range(101, 111)]
        self.registry = Registry(sign_ins, self.changes.append)
        self.entries = list(self.registry)

    @rule(number=st.integers(0, 9), happened=st.sampled_from(SessionEvent))
    def happen(self, number: int, happened: SessionEvent) -> None:
        entry = self.entries[number]
        if (entry.state, happened) not in TRANSITIONS:
            with pytest.raises(KeyError):
                self.registry.advance(entry, happened)
            return
        if happened in {SessionEvent.FOUND, SessionEvent.SIGNED_IN}:
            entry.credential = Credential(SECRET)
        step = TRANSITIONS[entry.state, happened]
        assert self.registry.advance(entry, happened) is step.next_step
        assert entry.state is step.state

    @rule(number=st.integers(0, 9))
    def restart(self, number: int) -> None:
        """A reader of the file holds a GUID exactly where this book does."""
        entry = self.entries[number]
        again = Registry([("g", entry.sign_in)], lambda _change: None)
        for line in self.registry.lines():
            if line.agent_id == entry.agent_id:
                again.found(line)
        (adopted,) = again
        assert (adopted.state is SessionState.ADOPTING) is (entry.state in LIVE)
        # Never from a doubt, a refused password or a lock straight to a sign-in.
        if entry.state in _LEFT_ALONE:
            assert adopted.state is _LEFT_ALONE[entry.state]

    @invariant()
    def the_counts_add_up(self) -> None:
        assert sum(self.registry.counts.values()) == 10
        for state, number in self.registry.counts.items():
            assert number == sum(entry.state is state for entry in self.entries)

    @invariant()
    def a_guid_is_there_exactly_while_the_session_lives(self) -> None:
        for entry in self.entries:
            assert (entry.credential is not None) is (entry.state in LIVE)

    @invariant()
    def every_change_is_in_the_table(self) -> None:
        assert all((change.before, change.after) in MAY_FOLLOW for change in self.changes)

    @invariant()
    def nothing_shows_a_secret(self) -> None:
        shown = [
            self.registry,
            self.registry.lines(),
            self.registry.groups(),
            self.changes,
            self.entries,
        ]
        assert SECRET not in repr(shown)


_LEFT_ALONE = {
    SessionState.SIGNING_IN: SessionState.UNKNOWN,
    SessionState.UNKNOWN: SessionState.UNKNOWN,
    SessionState.WRONG_PASSWORD: SessionState.WRONG_PASSWORD,
    SessionState.LOCKED: SessionState.LOCKED,
}

TestBooking = Booking.TestCase


def test_only_what_is_alive_is_polled_and_only_what_waits_is_signed_in() -> None:
    for (before, happened), step in TRANSITIONS.items():
        if step.next_step in {NextStep.POLL, NextStep.BACK_OFF}:
            assert step.state in LIVE, (before, happened)
        if step.next_step is NextStep.SIGN_IN:
            assert step.state is SessionState.SIGNING_IN
        if step.next_step is NextStep.QUEUE:
            assert step.state is SessionState.WAITING


def test_a_doubt_leads_nowhere_but_by_the_operators_word() -> None:
    for state in (SessionState.UNKNOWN, SessionState.WRONG_PASSWORD, SessionState.LOCKED):
        assert [happened for before, happened in TRANSITIONS if before is state] == [
            SessionEvent.AGAIN
        ]


@pytest.mark.parametrize(
    ("code", "happened"),
    [
        ("100-002", SessionEvent.TAKEN),
        ("100-004", SessionEvent.REFUSED_PASSWORD),
        ("110-016", SessionEvent.REFUSED_LOCKED),
        ("100-013", SessionEvent.REFUSED),
        ("100-020", SessionEvent.REFUSED),
        ("100-021", SessionEvent.NOT_NOW),
        ("000-004", SessionEvent.NOT_NOW),
        ("0", SessionEvent.DOUBTED),
    ],
)
def test_what_a_sign_ins_retcode_means(code: str, happened: SessionEvent) -> None:
    assert after_sign_in(Answer(RETCODES[code])) is happened


def test_a_sign_in_with_a_guid_is_one() -> None:
    assert (
        after_sign_in(Answer(RETCODES["0"], credential=Credential("g"))) is SessionEvent.SIGNED_IN
    )


@given(st.sampled_from([*RETCODES.values(), *FAULTS.values()]))
def test_every_end_of_a_request_can_happen_to_its_session(disposition: object) -> None:
    answer = Answer(disposition)  # type: ignore[arg-type] # sampled of two mappings
    assert (SessionState.SIGNING_IN, after_sign_in(answer)) in TRANSITIONS
    for state in LIVE:
        assert (state, after_poll(answer)) in TRANSITIONS
    if is_signed_out(answer):
        assert after_poll(answer) in {SessionEvent.ANSWERED, SessionEvent.GONE}


def test_a_refused_guid_is_the_end_of_a_session() -> None:
    gone = {code for code, row in RETCODES.items() if after_poll(Answer(row)) is SessionEvent.GONE}
    assert gone == {
        *("000-003", "100-006", "100-008"),
        *("105-001", "105-005", "105-006", "105-007"),
    }


def test_refusals_stop_at_ten_in_a_row() -> None:
    refusals = LockoutGuard(100_000)
    for _ in range(9):
        refusals.refused()
    refusals.accepted()
    for _ in range(9):
        refusals.refused()
    before = refusals.verdict
    refusals.refused()
    assert (before, refusals.verdict) == ("", "10 passwords in a row were refused")


@pytest.mark.parametrize(("agents", "most"), [(5, 10), (500, 10), (2_000, 40)])
def test_refusals_stop_at_two_percent_and_ten_at_least(agents: int, most: int) -> None:
    refusals = LockoutGuard(agents)
    for _ in range(most - 1):
        refusals.refused()
        refusals.accepted()
    assert not refusals.verdict
    refusals.refused()
    assert refusals.verdict


@given(st.floats(0.2, 60), st.floats(0, 0.999))
def test_pauses_after_an_answer(pause_s: float, chance: float) -> None:
    assert 0.2 <= after_answer_s(pause_s, chance) <= pause_s


@given(st.integers(1, 10_000), st.floats(0, 0.999))
def test_pauses_after_failures(times: int, chance: float) -> None:
    assert 0 <= after_failure_s(times, chance) <= 15
    assert 15 <= before_sign_in_s(times, chance) <= 120


def test_a_line_stays_the_same_record_while_nothing_changes() -> None:
    entry = SessionEntry("g", SignIn("101", {}))
    first = entry.line
    assert entry.line is first
    entry.credential = Credential("g-1")
    assert entry.line == SavedSession("g", "101", Credential("g-1"), "waiting")
    assert entry.line is entry.line
