"""Agent IDs: how one is written, and sets of them such as `101-200,305`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from typing import NoReturn

LONGEST = 6
"""Digits of the longest agent ID of either generation of the documents (59999, 999999)."""


class AgentIds(Container[int]):
    """A set of agent IDs written as IDs and ranges: `101-200,305`. Spaces do not matter.

    Raises:
        ValueError: the text is not of that form; the sentence names the part that is wrong.
    """

    __slots__ = ("_ranges", "_starts", "_text")

    def __init__(self, text: str = "") -> None:
        self._text = text
        parts = (_read(part.strip()) for part in text.split(",")) if text else ()
        self._ranges = tuple(_merged(parts))
        self._starts = [numbers.start for numbers in self._ranges]

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        # Only the last range that begins at or below the number can hold it.
        place = bisect_right(self._starts, number) - 1
        return place >= 0 and number in self._ranges[place]

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AgentIds) and self._ranges == other._ranges

    def __hash__(self) -> int:
        return hash(self._ranges)

    @property
    def ranges(self) -> tuple[range, ...]:
        """The same set as ranges in ascending order, none of which touches another."""
        return self._ranges

    def __repr__(self) -> str:
        return f"AgentIds({self._text!r})"


def number_of(text: str) -> int | None:
    """The number that `text` writes as an agent ID; None where it is not an agent ID.

    Only plain ASCII digits without a leading zero are one. The pages give the type "string" and a
    range of numbers. They do not say whether a real gateway takes 0101 for 101. So the stricter
    reading is emulated, and a client that pads IDs notices it here.
    """
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST or text[0] == "0":
        return None
    return int(text)


def _read(part: str) -> range:
    low_text, dash, high_text = part.partition("-")
    low = number_of(low_text.strip())
    high = number_of(high_text.strip()) if dash else low
    if low is None or high is None or low > high:
        _refuse(part)
    return range(low, high + 1)


def _merged(parts: Iterable[range]) -> Iterator[range]:
    merged: range | None = None
    for part in sorted(parts, key=lambda numbers: numbers.start):
        if merged is None:
            merged = part
        elif part.start <= merged.stop:
            merged = range(merged.start, max(merged.stop, part.stop))
        else:
            yield merged
            merged = part
    if merged is not None:
        yield merged


def _refuse(part: str) -> NoReturn:
    raise ValueError(f"{part!r} is neither an agent ID nor a range of them")
