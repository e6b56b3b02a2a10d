"""The table of operations: settalkright as page 1223 has it, and its arguments."""

from __future__ import annotations

import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT, flag_of, talk_right
from bulkagent.gateway.retcodes import RETCODES


def test_settalkright_is_what_page_1223_says() -> None:
    assert OPERATIONS["settalkright"] is SET_TALK_RIGHT
    assert SET_TALK_RIGHT.method == "POST"
    assert SET_TALK_RIGHT.log_name == "setTalkRight"
    expected = "/agentgateway/resource/onlineagent/59999/settalkright"
    assert SET_TALK_RIGHT.path_for("59999") == expected
    assert SET_TALK_RIGHT.retcodes is RETCODES


def test_setting_an_absolute_value_may_be_repeated_and_undone() -> None:
    assert SET_TALK_RIGHT.repeatable
    for flag in (0, 1):
        undone = SET_TALK_RIGHT.inverse[talk_right(flag)]
        assert undone == talk_right(1 - flag)
        assert SET_TALK_RIGHT.inverse[undone] == talk_right(flag)


def test_incoming_agents_go_before_outgoing_ones() -> None:
    assert SET_TALK_RIGHT.waves[talk_right(1)] < SET_TALK_RIGHT.waves[talk_right(0)]


def test_flags_and_arguments_translate_both_ways() -> None:
    assert [flag_of(talk_right(flag)) for flag in (0, 1)] == ["0", "1"]
    assert flag_of("reason=0") == ""
    with pytest.raises(KeyError):
        talk_right(2)


@pytest.mark.parametrize("arguments", ["flag=0", "flag=1"])
def test_complete_arguments_pass(arguments: str) -> None:
    assert SET_TALK_RIGHT.check(arguments) == arguments


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "flag",
        "flag=",
        "flag=2",
        "flag=00",
        "flag=true",
        "Flag=1",
        "flag=0&flag=0",
        "flag=0&flag=1",
        "flag=0&reason=1",
        "reason=1",
        "flag=%30",
        "&flag=0&",
        "flag=0#x",
        "flag=0 ",
        "?flag=0",
    ],
)
def test_anything_else_is_refused_with_what_is_allowed(arguments: str) -> None:
    with pytest.raises(SettingsRefused, match=r"settalkright takes flag=0\|1; it was given"):
        SET_TALK_RIGHT.check(arguments)
