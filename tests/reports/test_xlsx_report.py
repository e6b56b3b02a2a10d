"""A report as a workbook: text stays text, sheets are complete, and limits are said."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import ReportFailed, SettingsRefused
from bulkagent.model import Line
from bulkagent.reports import printable, probe, write
from bulkagent.reports import xlsx_report as workbook
from tests.reports.lines import HOSTILE, PROPERTY, any_line, encoded, line


@PROPERTY
@given(st.lists(any_line(HOSTILE, width=1), max_size=4))
def test_no_text_becomes_a_formula_or_a_link(lines: list[Line]) -> None:
    data = encoded(".xlsx", lines, ("note",))
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [cell for row in book["agents"].iter_rows(min_row=2) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert not any(cell.hyperlink for cell in cells)
    messages = [row[7].value or "" for row in book["agents"].iter_rows(min_row=2)]
    assert [text.replace("\\uffff", "").replace("\\ufffe", "") for text in messages] == [
        printable(each.message).replace("\uffff", "").replace("\ufffe", "") for each in lines
    ]


def test_it_has_a_header_that_stays_a_filter_and_totals() -> None:
    run = {"run_id": "20261122T060000.000Z-0001", "totals": {"applied": 1}, "causes": {}}
    data = encoded(".xlsx", [line()], (), run)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["agents", "totals"]
    assert book["agents"].freeze_panes == "A2"
    assert book["agents"].auto_filter.ref == "A1:M2"
    totals = {row[0]: row[1] for row in book["totals"].iter_rows(values_only=True)}
    assert totals["run_id"] == run["run_id"]
    assert totals["applied"] == 1


def test_the_sheet_of_totals_has_the_head_of_the_page() -> None:
    """Roster, gateway, what was wanted, when, by whom and the ticket."""
    run = {
        "run_id": "20261122T060000.000Z-0001",
        "roster": "/rosters/shift.csv",
        "created_at": "2026-11-22T06:00:00.000Z",
        "finished_at": "2026-11-22T06:00:09.000Z",
        "gateways": {"east": "https://east.example:8043"},
        "who": "ana@desk",
        "note": "CHG-7",
        "legs": [{"who": "ana@desk", "note": "CHG-7"}, {"who": "=ben@desk", "note": None}],
    }
    data = encoded(".xlsx", [line(), line(row=3, flag="0")], (), run)
    cells = openpyxl.load_workbook(io.BytesIO(data))["totals"].iter_rows(values_only=True)
    found = {row[0]: row[1] for row in cells}
    assert found["roster"] == "/rosters/shift.csv"
    assert found["gateway"] == "east"
    assert found["wanted"] == "1 agent may take calls (flag 1), 1 agent takes no calls (flag 0)"
    assert found["when"].startswith("2026-11-22 ")
    assert found["by"] == "ana@desk, then =ben@desk"
    assert found["ticket"] == "CHG-7"


def test_a_long_text_is_cut_and_not_lost() -> None:
    data = encoded(".xlsx", [line(message="x" * 40_000)])
    (_, row) = openpyxl.load_workbook(io.BytesIO(data))["agents"].iter_rows(values_only=True)
    assert row[7] == "x" * 32_766 + "…"


def test_more_rows_than_a_sheet_takes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)
    path = tmp_path / "r.xlsx"
    with pytest.raises(ReportFailed, match=r"a sheet takes 2 rows; take \.csv"):
        write(path, [line(row=row) for row in (2, 3, 4)], extra_columns=(), run={})
    assert list(tmp_path.iterdir()) == []
    write(path, [line(row=row) for row in (2, 3)], extra_columns=(), run={})
    assert zipfile.ZipFile(path).testzip() is None


def test_without_the_extra_it_says_so_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingsRefused, match=r"pip install 'bulkagent\[xlsx\]'"):
        probe(tmp_path / "r.xlsx")
    probe(tmp_path / "r.csv")
