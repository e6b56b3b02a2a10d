"""Where the GUID of an agent comes from, asked just before each attempt.

What may live here: sources of GUIDs. What this room must not know: what a GUID is then used
for. A GUID is a bearer credential (page 0005): none of these has a `repr` that shows one.
"""

from __future__ import annotations

from array import array
from typing import Protocol

from bulkagent.outcome import Assignment

__all__ = ["GuidSource", "PackedGuids"]


class GuidSource(Protocol):
    """What the client asks before an attempt."""

    async def guid(self, assignment: Assignment) -> str | None:
        """The assignment's agent's current GUID, or None where there is none."""


class PackedGuids:
    """GUIDs by roster row, for rosters that carry them.

    A million GUIDs take 179 MB in a dict of strings; end to end in one buffer with an offset
    a row they take little more than their own bytes, which is what keeps a large run small.
    """

    __slots__ = ("_bytes", "_ends")

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("I", [0])  # 4 GiB of GUIDs is about 80 million rows

    def __repr__(self) -> str:
        return f"<PackedGuids of {len(self._ends) - 1} rows>"

    def add(self, row: int, guid: str) -> None:
        """Keep the GUID of a row; rows come in rising order, and may be left out."""
        missing = row - len(self._ends)
        if missing < 0:
            raise ValueError(f"row {row} comes after row {len(self._ends) - 1}")
        if missing:
            self._ends.extend([len(self._bytes)] * missing)
        self._bytes += guid.encode("ascii")
        self._ends.append(len(self._bytes))

    async def guid(self, assignment: Assignment) -> str | None:
        """The GUID that came with the assignment's row."""
        return self.of_row(assignment.row)

    def of_row(self, row: int) -> str | None:
        """The GUID that came with a row."""
        if row >= len(self._ends):
            return None
        packed = self._bytes[self._ends[row - 1] : self._ends[row]]
        return packed.decode("ascii") or None
