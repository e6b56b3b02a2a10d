"""The verdict, as the summary on the screen and the page say it."""

from __future__ import annotations

import pytest

from bulkagent.reports.verdict import AgentsSet, VerdictFacts, gateways_of, verdict_of, word_of


def english(text: str) -> str:
    return text


def said(**changes: object) -> str:
    facts = {
        "roster": "morning",
        "time": "06:00:21 CET",
        "gateways": ("east",),
        "by_flag": {"1": AgentsSet(280, 280)},
    }
    return verdict_of(VerdictFacts(**{**facts, **changes}), english)  # type: ignore[arg-type]


def test_it_says_how_many_in_which_direction_where_and_when() -> None:
    assert said() == "280 of 280 agents of morning MAY TAKE calls on east, 06:00:21 CET"
    off = said(by_flag={"0": AgentsSet(1, 1)}, gateways=("east", "west"), roster="")
    assert off == "1 of 1 agent of the roster TAKES NO calls on east and west, 06:00:21 CET"
    both = said(by_flag={"0": AgentsSet(2, 3), "1": AgentsSet(4, 5)}, gateways=tuple("abcde"))
    assert both == (
        "4 of 5 agents of morning coming on shift MAY TAKE calls and 2 of 3 going off shift"
        " TAKE NO calls on 5 gateways, 06:00:21 CET"
    )
    strange = {"1": AgentsSet(2, 2), "": AgentsSet(1, 2)}
    assert said(by_flag=strange) == "3 of 4 agents of morning are set, 06:00:21 CET"
    assert said(by_flag={"": AgentsSet(0, 0)}, gateways=()) == (
        "no agent of morning had to be set, 06:00:21 CET"
    )


@pytest.mark.parametrize(("flag", "what"), [("0", "TAKE NO calls"), ("1", "TAKE calls")])
def test_where_nobody_was_set_it_says_nothing_of_what_agents_may_do(flag: str, what: str) -> None:
    """They may do what they could before, and "0 agents TAKE NO calls" reads like its contrary."""
    sentence = f"0 of 40 agents of morning were set to {what} on east, 06:00:21 CET"
    assert said(by_flag={flag: AgentsSet(0, 40)}) == sentence


def test_it_names_lines_that_were_left_out_and_what_a_queue_shows() -> None:
    one = said(left_out=1, some_left_out=[(7, "Summe")])
    assert one.endswith("06:00:21 CET; 1 line left out: Summe")
    several = said(left_out=9, some_left_out=[(7, "\x1b[2J"), (8, ""), (9, "x"), (10, "y")])
    assert several.endswith(r"; 9 lines left out: \x1b[2J, line 8, x, ...")
    assert said(contradicted=3).endswith("06:00:21 CET; the queue shows 3 otherwise")


@pytest.mark.parametrize(
    ("state", "exit_code", "applied", "word"),
    [
        ("completed", 0, 40, "DONE"),
        ("completed", 0, 0, "DONE"),
        ("completed", 3, 20, "SHORT"),
        ("completed", 4, 0, "FAILED"),
        ("halted", 6, 20, "HALTED"),
        ("interrupted", 130, 20, "STOPPED"),
    ],
)
def test_its_word_is_about_agents(state: str, exit_code: int, applied: int, word: str) -> None:
    assert word_of(state, exit_code, applied) == word


def test_agents_that_a_later_run_has_set_otherwise_are_told_and_no_run_is_done_then() -> None:
    assert said(set_otherwise=37).endswith("; a later run has set 37 of them otherwise since")
    assert word_of("completed", 0, 40, set_otherwise=37) == "SHORT"


def test_of_several_gateways_it_says_where_agents_are_short() -> None:
    sets = {"east": AgentsSet(3, 4), "west": AgentsSet(4, 4)}
    assert gateways_of(sets, english) == "east 3 of 4, west 4 of 4"
    assert gateways_of({"east": AgentsSet(3, 4)}, english) == ""
    assert gateways_of({"east": AgentsSet(4, 4), "west": AgentsSet(4, 4)}, english) == ""
