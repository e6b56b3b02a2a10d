r"""Text with bytes that are no text, as names, notes and paths of a Unix may have.

Python spells each such byte as half a character (a lone surrogate), which no encoder takes: not a
database, not JSON, not a file in UTF-8. Here it becomes the visible text `\udce9`.
"""

from __future__ import annotations

import os
import re

import msgspec

# PEP 383: the bytes 80 to ff, which alone can be no text.
_SPELLED = re.compile(r"\\u(dc[89a-f][0-9a-f])")


def encodable(text: str) -> str:
    """The text with each half of a character as its backslash escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def encodable_values(value: object) -> object:
    """The same plain data with every text in it, keys too, made encodable."""
    match value:
        case str():
            return encodable(value)
        case dict():
            return {encodable_values(name): encodable_values(held) for name, held in value.items()}
        case list() | tuple():
            return [encodable_values(held) for held in value]
        case _:
            return value


def as_json(value: object) -> str:
    """Plain data as JSON, made encodable where it has to be."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(encodable_values(msgspec.to_builtins(value))).decode()


def path_of(text: str) -> str:
    """The path that `encodable` may have spelled, with its own bytes.

    A file that has the spelled name is meant itself.
    """
    odd = _SPELLED.sub(lambda found: chr(int(found[1], 16)), text)
    return text if odd == text or os.path.lexists(text) else odd
