"""Tables for people are as wide as their terminal, and say which columns that leaves out.

Proves guide "One agent gets no calls".
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bulkagent.cli.render.history import past
from bulkagent.cli.render.table import table
from bulkagent.reports import printable
from bulkagent.run import AgentRunLine

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


def test_the_columns_that_were_left_out_are_named_where_that_is_asked_for() -> None:
    narrow = table(HEADS, ROWS, spare=("note", "of"), width=6, told=True).splitlines()
    assert narrow == ["run", "a1", "b22", "columns left out: of, note; widen the terminal"]
    assert len(table(HEADS, ROWS, spare=("note",), width=80, told=True).splitlines()) == 3


def test_the_history_of_an_agent_keeps_the_gateway_before_the_cause() -> None:
    """At 80 columns, as `runs --agent` shows it."""
    line = AgentRunLine(
        run_id="20261127T234206.123Z-3a3c",
        row=2,
        gateway="east",
        flag="1",
        status="not_attempted",
        cause="superseded",
        retcode="",
        attempts=0,
        at="2026-11-27T23:42:06.000Z",
        who="root@vm",
    )
    heads, told, last = past([line], 80).splitlines()
    assert " east " in told
    assert heads.split() == ["at", "run", "gateway", "flag", "status"]
    assert last == "columns left out: cause, requests, who; widen the terminal"
    assert "left out" not in past([line])


cells = st.text(max_size=30)


@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1), width=st.integers(1, 80))
def test_no_cell_can_break_a_line_or_a_terminal(
    rows: list[tuple[str, str, str]], width: int
) -> None:
    lines = table(HEADS, rows, spare=("note", "of", "run"), width=width).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(printable(line) == line for line in lines)
    assert all(len(line) <= width for line in lines)
