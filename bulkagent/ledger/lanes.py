"""The lanes of a run: rows that are sent one after the other."""

from __future__ import annotations

import msgspec


class Lane(msgspec.Struct, frozen=True):
    """Rows that one gateway gets in one wave, of one group where rows are grouped."""

    lane: int
    gateway: str
    wave: int
    arguments: str
    """"" where rows with different ones go in the order of the roster."""
    assignments: int
    group: str = ""
