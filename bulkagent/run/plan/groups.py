"""Which group an agent is of."""

from __future__ import annotations

from collections.abc import Sequence

from bulkagent.errors import RosterRefused
from bulkagent.roster import named

_MOST = 5_000
"""A centre has dozens of teams; a column of something else would name one a row."""

_GATEWAY = "gateway"
_LIKELY = ("team", "skill", "site")


class Grouping:
    """The groups of a roster's rows.

    Args:
        column: The column whose cells name them; "": all rows are of one.
        columns: The roster's own columns.

    Raises:
        RosterRefused: It has no such column.
    """

    def __init__(self, column: str, columns: Sequence[str]) -> None:
        self._column = column
        self._by_gateway = bool(column) and named([_GATEWAY], column) is not None
        self._at = named(columns, column) if column and not self._by_gateway else None
        self._seen: set[str] = set()
        if column and self._at is None and not self._by_gateway:
            has = ", ".join(columns) or "no column of its own"
            raise RosterRefused(
                f"--group-by: the roster has no column {column!r}; it has {has}. With the word"
                f" {_GATEWAY}, each gateway is a group"
            )

    def __repr__(self) -> str:
        return f"<Grouping by {self._column or 'nothing'}: {len(self._seen)} groups>"

    def group(self, gateway: str, extra: Sequence[str]) -> str:
        """The group of a row.

        Raises:
            RosterRefused: There are more groups than any centre has.
        """
        if self._by_gateway:
            return gateway
        if self._at is None:
            return ""
        # Cells at the end of a line may be missing.
        group = extra[self._at].strip() if self._at < len(extra) else ""
        self._seen.add(group)
        if len(self._seen) > _MOST:
            raise RosterRefused(
                f"--group-by: the column {self._column!r} has more than {_MOST:,} different values;"
                " is it really a column of groups?"
            )
        return group


def hint(columns: Sequence[str], gateways: int) -> str:
    """What a handover that is not grouped might better be grouped by; "" where nothing offers."""
    for likely in _LIKELY:
        at = named(columns, likely)
        if at is not None:
            return columns[at]
    return _GATEWAY if gateways > 1 else ""
