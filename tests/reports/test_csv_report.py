"""The CSV report: what it holds to the byte, and that no text breaks its lines."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.model import Cause, Line, Status
from bulkagent.reports import COLUMNS
from tests.reports.lines import (
    APPLIED,
    HOSTILE,
    INVALID,
    PLAIN,
    PROPERTY,
    any_line,
    encoded,
    line,
)
from tests.reports.test_csv_cell import FORMULA

TEXTS = ("agent_id", "gateway", "flag", "retcode", "message")


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))


def test_the_file_to_the_byte() -> None:
    lines = [line(extra=("Zo\u00eb", 'a "b", c')), INVALID]
    assert encoded(".csv", lines, ("name", "note")) == (
        b"row,agent_id,gateway,flag,status,cause,retcode,message,http_status,attempts,"
        b"latency_ms,first_sent_at,finished_at,name,note\n"
        b"2,1001,east,1,applied,,0,success,200,1,12.3,"
        b'2026-11-22T06:00:00.123Z,2026-11-22T06:00:01.000Z,Zo\xc3\xab,"a ""b"", c"\n'
        b"3,,,,invalid,bad_row,,,,0,,,,,\n"
    )


def test_a_run_without_rows_has_a_header() -> None:
    assert encoded(".csv", []) == (",".join(COLUMNS) + "\n").encode()


def test_lines_stay_in_the_order_given() -> None:
    rows = [9, 2, 7, 3]
    data = encoded(".csv", [line(row=row) for row in rows])
    assert [int(row[0]) for row in cells(data)[1:]] == rows


@pytest.mark.parametrize(
    ("latency", "written"), [(0.0, "0.0"), (12.34, "12.3"), (12.36, "12.4"), (30000.0, "30000.0")]
)
def test_latency_has_one_decimal(latency: float, written: str) -> None:
    assert cells(encoded(".csv", [line(latency_ms=latency)]))[1][10] == written


def test_numbers_of_our_own_are_not_touched() -> None:
    row = cells(encoded(".csv", [line(row=-1, attempts=-2, latency_ms=-3.0)]))[1]
    assert (row[0], row[9], row[10]) == ("-1", "-2", "-3.0")


@pytest.mark.parametrize("column", TEXTS)
def test_every_text_cell_is_made_harmless(column: str) -> None:
    row = cells(encoded(".csv", [line(**{column: "=HYPERLINK(1)\n\x1b"})]))[1]
    assert row[COLUMNS.index(column)] == "'=HYPERLINK(1)\\n\\x1b"


def test_the_rosters_cells_and_names_are_made_harmless_too() -> None:
    head, row = cells(encoded(".csv", [line(extra=("@SUM(1)", "\ud800"))], ("=1+1", "a\nb")))
    assert head[len(COLUMNS) :] == ["'=1+1", "a\\nb"]
    assert row[len(COLUMNS) :] == ["'@SUM(1)", "\\ud800"]


def test_names_that_differ_only_before_escaping_are_told_apart() -> None:
    head = cells(encoded(".csv", [], ("a\n", "a\\n", "row")))[0]
    assert head[len(COLUMNS) :] == ["a\\n", "a\\n_2", "roster_row"]


@PROPERTY
@given(st.lists(any_line(PLAIN, width=2), max_size=4))
def test_plain_text_reads_back_as_the_same_rows(lines: list[Line]) -> None:
    rows = cells(encoded(".csv", lines, ("name", "team")))[1:]
    assert len(rows) == len(lines)
    for row, given_line in zip(rows, lines, strict=True):
        read = dict(zip(COLUMNS, row, strict=False))
        assert [read[name] for name in TEXTS] == [getattr(given_line, name) for name in TEXTS]
        assert Status(read["status"]) is given_line.status
        assert (Cause(read["cause"]) if read["cause"] else None) is given_line.cause
        assert tuple(row[len(COLUMNS) :]) == given_line.extra
        assert int(read["row"]) == given_line.row
        assert int(read["attempts"]) == given_line.attempts
        assert read["http_status"] == str(given_line.http_status or "")


@PROPERTY
@given(st.lists(any_line(HOSTILE, width=2), max_size=4), HOSTILE, HOSTILE)
def test_any_text_at_all_is_one_physical_line_and_no_formula(
    lines: list[Line], name: str, other: str
) -> None:
    text = encoded(".csv", lines, (name, other)).decode("utf-8")
    assert text.endswith("\n")
    assert len(text.splitlines()) == text.count("\n") == len(lines) + 1
    table = cells(text.encode())
    assert {len(row) for row in table} == {len(COLUMNS) + 2}
    assert len(set(table[0])) == len(table[0])
    for written in (written for row in table for written in row):
        assert not written.lstrip("\u200b\ufeff \u00a0\u3000").startswith(tuple(FORMULA))


def test_a_row_with_fewer_cells_has_empty_ones() -> None:
    assert cells(encoded(".csv", [line(extra=("a",))], ("x", "y", "z")))[1][-3:] == ["a", "", ""]


def test_a_row_with_more_cells_than_names_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 cells for 0 roster columns"):
        encoded(".csv", [line(extra=("a",))])


def test_there_is_no_byte_order_mark_and_no_carriage_return() -> None:
    data = encoded(".csv", [APPLIED, line(message="\r\n", extra=())])
    assert data.startswith(b"row,")
    assert b"\r" not in data
