"""Texts in the columns of a terminal, where Chinese characters are two columns wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator


def columns_of(text: str) -> int:
    """How many columns a text takes (Unicode Standard Annex 11, without combining characters)."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def padded(text: str, columns: int, *, right: bool = False) -> str:
    """A text with as many blanks as it takes to fill columns.

    Args:
        text: What is shown.
        columns: How many there are.
        right: Whether the text is flush right.
    """
    blanks = " " * max(0, columns - columns_of(text))
    return blanks + text if right else text + blanks


def wrapped(text: str, columns: int, indent: str = "", *, first: int = 0) -> list[str]:
    """A text in lines of so many columns, broken at blanks and between wide characters.

    A word that is longer than a line stays in one piece.

    Args:
        text: One line, with any blanks in front of it.
        columns: How many there are.
        indent: What stands in front of each line but the first.
        first: So many characters at the beginning stay together with the word behind them.
    """
    lines: list[str] = []
    line = ""
    for piece in _pieces(text, first):
        if line.strip() and columns_of(line + piece.rstrip()) > columns:
            lines.append(line.rstrip())
            line, piece = indent, piece.lstrip()  # noqa: PLW2901 - a line begins without blanks
        line += piece
    return [*lines, line.rstrip()]


def _pieces(text: str, first: int) -> Iterator[str]:
    """Parts between which a line may end: words with the blanks before them, wide characters."""
    piece = text[:first]
    glued = True
    for character in text[first:]:
        wide = _columns(character) == _WIDE
        begins = (character == " " and piece[-1:] != " ") or (
            (wide or _is_wide(piece)) and character not in _NEVER_FIRST and piece[-1:] not in _OPEN
        )
        if begins and piece.strip() and not glued:
            yield piece
            piece = ""
        glued = glued and character == " "
        piece += character
    yield piece


def _is_wide(piece: str) -> bool:
    return bool(piece) and _columns(piece[-1]) == _WIDE


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else 1


_WIDE = 2
_NEVER_FIRST = frozenset(
    "\uff0c\u3002\uff1b\uff1a\u3001\uff01\uff1f\uff09\u300b\u300d\u300f\u201d\u2019\u2026"
)
"""What no line of Chinese begins with (GB/T 15834)."""
_OPEN = frozenset("\uff08\u300a\u300c\u300e\u201c\u2018")
"""What no line of it ends with."""
