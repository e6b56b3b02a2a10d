"""The lanes of a run: rows that are sent one after the other."""

from __future__ import annotations

import msgspec

SO_ALREADY = -1
"""The wave of rows that change no coverage; they need not wait for other agents."""


class Lane(msgspec.Struct, frozen=True):
    """Rows that one gateway gets in one wave, of one group where rows are grouped."""

    lane: int
    gateway: str
    wave: int
    arguments: str
    """"" where rows with different ones go in the order of the roster."""
    assignments: int
    group: str = ""

    @property
    def so_already(self) -> bool:
        """Whether its agents have by now what it sets, so that it changes no coverage."""
        return self.wave == SO_ALREADY

    @property
    def goes_off(self) -> bool:
        """Whether its agents go off, which is in a wave after the first."""
        return self.wave > 0
