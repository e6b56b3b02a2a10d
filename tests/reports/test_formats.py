"""All formats together: the same facts, the same totals, chosen by suffix, never held in memory.

README: Every roster row ends in exactly one status.
"""

from __future__ import annotations

import collections
import csv
import io
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import SettingsRefused
from bulkagent.model import Line, Status
from bulkagent.reports import COLUMNS, FORMATS
from bulkagent.reports.formats import writer_for
from tests.reports.lines import PLAIN, PROPERTY, any_line, encoded, line
from tests.reports.test_html_writer import Reader

NAMES = ("name", "status", "team")

Facts = list[dict[str, object]]


def from_csv(data: bytes) -> Facts:
    rows = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
    return [{name: text or None for name, text in row.items()} for row in rows]


def from_json(data: bytes) -> Facts:
    lines: Facts = json.loads(data)["lines"]
    return lines


def from_jsonl(data: bytes) -> Facts:
    return [json.loads(each) for each in data.splitlines()]


def from_html(data: bytes) -> Facts:
    page = Reader(data.decode())
    names = page.block("columns")
    return [
        {name: None if cell == "" else cell for name, cell in zip(names, row, strict=True)}
        for row in page.block("data")
    ]


def from_xlsx(data: bytes) -> Facts:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True)
    names, *rows = book["agents"].iter_rows(values_only=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


READERS = {
    ".csv": from_csv,
    ".json": from_json,
    ".jsonl": from_jsonl,
    ".html": from_html,
    ".xlsx": from_xlsx,
}


def as_text(facts: Facts) -> Facts:
    """Numbers as a CSV has them; everything else is text or nothing already."""
    numbers: dict[str, Callable[[object], str]] = {
        "row": str,
        "http_status": str,
        "attempts": str,
        "latency_ms": "{:.1f}".format,
    }
    return [
        {
            name: numbers[name](value) if name in numbers and value is not None else value
            for name, value in each.items()
        }
        for each in facts
    ]


def test_every_format_has_a_reader_here() -> None:
    assert list(FORMATS) == list(READERS) == [".csv", ".json", ".jsonl", ".html", ".xlsx"]


@PROPERTY
@given(st.lists(any_line(PLAIN, width=3), max_size=4))
def test_every_format_carries_the_same_facts(lines: list[Line]) -> None:
    wanted = READERS[".csv"](encoded(".csv", lines, NAMES))
    for suffix in (".json", ".jsonl", ".html", ".xlsx"):
        read = READERS[suffix](encoded(suffix, lines, NAMES))
        assert as_text(read) == wanted
        assert all(list(each) == [*COLUMNS, "name", "roster_status", "team"] for each in read)


@PROPERTY
@given(st.lists(st.sampled_from(Status), max_size=20))
def test_totals_add_up(statuses: list[Status]) -> None:
    lines = [line(row=row, status=status) for row, status in enumerate(statuses, 2)]
    for suffix, read in READERS.items():
        totals = collections.Counter(each["status"] for each in read(encoded(suffix, lines)))
        assert totals == collections.Counter(map(str, statuses))
        assert totals.total() == len(statuses)


@pytest.mark.matrix
@pytest.mark.parametrize("suffix", FORMATS)
def test_lines_are_never_held_together(suffix: str) -> None:
    count = 3_000

    def lines() -> Iterator[Line]:
        for row in range(count):
            yield line(row=row, message=f"message {row} " + "x" * 1000)

    with Path(os.devnull).open("wb") as nowhere:
        # A writer's first call imports what it needs, and modules are not lines.
        FORMATS[suffix](nowhere, (), (), {})
        tracemalloc.start()
        try:
            assert FORMATS[suffix](nowhere, lines(), (), {}) == count
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # All of them would be above 3 MB.
    assert peak < 500_000


@pytest.mark.parametrize("name", ["r.csv", "R.CSV", "r.Json", "a.b.JSONL"])
def test_the_suffix_chooses_whatever_its_case(name: str) -> None:
    assert writer_for(Path(name)) is FORMATS[Path(name.lower()).suffix]


@pytest.mark.parametrize("name", ["report", "report.xls", "r.csv.gz", ".csv", "r\n\x1b.txt", "."])
def test_an_unknown_suffix_is_refused_and_the_known_ones_named(name: str) -> None:
    with pytest.raises(SettingsRefused, match=r"\.csv, \.json, \.jsonl") as refused:
        writer_for(Path(name))
    assert str(refused.value).isprintable()


def test_the_table_is_closed() -> None:
    with pytest.raises(TypeError):
        FORMATS[".txt"] = FORMATS[".csv"]  # type: ignore[index]
