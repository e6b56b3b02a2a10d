"""Tables for people are as wide as their terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bulkagent.cli.render.table import table
from bulkagent.reports import printable

HEADS = ("run", "of", "note")
ROWS = [("a1", "5", "x"), ("b22", "1,000", "")]


def test_numbers_are_flush_right_and_columns_aligned() -> None:
    assert table(HEADS, ROWS, numbers=("of",)).splitlines() == [
        "run     of  note",
        "a1       5  x",
        "b22  1,000",
    ]


def test_what_is_empty_in_every_row_is_left_out() -> None:
    assert table(HEADS, [("a1", "", "x")]).splitlines() == ["run  note", "a1   x"]


def test_what_may_be_spared_goes_first_when_it_gets_narrow() -> None:
    assert table(HEADS, ROWS, spare=("note",), width=10).splitlines()[0] == "run  of"
    assert table(HEADS, ROWS, spare=("note",), width=80).splitlines()[0].endswith("note")


cells = st.text(max_size=30)


@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1), width=st.integers(1, 80))
def test_no_cell_can_break_a_line_or_a_terminal(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    lines = table(HEADS, rows, spare=("note", "of", "run"), width=width).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(printable(line) == line for line in lines)
    assert all(len(line) <= width for line in lines)
