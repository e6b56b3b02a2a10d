"""The rules of each kind of cell, and the sentence for each defect."""

from __future__ import annotations

import re

from bulkagent.roster.sanitize import redacted, shown

# Characters that people and spreadsheets leave around a cell. Not str.strip's set: that has control
# characters, which would vanish from the end of a GUID instead of being refused.
BLANKS = " \t\u00a0\u3000"

_FLAG_WORDS = {"1": 1, "0": 0, "yes": 1, "no": 0, "on": 1, "off": 0, "true": 1, "false": 0}

# The spellings of real files are looked up as they stand, any other case after lowering.
FLAGS = {
    spelling: flag
    for word, flag in _FLAG_WORDS.items()
    for spelling in (word, word.upper(), word.capitalize())
}

_SPREADSHEET = "is a number that a spreadsheet rewrote: format the column as text and export again"

# The first that matches the whole cell says what is wrong; the last matches anything.
_AGENT_DEFECTS = tuple(
    (re.compile(pattern, re.DOTALL), sentence)
    for pattern, sentence in (
        (r"[+-]?[0-9]+([.,][0-9]*)+([eE][+-]?[0-9]+)?", _SPREADSHEET),
        (r"[+-]?[0-9]+[eE][+-]?[0-9]+", _SPREADSHEET),
        (r"[+-][0-9]+", "has a sign; an agent ID is digits alone"),
        (r"0[0-9]*", "begins with 0, which no agent ID does"),
        (r"(?=.*[^0-9])\d+", "has digits other than the ASCII ones 0 to 9; type it anew"),
        (r".*", "is not an agent ID, which is digits alone"),
    )
)

_GATEWAY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_GATEWAYS_SHOWN = 5

# Beyond what any gateway was seen to hand out, far below what servers take as a header.
LONGEST_GUID = 512

# The vendor: the value to send is what follows this.
_GUID_PREFIX = "JSESSIONID="


def agent_defect(cell: str, low: int, high: int, *, gateway: str = "") -> str:
    """Why the cell is no agent ID from `low` to `high`, both included; empty if it is one.

    The gateway that has this range is named, if it is given.
    """
    if not cell:
        return "the agent ID is missing"
    if cell.isascii() and cell.isdigit() and cell[0] != "0":
        # Length first: Python refuses to convert thousands of digits.
        if len(cell) <= len(str(high)) and low <= int(cell) <= high:
            return ""
        whose = f", the agent IDs of {gateway}" if gateway else ""
        return f"'{shown(cell)}' is not from {low} to {high}{whose}"
    sentence = next(text for pattern, text in _AGENT_DEFECTS if pattern.fullmatch(cell))
    return f"'{shown(cell)}' {sentence}"


def flag_defect(cell: str) -> str:
    """Why the cell is no flag; empty if it is one."""
    if not cell:
        return "the flag is missing; it must be 1 or 0"
    if cell.lower() in _FLAG_WORDS:
        return ""
    return f"'{shown(cell)}' is not a flag; it must be 1 or 0"


def gateway_defect(cell: str, gateways: frozenset[str] | None) -> str:
    """Why the cell cannot be a gateway's name; empty if it can, or if it is empty."""
    if not cell:
        return ""
    if gateways is None:
        # A GUID would pass for a name, and a shifted row may have one here.
        if _GATEWAY_NAME.fullmatch(cell) and redacted(cell) == cell:
            return ""
        return f"'{shown(cell)}' is not a gateway's name; a roster names gateways, it has no URLs"
    if cell in gateways:
        return ""
    known = ", ".join(sorted(gateways)[:_GATEWAYS_SHOWN]) or "none"
    more = ", ..." if len(gateways) > _GATEWAYS_SHOWN else ""
    return f"'{shown(cell)}' is not a configured gateway; known: {known}{more}"


def guid_value(cell: str) -> str:
    """The part of a guid cell that goes into the header."""
    return cell.removeprefix(_GUID_PREFIX)


def guid_defect(cell: str, *, required: bool) -> str:
    """Why the cell is no GUID that may stand in a header; empty if it is one. Never quotes it."""
    if not cell:
        return "the GUID is missing, and nothing else supplies one" if required else ""
    value = guid_value(cell)
    if not value:
        return "nothing follows JSESSIONID= in the GUID"
    if len(value) > LONGEST_GUID:
        return f"the GUID is longer than {LONGEST_GUID} characters"
    if not (value.isascii() and value.isprintable() and " " not in value):
        return "the GUID has a character that may not stand in a header"
    return ""
