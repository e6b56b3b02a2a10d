"""Cells that are kept apart while a roster is read: passwords, and what else a sign-in needs.

No row, message or report ever has them: a caller that names a column gets it here alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from bulkagent.errors import RosterRefused
from bulkagent.roster.cells import BLANKS
from bulkagent.roster.columns import Columns
from bulkagent.roster.csv_records import CsvRecords
from bulkagent.roster.header_names import plain
from bulkagent.roster.sanitize import shown


class SecretColumns:
    """Passes records on, and keeps some of their cells.

    Args:
        records: the records from the first row on.
        columns: the columns by the header.
        names: the columns to keep, known in any case and with any separators.

    Raises:
        RosterRefused: two columns have one of these names.
    """

    def __init__(self, records: CsvRecords, columns: Columns, names: Collection[str]) -> None:
        self._records = records
        self._cells: dict[int, tuple[str, ...]] = {}
        self._positions: dict[str, int] = {}
        header = [plain(name) for name in columns.names] if columns.has_header else []
        for name in names:
            found = [at for at, written in enumerate(header) if written == plain(name)]
            if len(found) > 1:
                raise RosterRefused(
                    f"'{shown(columns.names[found[0]])}' and '{shown(columns.names[found[1]])}'"
                    f" could each be the {name} column; rename or remove one"
                )
            if found:
                self._positions[name] = found[0]

    def __repr__(self) -> str:
        return f"<SecretColumns of {', '.join(self._positions) or 'no column'}>"

    @property
    def names(self) -> tuple[str, ...]:
        """Those of the columns that the roster has."""
        return tuple(self._positions)

    @property
    def line_num(self) -> int:
        """The number of the last line of the last record."""
        return self._records.line_num

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        row = self._records.line_num + 1
        record = next(self._records)
        self._cells[row] = tuple(
            record[at].strip(BLANKS) if at < len(record) else "" for at in self._positions.values()
        )
        return record

    def of_row(self, row: int) -> dict[str, str]:
        """The cells of a row that was read, without surrounding blanks; "" where it has none."""
        return dict(zip(self._positions, self._cells.get(row, ()), strict=False))
