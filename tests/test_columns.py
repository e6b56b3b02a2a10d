"""Texts in the columns of a terminal: wide characters, and where lines may end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.cli.render.table import table
from bulkagent.text.columns import columns_of, padded, wrapped


def test_a_chinese_character_takes_two_columns() -> None:
    assert columns_of("abc") == 3
    assert columns_of("座席") == 4
    assert columns_of("e\u0301") == 1, "an accent stands over its letter"
    assert padded("原因", 8) == "原因    "
    assert padded("12", 4, right=True) == "  12"
    assert padded("longer than that", 4) == "longer than that"


def test_a_table_of_both_is_straight() -> None:
    """README "Tables": columns stand under their heads whatever is in the cells."""
    lines = table(("group", "up"), [("早班", "1"), ("Maple", "23")], numbers=("up",)).splitlines()
    assert [columns_of(line) for line in lines] == [9, 9, 9]


def test_a_line_ends_at_a_blank_or_between_wide_characters() -> None:
    assert wrapped("原因    有座席下班，但没有座席上班", 20, " " * 8, first=2) == [
        "原因    有座席下班，",
        "        但没有座席上",
        "        班",
    ]
    assert wrapped("to do   have it", 10, " " * 8, first=5) == ["to do   have", "        it"]


@pytest.mark.parametrize("mark", list("，。；：、！？）》”"))
def test_no_line_begins_with_a_closing_mark(mark: str) -> None:
    for width in range(4, 12):
        assert not any(line.startswith(mark) for line in wrapped(f"座席{mark}" * 5, width)[1:])


@given(
    text=st.text(st.sampled_from("ab 座席，（1"), min_size=1, max_size=60),
    width=st.integers(6, 30),
)
def test_nothing_is_lost_and_lines_fit_where_words_do(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    for line in lines:
        assert columns_of(line) <= width or len(line.split()) == 1
