"""TOML, and in which line each of its keys stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bulkagent.errors import SettingsRefused

Path = tuple[str | int, ...]
"""Keys from the top, and numbers from 0 for the tables of a list."""

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEYS = rf"\s*({_PART}(?:\s*\.\s*{_PART})*)\s*"
_HEADER = re.compile(rf"\s*(\[\[?){_KEYS}\]")
_ENTRY = re.compile(rf"{_KEYS}=")
_EACH = re.compile(_PART)
_LONG_TEXT = re.compile(r'"""|\'\'\'')


class Toml:
    """A TOML document that knows its lines.

    Args:
        table: Its content.
        text: The text that it was read from.
    """

    def __init__(self, table: Mapping[str, Any], text: str) -> None:
        self.table = table
        self._text = text

    def line_of(self, path: Sequence[str | int]) -> int:
        """The line of a key, from 1; that of what it is in where it cannot be found; else 0."""
        lines: dict[Path, int] = {}
        for found, line in _keys_of(self._text):
            lines.setdefault(found, line)
        wanted = tuple(path)
        while wanted and wanted not in lines:
            wanted = wanted[:-1]
        return lines.get(wanted, 0)

    def place_of(self, path: Sequence[str | int]) -> str:
        """Where a key is, for people, such as `line 3, rate of [gateways.east]`."""
        line = self.line_of(path)
        *section, key = path
        where = _section(section)
        told = f"{key} of {where}" if where and isinstance(key, str) else where or str(key)
        return f"line {line}, {told}" if line else told


def read_toml(content: bytes, name: str) -> Toml:
    """Read a TOML file.

    Args:
        content: Its bytes; a byte order mark is taken off.
        name: Its name, for people.

    Raises:
        SettingsRefused: It is none.
    """
    import tomllib

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise SettingsRefused(f"{name}, line {line}: that is not UTF-8; save it as UTF-8") from None
    try:
        return Toml(tomllib.loads(text), text)
    except (ValueError, RecursionError) as error:  # numbers too long, brackets too deep
        said = str(error) or "it is nested too deeply"
        raise SettingsRefused(f"{name}: that is not TOML: {said}; correct that line") from None


def _section(path: Sequence[str | int]) -> str:
    """A table as its header has it, a table of a list with its number from 1."""
    names = ".".join(str(part) for part in path if isinstance(part, str))
    numbers = [part + 1 for part in path if isinstance(part, int)]
    if not names:
        return ""
    return f"[[{names}]] number {numbers[-1]}" if numbers else f"[{names}]"


def _keys_of(text: str) -> Iterator[tuple[Path, int]]:
    """Each key and header with its line; there is none within a long text."""
    at: Path = ()
    counts: dict[Path, int] = {}
    within = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if within:
            within = "" if line.count(within) % 2 else within
            continue
        if header := _HEADER.match(line):
            at = _path(header[2], counts)
            if header[1] == "[[":
                counts[at] = counts.get(at, -1) + 1
                at = (*at, counts[at])
            yield at, number
        elif entry := _ENTRY.match(line):
            path = (*at, *_names(entry[1]))
            for end in range(len(at) + 1, len(path) + 1):
                yield path[:end], number
        for mark in _LONG_TEXT.findall(line)[:1]:
            within = mark if line.count(mark) % 2 else ""


def _path(keys: str, counts: Mapping[Path, int]) -> Path:
    """A header's keys; within a list of tables, those of its last one."""
    path: Path = ()
    names = _names(keys)
    for at, name in enumerate(names):
        path = (*path, name)
        if path in counts and at < len(names) - 1:
            path = (*path, counts[path])
    return path


def _names(keys: str) -> tuple[str, ...]:
    return tuple(part[1:-1] if part[0] in "\"'" else part for part in _EACH.findall(keys))
