"""Columns: ours first and in order, the roster's after them, no name twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.reports import COLUMNS
from bulkagent.reports.columns import fitted, header
from tests.reports.lines import PROPERTY


def as_is(name: str) -> str:
    return name


def test_our_columns_are_the_contract() -> None:
    assert ",".join(COLUMNS) == (
        "row,agent_id,gateway,flag,status,cause,retcode,message,http_status,attempts,"
        "latency_ms,first_sent_at,finished_at"
    )


@pytest.mark.parametrize(
    ("roster", "reported"),
    [
        ((), ()),
        (("name", "team"), ("name", "team")),
        (("status", "team"), ("roster_status", "team")),
        (("Status",), ("Status",)),
        (("status", "status"), ("roster_status", "roster_status_2")),
        (("status", "roster_status"), ("roster_status_2", "roster_status")),
        (("roster_status", "status"), ("roster_status", "roster_status_2")),
        (("team", "team", "team_2"), ("team", "team_3", "team_2")),
        (("", ""), ("", "_2")),
    ],
)
def test_the_rosters_columns_follow_each_with_a_name_of_its_own(
    roster: tuple[str, ...], reported: tuple[str, ...]
) -> None:
    assert header(roster, as_is) == COLUMNS + reported


def test_names_that_only_their_spelling_makes_equal_are_told_apart() -> None:
    assert header(("a\n", "a\\n"), repr)[len(COLUMNS) :] == ("'a\\n'", "'a\\\\n'")
    assert header(("A", "a"), str.lower)[len(COLUMNS) :] == ("a", "a_2")
    assert header(("ROW",), str.lower)[len(COLUMNS) :] == ("roster_row",)


@PROPERTY
@given(
    st.lists(st.sampled_from([*COLUMNS[:3], "roster_row", "roster_row_2", "row_2", "name", ""])),
)
def test_no_name_comes_twice_and_none_is_lost(roster: list[str]) -> None:
    names = header(roster, as_is)
    assert names[: len(COLUMNS)] == COLUMNS
    assert len(names) == len(set(names)) == len(COLUMNS) + len(roster)


def test_a_short_row_is_filled_up() -> None:
    assert fitted((), 2) == ("", "")
    assert fitted(("a",), 2) == ("a", "")


def test_cells_without_a_column_are_an_error() -> None:
    with pytest.raises(ValueError, match="3 cells for 2 roster columns"):
        fitted(("a", "b", "c"), 2)
