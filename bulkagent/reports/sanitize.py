"""Text from outside, made harmless for a terminal."""

from __future__ import annotations

import re

# C0, DEL and C1 move cursors and end lines (a terminal takes U+009B for ESC [); U+2028 and
# U+2029 end lines; U+061C, U+200E/F, U+202A-E and U+2066-9 reorder what is read ("Trojan
# Source", CVE-2021-42574); a lone surrogate cannot be encoded at all.
OBEYED = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""One character that is obeyed rather than shown, or that no encoder accepts."""


def printable(text: str) -> str:
    r"""The text with each character that would be obeyed as its backslash escape.

    `\n`, `\x1b`, `\u202e`: always one line, always encodable as UTF-8. A backslash of the
    text itself stays as it is, so this is for showing and not for reading back.
    """
    # Letters of every script pass the first test; ideographic spaces and the like need the second.
    if text.isprintable():
        return text
    return OBEYED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")
