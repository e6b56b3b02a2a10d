"""One text cell of a CSV file, made harmless for a spreadsheet."""

from __future__ import annotations

import re

from bulkagent.reports.sanitize import printable

# OWASP, "CSV Injection": = + - @ begin a formula, tab and carriage return are dropped before
# one; Excel also takes the full-width forms where East Asian input is in use. Importers may
# trim what is blank or without width, so a formula behind such characters counts too.
_BLANKS = r"\s\u00ad\u180e\u200b-\u200d\u2060\ufeff"
_FORMULA = re.compile(rf"[\t\r]|[{_BLANKS}]*[=+\-@\uff1d\uff0b\uff0d\uff20]")

# Printable characters that may begin a formula: those above, and the one printable blank.
_SUSPECT = frozenset(" =+-@\uff1d\uff0b\uff0d\uff20")

# Spreadsheets read it as "what follows is text".
_APOSTROPHE = "'"


def cell(text: str) -> str:
    """The text as one cell: never a formula, never more than one line, always encodable.

    A cell that a spreadsheet would run gets an apostrophe in front; characters that would be
    obeyed become escapes, as `printable` says. All other text is returned as it is.
    """
    # Nearly every cell ends at one of these two: no formula, blank or control is alphanumeric.
    if not text or text.isalnum():
        return text
    if text.isprintable():
        if text[0] not in _SUSPECT:
            return text
        escaped = text
    else:
        escaped = printable(text)
    # The raw text is asked, because escaping hides a leading tab.
    return _APOSTROPHE + escaped if _FORMULA.match(text) else escaped
