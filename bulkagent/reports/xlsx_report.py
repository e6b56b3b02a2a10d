"""The XLSX report: a sheet of lines that can be filtered, and one of the run and its totals.

Every text is written as a text, never as a formula or a link, whatever it begins with; so it needs
no mark in front that a CSV needs.
"""

from __future__ import annotations

import errno
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO

from bulkagent.model import Line
from bulkagent.reports.columns import COLUMNS, fitted, header
from bulkagent.reports.head import Wanted, head_of
from bulkagent.reports.sanitize import printable
from bulkagent.reports.timestamps import iso

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
    from xlsxwriter.worksheet import Worksheet


MOST_ROWS = 1_048_575
"""The rows that a sheet can hold (Excel specifications and limits), but for its header."""

_LONGEST_TEXT = 32_767  # the same source

# Characters that XML 1.0 (production 2) does not have, and `printable` leaves as they are.
_NO_XML = re.compile("[\ufffe\uffff]")

_OPTIONS = {
    "constant_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}


def write_xlsx(
    out: BinaryIO,
    lines: Iterable[Line],
    extra_columns: Sequence[str],
    run: Mapping[str, object],
) -> int:
    """Write a workbook with a sheet `agents` and one `totals`; the number of lines written.

    Rows, attempts, HTTP status and latency are numbers, all else is text; what there is none of
    is an empty cell. A text longer than a cell takes is cut.

    Raises:
        ValueError: a line has more cells than the roster has columns.
        OSError: `out` cannot be written, or there are more lines than a sheet takes.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    sink = _Sink(out)
    book = Workbook(sink, _OPTIONS)
    try:
        bold = book.add_format({"bold": True})
        sheet = book.add_worksheet("agents")
        names = header(extra_columns, _text)
        for column, name in enumerate(names):
            sheet.write_string(0, column, name, bold)
        sheet.freeze_panes(1, 0)
        width = len(names) - len(COLUMNS)
        wanted = Wanted()
        written = 0
        for written, line in enumerate(lines, start=1):
            wanted.add(line)
            if written > MOST_ROWS:
                raise OSError(errno.EFBIG, f"a sheet takes {MOST_ROWS:,} rows; take .csv")
            _write_row(sheet, written, line, width)
        sheet.autofilter(0, 0, max(1, written), len(names) - 1)
        totals = book.add_worksheet("totals")
        for row, (name, value) in enumerate(_facts(run, wanted)):
            totals.write_string(row, 0, name, bold)
            _write(totals, row, 1, value)
    finally:
        # Also where it failed: its temporary files go with it.
        try:
            book.close()
        except FileCreateError as error:
            raise OSError(errno.EIO, str(error)) from None
    if sink.error is not None:
        raise sink.error
    return written


class _Sink(io.RawIOBase):
    """Writes on to a file until that takes no more, and then takes everything in its place.

    The code that packs the parts would go on writing while it is taken apart, and fail a second
    time where nobody can catch it.
    """

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out = out
        self._at = 0
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._out.seekable()

    def write(self, data: Buffer, /) -> int:
        size = memoryview(data).nbytes
        self._guarded(lambda: self._out.write(data))
        self._at += size
        return size

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if not self.seekable():  # a pipe: the packing of the parts then goes without
            raise io.UnsupportedOperation("seek")
        self._guarded(lambda: self._out.seek(offset, whence))
        self._at = self._out.tell() if self.error is None else offset
        return self._at

    def tell(self) -> int:
        return self._at

    def _guarded(self, do: Callable[[], object]) -> None:
        if self.error is None:
            try:
                do()
            except OSError as error:
                self.error = error


def _write_row(sheet: Worksheet, row: int, line: Line, width: int) -> None:
    extra = line.extra if len(line.extra) == width else fitted(line.extra, width)
    latency, sent, finished = line.latency_ms, line.first_sent_at, line.finished_at
    cells = (
        *(line.row, line.agent_id, line.gateway, line.flag, line.status.value),
        "" if line.cause is None else line.cause.value,
        *(line.retcode, line.message, line.http_status, line.attempts),
        None if latency is None else round(latency, 1),
        None if sent is None else iso(sent),
        None if finished is None else iso(finished),
        *extra,
    )
    for column, cell in enumerate(cells):
        _write(sheet, row, column, cell)


def _write(sheet: Worksheet, row: int, column: int, value: object) -> None:
    if isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, _text(str(value)))


def _text(text: str) -> str:
    safe = _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))
    return safe if len(safe) <= _LONGEST_TEXT else f"{safe[: _LONGEST_TEXT - 1]}…"


def _facts(run: Mapping[str, object], wanted: Wanted) -> Iterable[tuple[str, object]]:
    for name in ("run_id", "state", "exit_code", "roster", "created_at", "finished_at"):
        yield name, run.get(name)
    # What the page begins with; the whole path of the roster stands above.
    yield from ((fact.name, fact.text) for fact in head_of(run, wanted) if fact.name != "roster")
    for group in ("totals", "causes"):
        counts = run.get(group)
        if isinstance(counts, Mapping):
            yield from counts.items()
