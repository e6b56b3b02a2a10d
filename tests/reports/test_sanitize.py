"""Text for a terminal: nothing in it is obeyed, all of it can be encoded."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.reports import printable
from tests.reports.lines import HOSTILE, PROPERTY

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("agent 1001, \u00e9t\u00e9, 王小明, 🙂", "agent 1001, \u00e9t\u00e9, 王小明, 🙂"),
        ("a\u00a0b\u3000c", "a\u00a0b\u3000c"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\t\x00\x1b[2J\x7f", "\\t\\x00\\x1b[2J\\x7f"),
        ("\x85\x9b31m", "\\x85\\x9b31m"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("abc\u202e123", "abc\\u202e123"),
        ("\ud83d and \udc80", "\\ud83d and \\udc80"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_what_would_be_obeyed_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "character", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *BIDI, "\u2028", "\u2029"]
)
def test_every_control_separator_and_bidi_mark_is_escaped(character: str) -> None:
    shown = printable(f"a{character}b")
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.encode().decode("unicode_escape") == f"a{character}b"


@PROPERTY
@given(HOSTILE)
def test_any_text_becomes_one_encodable_line(text: str) -> None:
    shown = printable(text)
    assert len(f"{shown}.".splitlines()) == 1
    assert shown.encode("utf-8").decode() == shown
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in shown)
    assert not set(BIDI) & set(shown)


@PROPERTY
@given(HOSTILE)
def test_escaping_twice_is_escaping_once(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@PROPERTY
@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_text_without_any_is_left_alone(text: str) -> None:
    assert printable(text) == text
