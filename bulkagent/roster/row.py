"""Rows of a roster: one record a row, and the retraction of one already given."""

from __future__ import annotations

from typing import Any

import msgspec

from bulkagent.model import Status


class RosterRow(msgspec.Struct, frozen=True, gc=False):
    """One row of the roster: a valid assignment, or why it is none.

    The GUID is a secret: no representation of this record shows it.
    """

    row: int
    """The line as an editor shows it; of a record over several lines, the first."""
    agent_id: str
    """The agent ID; where the row is invalid, the cell made harmless to show."""
    gateway: str
    """The row's own gateway or the default; where invalid, the cell made harmless to show."""
    flag: int | None
    """1 or 0; None where no flag is known or the cell is none."""
    status: Status | None
    """None for a valid assignment, else `invalid` or `duplicate`."""
    column: str
    """The offending column of an invalid row, else empty."""
    reason: str
    """Why the row is invalid, or which line a duplicate repeats; else empty."""
    guid: str
    """The agent's GUID as it goes into a header; empty where there is none."""
    extra: tuple[str, ...]
    """The cells of the kept columns, in the order of `Layout.extra_columns`."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"RosterRow({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # msgspec brings one of its own, which rich's tracebacks would follow to the GUID.
        hidden = {"guid": "..." if self.guid else ""}
        return [(name, hidden.get(name, getattr(self, name))) for name in self.__struct_fields__]


class Retraction(msgspec.Struct, frozen=True, gc=False):
    """A row given out as valid turned out invalid: a later line contradicts it."""

    row: int
    """The line of the row that is taken back."""
    column: str
    reason: str
    agent_id: str
    gateway: str
    flag: int
    """The flag with which it was given out."""
