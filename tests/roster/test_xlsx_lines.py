"""A workbook is read as its CSV would be, with the rows' own numbers; nothing hostile gets in.

Proves guide "Roster files", "Formats and places".
"""

from __future__ import annotations

import datetime as dt
import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import RosterRefused
from bulkagent.roster import Roster, RosterRow
from bulkagent.roster import xlsx_lines as workbook
from tests.roster.reading import rules


def _saved(path: Path, *rows: Sequence[object], sheets: tuple[str, ...] = ("Shift",)) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = sheets[0]
    for row in rows:
        sheet.append(row)
    for name in sheets[1:]:
        book.create_sheet(name).append(["agent_id"])
    book.save(path)
    return path


def _rows(path: Path) -> list[RosterRow]:
    with Roster(path, rules()) as roster:
        return [row for row in roster.rows() if isinstance(row, RosterRow)]


def test_ids_are_those_that_people_see_whatever_their_type(tmp_path: Path) -> None:
    path = _saved(
        tmp_path / "shift.XLSX",
        ["agent_id", "name", "since"],
        [1001, "Ana\nBell", dt.date(2026, 1, 2)],
        ["1002", "=1+1", None],
        [],
        [1003.0, "x, y", True],
    )
    with Roster(path, rules()) as roster:
        assert roster.layout.describe() == "workbook, sheet 'Shift', agent column 'agent_id'"
        found = [row for row in roster.rows() if isinstance(row, RosterRow)]
    assert [(row.row, row.agent_id) for row in found] == [(2, "1001"), (3, "1002"), (5, "1003")]
    assert found[0].extra == ("Ana Bell", "2026-01-02T00:00:00")
    assert found[2].extra == ("x, y", "TRUE")


def test_of_several_sheets_the_first_that_is_visible_is_read_and_named(tmp_path: Path) -> None:
    path = _saved(tmp_path / "s.xlsx", ["agent_id"], [1001], sheets=("a\u202e", "b", "c"))
    book = openpyxl.load_workbook(path)
    book.create_sheet("hidden", 0).sheet_state = "hidden"
    book.save(path)
    with Roster(path, rules()) as roster:
        described = roster.layout.describe()
        assert len(list(roster.rows())) == 1
    assert described.startswith("workbook, the first of 3 sheets 'a")
    assert "\u202e" not in described


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (1003.5, "is a number that a spreadsheet rewrote"),
        ("01004", "begins with 0"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        ("=A1", ""),
    ],
)
def test_what_is_no_agent_id_is_an_invalid_row(tmp_path: Path, cell: object, said: str) -> None:
    path = _saved(tmp_path / "s.xlsx", ["agent_id", "name"], [cell, "x"], [1001, "y"])
    bad, good = _rows(path)
    assert bad.status is not None
    assert said in bad.reason
    assert good.status is None


def test_a_workbook_is_recognised_by_its_suffix_alone(tmp_path: Path) -> None:
    path = _saved(tmp_path / "s.xlsx", ["agent_id"], [1001]).rename(tmp_path / "s.csv")
    with pytest.raises(RosterRefused, match=r"is an Excel workbook or another ZIP file, not CSV"):
        Roster(path, rules())


def _archive(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"agent_id\n1001\n",
        b"PK\x03\x04 and then nothing",
        _archive({}),
        _archive({"[Content_Types].xml": b"<"}),
        _archive({"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}),
    ],
)
def test_what_is_no_workbook_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shift.xlsx"
    path.write_bytes(content)
    with pytest.raises(RosterRefused, match=r"cannot be read as a workbook .*export it as CSV"):
        Roster(path, rules())


def test_a_truncated_workbook_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    whole = _saved(tmp_path / "s.xlsx", ["agent_id"], *([at] for at in range(1001, 1201)))
    content = whole.read_bytes()
    for end in range(0, len(content), len(content) // 12):
        whole.write_bytes(content[:end])
        with pytest.raises(RosterRefused):
            _rows(whole)


def test_a_sheet_that_is_broken_inside_is_refused_in_a_sentence(tmp_path: Path) -> None:
    path = _saved(tmp_path / "s.xlsx", ["agent_id"], [1001])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet][:-40]
    path.write_bytes(_archive(parts))
    with pytest.raises(RosterRefused, match="cannot be read as a workbook"):
        _rows(path)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_UNPACKED", 1 << 20)
    path = tmp_path / "bomb.xlsx"
    path.write_bytes(_archive({"xl/sharedStrings.xml": b" " * (1 << 21)}))
    assert path.stat().st_size < 10_000
    with pytest.raises(RosterRefused, match="too large once it is unpacked"):
        Roster(path, rules())


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _saved(tmp_path / "s.xlsx", ["agent_id"], [1001])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(RosterRefused, match=r"pip install 'bulkagent\[xlsx\]'"):
        Roster(path, rules())


# XML has neither surrogates nor the two noncharacters of the first plane ("Char" in XML 1.0).
texts = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), max_size=20
)


@given(st.lists(st.tuples(st.integers(101, 59_999), texts), min_size=1, unique_by=lambda x: x[0]))
def test_every_row_comes_through_with_its_own_number(rows: list[tuple[int, str]]) -> None:
    out = io.BytesIO()
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Shift")
    sheet.append(["agent_id", "name"])
    for agent_id, name in rows:
        cell = openpyxl.cell.WriteOnlyCell(sheet, value=name)
        cell.data_type = "s"
        sheet.append([agent_id, cell])
    book.save(out)
    out.seek(0)
    stream = workbook.XlsxLines(out, "it")
    lines = b"".join(iter(lambda: stream.read(100), b"")).decode().splitlines()
    assert len(lines) >= len(rows) + 1
    assert [int(line.partition(",")[0]) for line in lines[1 : len(rows) + 1]] == [
        agent_id for agent_id, _ in rows
    ]
