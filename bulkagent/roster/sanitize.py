"""Foreign text made harmless: the one way by which it may enter a message or a report."""

from __future__ import annotations

import re

REDACTED = "(redacted)"

# Long enough for a sentence to stay one line on a terminal of 80 columns.
LONGEST_SHOWN = 40

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
# The gateway hands GUIDs out as "JSESSIONID=<guid>", and people paste the whole of it.
_GUID_SHAPE = re.compile(rf"{_UUID}|jsessionid\s*=", re.IGNORECASE)

# Every text of that shape has it: a plain test before the costly one. No UUID is shorter.
MAY_HIDE_GUID = 36


def redacted(text: str) -> str:
    """The text itself, or `(redacted)` where it holds anything shaped like a GUID."""
    if (len(text) >= MAY_HIDE_GUID or "=" in text) and _GUID_SHAPE.search(text):
        return REDACTED
    return text


def shown(text: str, *, longest: int = LONGEST_SHOWN) -> str:
    r"""The text as it may stand in a message: no GUID, no control or bidi character, not long.

    Whatever does not print (control characters, marks that turn the direction of text,
    invisible blanks) is written as an escape such as `\x1b`; at most `longest` characters.
    """
    text = redacted(text)
    # Cut before escaping too: a cell may hold 128 Ki characters, and none past this can show.
    whole = "".join(
        character if character.isprintable() else _escape(character)
        for character in text[: longest + 1]
    )
    return whole if len(whole) <= longest else whole[: longest - 1] + "…"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
