"""The page as a file: lines to a data block and to figures, and what stands around it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

import msgspec

from bulkagent.model import Line
from bulkagent.reports.columns import COLUMNS, fitted, header
from bulkagent.reports.head import Wanted
from bulkagent.reports.html.figures import Figures
from bulkagent.reports.html.page import DATA, page
from bulkagent.reports.html.safe import harmless
from bulkagent.reports.sanitize import printable
from bulkagent.reports.timestamps import iso

# So much of the table's data is held in memory before it goes to a file of its own.
_IN_MEMORY = 128 << 10

_AT_ONCE = 64
"""Rows that are looked through and written together."""


def write_html(
    out: BinaryIO,
    lines: Iterable[Line],
    extra_columns: Sequence[str],
    run: Mapping[str, object],
) -> int:
    """Write the page; the number of lines written.

    Raises:
        ValueError: a line has more cells than the roster has columns.
        OSError: `out`, or a temporary file, cannot be written.
    """
    figures, wanted = Figures(), Wanted()
    names = header(extra_columns, printable)
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as data:
        written = 0
        between = b""
        rows = _rows(lines, len(names) - len(COLUMNS), figures, wanted)
        while some := list(itertools.islice(rows, _AT_ONCE)):
            data.write(between + harmless(b",\n".join(some)))
            between = b",\n"
            written += len(some)
        data.seek(0)
        before, after = page(names, figures, wanted, run).split(DATA)
        out.write(before.encode("utf-8", "backslashreplace"))
        shutil.copyfileobj(data, out)
        out.write(after.encode("utf-8", "backslashreplace"))
    return written


def _rows(lines: Iterable[Line], width: int, figures: Figures, wanted: Wanted) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    for line in lines:
        figures.add(line)
        wanted.add(line)
        extra = line.extra if len(line.extra) == width else fitted(line.extra, width)
        cells = (
            line.row,
            line.agent_id,
            line.gateway,
            line.flag,
            line.status,
            line.cause or "",
            line.retcode,
            line.message,
            line.http_status,
            line.attempts,
            None if line.latency_ms is None else round(line.latency_ms, 1),
            None if line.first_sent_at is None else iso(line.first_sent_at),
            None if line.finished_at is None else iso(line.finished_at),
            *extra,
        )
        shown = [printable(cell) if type(cell) is str else cell for cell in cells]
        yield encode(shown)
