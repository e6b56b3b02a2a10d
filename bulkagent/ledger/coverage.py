"""How many rows of each group come on and go off."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class GroupCoverage(msgspec.Struct):
    """How many rows of a group come on and go off, duplicates aside."""

    incoming: int = 0
    outgoing: int = 0
    absent: int = 0
    """Outgoing rows that are invalid, so that no agent covers by them."""


class CoverageCounter:
    """The groups of a roster's rows."""

    def __init__(self) -> None:
        self._groups: dict[str, GroupCoverage] = {}
        self._back_already = False

    def add(self, group: str, *, outgoing: bool, absent: bool = False) -> None:
        """Count one row."""
        counts = self._groups.get(group)
        if counts is None:
            counts = self._groups[group] = GroupCoverage()
        counts.incoming += not outgoing
        counts.outgoing += outgoing
        counts.absent += outgoing and absent

    def absent(self, group: str, number: int) -> None:
        """So many outgoing rows that were counted turned out to be invalid."""
        self._groups[group].absent += number

    def back_already(self) -> None:
        """One row would come on, and is left to another run, which has set it on."""
        self._back_already = True

    def handing_over(self) -> Mapping[str, GroupCoverage]:
        """The groups, where there are rows of both kinds; else none."""
        coming = self._back_already or any(counts.incoming for counts in self._groups.values())
        going = any(counts.outgoing for counts in self._groups.values())
        return self._groups if coming and going else {}
