"""A workbook as the lines of a CSV file, so that all else of a roster is as it always is.

A row of the sheet is one line, and it has that row's number, which is what people see beside it.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from bulkagent.errors import RosterRefused
from bulkagent.roster.sanitize import shown

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet


SUFFIX = ".xlsx"

_MOST_UNPACKED = 1 << 30
"""Bytes; a sheet of a million rows and ten columns has about 300 million."""
_MOST_TEXTS = 1 << 27
"""Bytes of the table of texts, which is held in memory."""
_TEXTS = "xl/sharedStrings.xml"

_PIECE_ROWS = 256


def is_workbook(path: str) -> bool:
    """Whether a path is of a workbook, by its suffix."""
    return path.lower().endswith(SUFFIX)


class XlsxLines(io.RawIOBase):
    """The first visible sheet of a workbook, read as CSV in UTF-8, row by row.

    Whole numbers are written without a point, since a spreadsheet makes a number of every agent
    ID; what it shows of a formula is its last result. Memory grows with the texts alone.

    Args:
        stream: The file; it is closed with this.
        name: How messages call it, harmless to show.

    Raises:
        RosterRefused: It is no workbook, is too large unpacked, or nothing here can read one.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        super().__init__()
        self._stream = stream
        self._name = name
        self._book, sheet, self.sheets = _opened(stream, name)
        self.sheet = sheet.title
        self._pieces = self._csv(sheet)
        self._rest = b""

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self._book.close()
            self._stream.close()
        super().close()

    def readable(self) -> bool:
        """It can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, none at the end.

        Raises:
            RosterRefused: The sheet cannot be read on.
        """
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece.encode("utf-8", "replace")
        cut = len(self._rest) if size < 0 else size
        found, self._rest = self._rest[:cut], self._rest[cut:]
        return found

    def _csv(self, sheet: ReadOnlyWorksheet) -> Iterator[str]:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        rows = self._rows(sheet)
        for number, row in enumerate(rows, start=1):
            writer.writerow([_as_text(cell) for cell in row])
            if not number % _PIECE_ROWS:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()

    def _rows(self, sheet: ReadOnlyWorksheet) -> Iterator[tuple[object, ...]]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield from sheet.iter_rows(values_only=True)
        except RosterRefused:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a hostile file makes the library raise
            raise _unreadable(self._name, error) from None


def _opened(stream: BinaryIO, name: str) -> tuple[Workbook, ReadOnlyWorksheet, int]:
    try:
        import openpyxl
    except ImportError:
        raise RosterRefused(
            f"{name} needs a package that reads workbooks: pip install 'bulkagent[xlsx]', or export"
            " it as CSV UTF-8 and name that file"
        ) from None
    _refuse_bombs(stream, name)
    try:
        with warnings.catch_warnings():  # about what it does not need to understand
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # noqa: BLE001 - whatever a hostile file makes the library raise
        raise _unreadable(name, error) from None
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not visible:
        book.close()
        raise RosterRefused(f"{name} has no sheet that is visible; show the one with the agents")
    sheet = visible[0]
    sheet.reset_dimensions()  # what the file says of its size need not be so
    return book, sheet, len(visible)


def _refuse_bombs(stream: BinaryIO, name: str) -> None:
    """Refuse what would take all memory or time once it is unpacked.

    A ZIP archive is never unpacked to more than it declares, so the declared sizes can be
    trusted for this.
    """
    import zipfile

    try:
        with zipfile.ZipFile(stream) as archive:
            sizes = {part.filename: part.file_size for part in archive.infolist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _unreadable(name, error) from None
    if sum(sizes.values()) > _MOST_UNPACKED or sizes.get(_TEXTS, 0) > _MOST_TEXTS:
        raise RosterRefused(
            f"{name} is too large once it is unpacked; export it as CSV UTF-8 and name that file"
        )
    stream.seek(0)


def _unreadable(name: str, error: Exception) -> RosterRefused:
    return RosterRefused(
        f"{name} cannot be read as a workbook ({shown(str(error), longest=80)}); save it again, or"
        " export it as CSV UTF-8 and name that file"
    )


def _as_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float) and cell.is_integer():
        return f"{cell:.0f}"
    if isinstance(cell, dt.datetime | dt.date | dt.time):
        return cell.isoformat()
    # One row is one line, whatever somebody typed into a cell.
    return " ".join(str(cell).replace("\0", " ").splitlines())
