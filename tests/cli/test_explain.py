"""`explain`: every code that anybody can meet has a meaning, and what to do.

Proves guide "Find out what happened".
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bulkagent import errors
from bulkagent.errors import SettingsRefused
from bulkagent.explanations import EXIT_CODES
from bulkagent.gateway.faults import FAULTS
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Cause, Status
from bulkagent.run import explain, explanations
from tests.cli.command import inside


def test_every_code_is_explained() -> None:
    known = {each.code for each in explanations()}
    assert known >= {*RETCODES, *map(str, FAULTS), *map(str, Cause), *map(str, Status)}
    codes = {
        error.exit_code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, errors.BulkagentError)
    }
    assert EXIT_CODES.keys() >= codes | {0, 3, 4, 6, 129, 130, 143}
    for each in explanations():
        assert each.meaning
        assert each.advice
        assert (each.code, each.kind) in {(same.code, same.kind) for same in explain(each.code)}


def test_what_is_said_is_what_the_tables_do() -> None:
    (lost,) = explain("read_timeout")
    assert "it may have taken effect; only a later answer 0 clears that" in lost.done
    assert "it counts for the gateway's circuit breaker" in lost.done
    (stale,) = explain("100-006")
    assert "it is not tried again within the run" in stale.done
    assert "it is about this agent alone, so no halt rule counts it" in stale.done
    assert any("a newer one is asked for" in sentence for sentence in stale.done)
    assert stale.done[-1].endswith("the row is failed, cause not_signed_in")
    (set_up,) = explain("000-003")
    assert any("the gateway is halted (exit 6)" in sentence for sentence in set_up.done)
    (unwell,) = explain("100-007")
    assert any("tried again 3 times" in sentence for sentence in unwell.done)
    assert "a missing role right" in unwell.advice
    assert "not available" in unwell.advice
    assert any("rejected, cause not_permitted" in sentence for sentence in unwell.done)
    assert any("the gateway is halted (exit 6)" in sentence for sentence in unwell.done)


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("DONE", ["verdict"]),
        ("SHORT", ["verdict"]),
        ("FAILED", ["verdict", "status"]),
        ("STOPPED", ["verdict"]),
        ("halted", ["verdict", "cause"]),
    ],
)
def test_the_words_of_a_verdict_are_explained(word: str, kinds: list[str]) -> None:
    first, *others = explain(word)
    assert [first.kind, *(each.kind for each in others)] == kinds
    assert (first.code, first.topic) == (word.upper(), "trouble")


def test_a_retcode_that_no_document_lists_is_explained_as_such() -> None:
    (unlisted,) = explain("299-123")
    assert unlisted.code == "299-123"
    assert "no document" in unlisted.meaning
    assert "it is not tried again within the run" in unlisted.done


@pytest.mark.parametrize(
    ("typed", "near"),
    [("not_signed", "not_signed_in"), ("100-0066", "100-006"), ("\x1b[2J", "no code is called")],
)
def test_what_nobody_knows_is_said_with_what_is_near(typed: str, near: str) -> None:
    with pytest.raises(SettingsRefused, match=near) as refused:
        explain(typed)
    assert "\x1b" not in str(refused.value)
    assert "`bulkagent explain` lists all" in str(refused.value)


def test_it_is_for_people_and_for_programs(tmp_path: Path) -> None:
    told = inside(tmp_path, "explain", "100-006")
    assert told.code == 0
    first, *_, last, more = told.out.splitlines()
    assert first.startswith("retcode 100-006: the agent has not signed in")
    assert last.startswith("to do   ")
    assert more == "more    bulkagent guide guids"
    listed = inside(tmp_path, "explain")
    assert listed.out.splitlines()[0].split() == ["kind", "code", "meaning"]
    assert len(listed.out.splitlines()) == len(list(explanations())) + 1
    (found,) = inside(tmp_path, "explain", "Not-Signed-In", "--json").json["codes"]
    assert (found["kind"], found["code"]) == ("cause", "not_signed_in")
    unknown = inside(tmp_path, "explain", "frobnicate")
    assert (unknown.code, unknown.out) == (2, "")


def test_the_list_can_be_of_one_kind(tmp_path: Path) -> None:
    """`explain --kind cause`."""
    codes = inside(tmp_path, "explain", "--kind", "cause", "--json").json["codes"]
    assert {each["code"] for each in codes} == set(map(str, Cause))
    both = inside(tmp_path, "explain", "timeout", "--kind", "status", "--json")
    assert both.json["codes"] == []
    assert inside(tmp_path, "explain", "--kind", "caus").code == 2
