"""How many rows of each group come on and go off."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class GroupCoverage(msgspec.Struct):
    """How many rows of a group come on and go off, duplicates aside."""

    incoming: int = 0
    outgoing: int = 0
    absent: int = 0
    """Outgoing ones that are nobody's."""


class CoverageCounter:
    """The groups of a roster's rows."""

    def __init__(self) -> None:
        self._covers: dict[str, GroupCoverage] = {}

    def add(self, group: str, *, outgoing: bool, absent: bool = False) -> None:
        """Count one row."""
        cover = self._covers.get(group)
        if cover is None:
            cover = self._covers[group] = GroupCoverage()
        cover.incoming += not outgoing
        cover.outgoing += outgoing
        cover.absent += outgoing and absent

    def absent(self, group: str, number: int) -> None:
        """So many outgoing rows that were counted are nobody's."""
        self._covers[group].absent += number

    def handing_over(self) -> Mapping[str, GroupCoverage]:
        """The groups, where there are rows of both kinds; else none."""
        coming = any(cover.incoming for cover in self._covers.values())
        going = any(cover.outgoing for cover in self._covers.values())
        return self._covers if coming and going else {}
