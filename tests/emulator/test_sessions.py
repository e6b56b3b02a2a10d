"""Sessions, whatever happens: GUIDs die in time, and an agent has one session at most."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bulkagent.emulator import Authentication, ChangeKind, Scenario, SessionRules
from bulkagent.emulator.agents.session import begun
from bulkagent.emulator.handlers.emulation import Emulation
from bulkagent.emulator.handlers.keepalive import LongPoll
from bulkagent.emulator.protocol.routes import Call, Interface
from tests.emulator.wire import JSON_TYPE
from tests.examples import examples

RULES = SessionRules(
    authentication=Authentication.DYNAMIC,
    guid_interval_ms=60,
    guid_timeout_ms=150,
    poll_wait_ms=10,
    poll_timeout_ms=200,
)

ENDS = {ChangeKind.SIGN_OUT, ChangeKind.FORCED_OUT, ChangeKind.TIMED_OUT, ChangeKind.EVICTED}


@pytest.mark.parametrize(
    "wrong",
    [
        {"guid_interval_ms": 0},
        {"guid_interval_ms": 120_000},
        {"guid_timeout_ms": 60_000},
        {"poll_wait_ms": -1},
        {"poll_timeout_ms": 0},
        {"poll_timeout_ms": 86_400_001},
    ],
)
def test_rules_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"give|below"):
        SessionRules(**wrong)  # type: ignore[arg-type] # the names are those of numbers


def test_no_guid_is_in_the_repr() -> None:
    session = begun("secret", 0, RULES, number=3)
    assert repr(session) == "<Session 3 on node 1>"


class Sessions(RuleBasedStateMachine):
    """Two clients and a desktop want the same two agents."""

    agent_ids = st.sampled_from(["101", "102"])

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_700_000_000_000
        numbers = count(1)
        self.emulation = Emulation(
            Scenario(), range(101, 103), (101, 59999), lambda: (self.now_ms + 0.5) / 1000, RULES
        )
        self.emulation.agents.new_guid = lambda: f"guid-{next(numbers)}"
        self.given: dict[str, tuple[str, int]] = {}  # GUID -> agent, when it was given at latest
        self.polled: dict[str, int] = {}  # agent -> when its client was last answered

    def headers(self, guid: str) -> dict[str, str]:
        return {"Content-Type": JSON_TYPE, "Guid": guid}

    def call(self, interface: Interface, agent_id: str, guid: str) -> str:
        return self.emulation.answer(Call(interface, agent_id), self.headers(guid)).retcode

    def note(self, agent_id: str, guid: str | None) -> None:
        if guid is not None:
            self.given.setdefault(guid, (agent_id, self.now_ms))

    @rule(milliseconds=st.integers(1, 120))
    def wait(self, milliseconds: int) -> None:
        self.now_ms += milliseconds

    @rule(agent_id=agent_ids, forced=st.booleans())
    def sign_in(self, agent_id: str, *, forced: bool) -> None:
        interface = Interface.FORCED_SIGN_IN if forced else Interface.SIGN_IN
        was_there = self.emulation.live_session(agent_id) is not None
        body = b'{"password":"synthetic","phonenum":"70001"}'
        reply = self.emulation.sign_in(Call(interface, agent_id), self.headers(""), body)
        assert reply.retcode == ("100-002" if was_there and not forced else "0")
        if reply.retcode == "0":
            self.note(agent_id, dict(reply.headers)["Guid"])
            self.polled[agent_id] = self.now_ms

    @rule(agent_id=agent_ids, force=st.booleans())
    def desk(self, agent_id: str, *, force: bool) -> None:
        self.note(agent_id, self.emulation.sign_in_at_desktop(agent_id, force=force))

    @precondition(lambda self: self.given)
    @rule(data=st.data())
    def poll(self, data: st.DataObject) -> None:
        guid = data.draw(st.sampled_from(sorted(self.given)))
        agent_id, _ = self.given[guid]
        answer = self.emulation.poll(Call(Interface.POLL, agent_id), self.headers(guid))
        if isinstance(answer, LongPoll):
            self.now_ms += 10
            answer = self.emulation.answer_poll(answer)
        told = dict(answer.headers).get("Set-GUID")
        if answer.retcode == "0":
            self.polled[agent_id] = self.now_ms
        if told is not None:
            new = told.removeprefix("JSESSIONID=")
            assert answer.retcode == "0"
            self.note(agent_id, new)

    @precondition(lambda self: self.given)
    @rule(data=st.data(), interface=st.sampled_from([Interface.SIGN_OUT, Interface.UPDATE_GUID]))
    def ask(self, data: st.DataObject, interface: Interface) -> None:
        guid = data.draw(st.sampled_from(sorted(self.given)))
        self.call(interface, self.given[guid][0], guid)

    @invariant()
    def no_guid_outlives_its_timeout_or_speaks_for_another(self) -> None:
        for guid, (agent_id, given_ms) in self.given.items():
            other = "102" if agent_id == "101" else "101"
            assert self.call(Interface.AGENT_STATUS, other, guid) != "0"
            code = self.call(Interface.AGENT_STATUS, agent_id, guid)
            assert code in {"0", "000-003", "100-006"}
            if code == "0":
                # Nobody is given a GUID before its issue.
                assert self.now_ms - given_ms < RULES.guid_timeout_ms

    @invariant()
    def the_current_guid_of_a_session_is_good_unless_nobody_polls(self) -> None:
        for agent_id in ("101", "102"):
            session = self.emulation.live_session(agent_id)
            if session is None:
                continue
            self.note(agent_id, session.guid)
            code = self.call(Interface.AGENT_STATUS, agent_id, session.guid)
            assert code == ("0" if self.now_ms < session.dies_ms else "000-003")
            if session.at_desktop:
                assert code == "0"
            else:
                assert self.now_ms - self.polled[agent_id] < RULES.poll_timeout_ms

    @invariant()
    def sessions_begin_and_end_in_turn(self) -> None:
        for record in self.emulation.agents.records():
            mine = [
                change.event
                for change in self.emulation.agents.history()
                if change.agent_id == record.agent_id
            ]
            ends = [event in ENDS for event in mine]
            assert ends == [number % 2 == 1 for number in range(len(mine))]
            assert record.signed_in is (len(mine) % 2 == 1)
            assert record.sign_ins == (len(mine) + 1) // 2
        times = [change.at_ms for change in self.emulation.agents.history()]
        assert times == sorted(times)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=examples(60), stateful_step_count=30)
