from __future__ import annotations

from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bulkagent.emulator.agents.agents import Agents
from bulkagent.emulator.agents.events import AgentState
from bulkagent.emulator.agents.records import AgentChange, ChangeKind
from bulkagent.emulator.protocol.response import ResultCode
from tests.examples import examples


def some_agents() -> Agents:
    numbers = count(1)
    return Agents(range(101, 104), (101, 59999), lambda: f"guid-{next(numbers)}")


def test_an_agent_who_never_signed_in_is_not_signed_in() -> None:
    agents = some_agents()
    assert agents.set_talk_right("101", "guid-1", 0, 5) is ResultCode.NOT_SIGNED_IN
    assert agents.sign_out("101", None, 5) is ResultCode.NOT_SIGNED_IN


@pytest.mark.parametrize("agent_id", ["104", "100", "60000", "x", "", "0101"])
def test_an_agent_who_does_not_exist_is_a_bad_parameter(agent_id: str) -> None:
    agents = some_agents()
    assert agents.set_talk_right(agent_id, "guid-1", 0, 5) is ResultCode.BAD_PARAMETER
    assert agents.sign_out(agent_id, "guid-1", 5) is ResultCode.BAD_PARAMETER


def test_agents_outside_the_range_do_not_exist() -> None:
    agents = Agents([100, 101, 60000], (101, 59999), str)
    assert list(agents) == ["101"]


def test_no_list_of_agents_means_the_whole_range() -> None:
    agents = Agents(None, (101, 59999), str)
    assert len(agents.records()) == 59899
    assert agents.number("59999") == 59999
    assert agents.number("60000") is None


def test_static_authentication_refuses_another_guid() -> None:
    agents = some_agents()
    guid = agents.sign_in("101", 1)
    assert agents.refusal("101", guid) is None
    assert agents.refusal("101", "guid-of-another") is ResultCode.NO_RIGHT
    assert agents.refusal("101", None) is ResultCode.NO_RIGHT
    assert agents.set_talk_right("101", "guid-of-another", 0, 2) is ResultCode.NO_RIGHT


def test_a_sign_in_takes_calls_again() -> None:
    agents = some_agents()
    guid = agents.sign_in("101", 1)
    assert agents.set_talk_right("101", guid, 0, 2) is ResultCode.SUCCESS
    assert agents.records()[0].talk_right == 0
    assert agents.sign_out("101", guid, 3) is ResultCode.SUCCESS
    assert agents.records()[0].talk_right is None
    assert agents.sign_out("101", guid, 4) is ResultCode.ALREADY_SIGNED_OUT
    assert agents.set_talk_right("101", guid, 0, 4) is ResultCode.NOT_SIGNED_IN
    agents.sign_in("101", 5, AgentState.BUSY)
    assert agents.state("101") is AgentState.BUSY
    assert agents.records()[0].talk_right == 1
    assert agents.records()[0].times_set == 1
    assert agents.history() == [
        AgentChange(1, "101", ChangeKind.SIGN_IN),
        AgentChange(2, "101", ChangeKind.TALK_RIGHT, 0),
        AgentChange(3, "101", ChangeKind.SIGN_OUT),
        AgentChange(5, "101", ChangeKind.SIGN_IN),
    ]


def test_the_repr_counts_and_shows_no_guid() -> None:
    agents = some_agents()
    agents.sign_in("101", 1)
    assert repr(agents) == "<Agents: 1 signed in, 1 changes>"


class History(RuleBasedStateMachine):
    """Whatever happens, the records are what the history adds up to."""

    agent_ids = st.sampled_from(["101", "102", "103", "104"])

    def __init__(self) -> None:
        super().__init__()
        self.agents = some_agents()

    @rule(agent_id=agent_ids)
    def sign_in(self, agent_id: str) -> None:
        if self.agents.number(agent_id) is not None and self.agents.guid(agent_id) is None:
            self.agents.sign_in(agent_id, 0)

    @rule(agent_id=agent_ids, right=st.booleans())
    def sign_out(self, agent_id: str, *, right: bool) -> None:
        self.agents.sign_out(agent_id, self.agents.guid(agent_id) if right else "wrong", 0)

    @rule(agent_id=agent_ids, flag=st.sampled_from([0, 1]), right=st.booleans())
    def set_talk_right(self, agent_id: str, flag: int, *, right: bool) -> None:
        guid = self.agents.guid(agent_id) if right else "wrong"
        code = self.agents.set_talk_right(agent_id, guid, flag, 0)
        assert (code is ResultCode.SUCCESS) == (right and guid is not None)

    @rule()
    def lose_talk_rights(self) -> None:
        self.agents.lose_talk_rights(0)

    @invariant()
    def the_history_adds_up(self) -> None:
        for record in self.agents.records():
            mine = [
                change for change in self.agents.history() if change.agent_id == record.agent_id
            ]
            sessions = [
                change
                for change in mine
                if change.event in (ChangeKind.SIGN_IN, ChangeKind.SIGN_OUT)
            ]
            flags = [change.flag for change in mine if change.event is ChangeKind.TALK_RIGHT]
            last = mine[-1] if mine else None
            assert record.times_set == len(flags)
            assert record.signed_in is (bool(sessions) and sessions[-1].event is ChangeKind.SIGN_IN)
            if last is not None and last.event is ChangeKind.TALK_RIGHT:
                assert record.talk_right == last.flag
            elif last is not None and last.event in (
                ChangeKind.SIGN_IN,
                ChangeKind.TALK_RIGHT_LOST,
            ):
                assert record.talk_right == 1
            else:
                assert record.talk_right is None


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=examples(15), stateful_step_count=20)
