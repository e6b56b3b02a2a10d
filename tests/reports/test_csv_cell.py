"""One cell of a CSV: a spreadsheet shows it and never runs it."""

from __future__ import annotations

import pytest
from hypothesis import given

from bulkagent.reports.csv_cell import cell
from tests.reports.lines import HOSTILE, PLAIN, PROPERTY

FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"


@pytest.mark.parametrize("first", FORMULA)
@pytest.mark.parametrize(
    "before", ["", " ", "   ", "\u00a0", "\u3000", "\u200b", "\ufeff", " \u2003"]
)
def test_a_formula_gets_an_apostrophe_also_after_blanks(first: str, before: str) -> None:
    assert cell(f"{before}{first}1+1") == f"'{before}{first}1+1"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\tcmd", "'\\tcmd"),
        ("\rcmd", "'\\rcmd"),
        ("\t=1", "'\\t=1"),
        ("\n=1", "'\\n=1"),
        ("=1\n+2", "'=1\\n+2"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202e=1", "\\u202e=1"),
        ("\ud800", "\\ud800"),
    ],
)
def test_controls_are_escaped_and_still_count_as_what_they_are(text: str, written: str) -> None:
    assert cell(text) == written


@pytest.mark.parametrize(
    "text",
    ["", "1001", "100-006", "a=b", "mail@east", " blank", "'quoted", "a\u00a0b", "1+1", "\\=1"],
)
def test_a_harmless_cell_is_left_alone(text: str) -> None:
    assert cell(text) == text


@PROPERTY
@given(HOSTILE)
def test_no_cell_begins_as_a_formula(text: str) -> None:
    written = cell(text)
    assert not written.startswith(("\t", "\r"))
    assert not written.strip("\u200b\ufeff").lstrip().startswith(tuple(FORMULA))


@PROPERTY
@given(PLAIN)
def test_plain_text_comes_through(text: str) -> None:
    assert cell(text) == text
