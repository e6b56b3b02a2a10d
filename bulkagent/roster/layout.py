"""The layout that a roster's file turned out to have, for people and for reports."""

from __future__ import annotations

import msgspec

from bulkagent.errors import RosterRefused
from bulkagent.roster.sanitize import shown

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}

# A pipe stands inside cells too often to be guessed; it has to be named.
DETECTED = (",", ";", "\t")

# A tab is hard to type in a shell.
_BY_NAME = {"\\t": "\t", **{name: character for character, name in DELIMITERS.items()}}

_ENCODINGS = {"utf-8-sig": "UTF-8 with a byte order mark"}


class Layout(msgspec.Struct, frozen=True):
    """How the roster's file is laid out, as detected or as told."""

    encoding: str
    """`utf-8`, `utf-8-sig` (with a byte order mark), `utf-16`, or the codec that was named."""
    delimiter: str
    has_header: bool
    agent_column: str
    """The name as written in the file; empty without a header."""
    has_flag: bool
    has_guid: bool
    has_gateway: bool
    extra_columns: tuple[str, ...]
    """The names of the kept columns, each once: a repeated one gets `_2`, `_3` and so on."""

    sheet: str = ""
    """The sheet of a workbook; "": it is none."""
    sheets: int = 0
    """How many sheets a workbook shows."""

    def describe(self) -> str:
        """One line for people: `UTF-8, semicolon-separated, agent column 'AgentID'`."""
        if self.sheets:
            which = f"the first of {self.sheets} sheets" if self.sheets > 1 else "sheet"
            column = f", agent column '{self.agent_column}'" if self.has_header else ", no header"
            return f"workbook, {which} '{shown(self.sheet)}'{column}"
        encoding = _ENCODINGS.get(self.encoding, self.encoding.upper())
        if not self.has_header:
            return f"{encoding}, no header, one agent ID a line"
        delimiter = DELIMITERS[self.delimiter]
        return f"{encoding}, {delimiter}-separated, agent column '{self.agent_column}'"


def delimiter_named(text: str) -> str:
    """The delimiter that a person means by its character or its name.

    Raises:
        RosterRefused: it is none of `DELIMITERS`.
    """
    delimiter = _BY_NAME.get(text.lower(), text)
    if delimiter not in DELIMITERS:
        raise RosterRefused(
            f"'{shown(text)}' is not a delimiter that rosters can have; "
            f"give one of {', '.join(DELIMITERS.values())} with --delimiter"
        )
    return delimiter
