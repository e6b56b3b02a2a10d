"""Names as people vary them, and what they have in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def plain(name: str) -> str:
    """A header's name without what people vary: case, width, blanks, `_`, `-`, invisible marks."""
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", name).casefold()
        if character not in "_-"
        and not character.isspace()
        and unicodedata.category(character) != "Cf"
    )


def named(names: Sequence[str], name: str) -> int | None:
    """Which of the names is meant by one: the same, or else one that people take for the same."""
    for spelled in (str.strip, plain):
        for at, known in enumerate(names):
            if spelled(known) == spelled(name):
                return at
    return None
