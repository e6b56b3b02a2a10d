"""The CSV report for spreadsheets: one physical line for each roster row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import BinaryIO

from msgspec.structs import astuple

from bulkagent.model import Line
from bulkagent.reports.columns import COLUMNS, fitted, header
from bulkagent.reports.csv_cell import cell
from bulkagent.reports.timestamps import iso


def write_csv(
    out: BinaryIO,
    lines: Iterable[Line],
    extra_columns: Sequence[str],
    _run: Mapping[str, object],
) -> int:
    r"""Write a header and the lines; the number of lines written.

    UTF-8 without a byte order mark, lines end in `\n`, RFC 4180 quoting. What there is none of
    is an empty cell. Facts of the run have no place in a table and are left out.

    Raises:
        ValueError: a line has more cells than the roster has columns.
        OSError: `out` cannot be written.
    """
    text = io.TextIOWrapper(out, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text, lineterminator="\n")
        names = header(extra_columns, cell)
        writer.writerow(names)
        width = len(names) - len(COLUMNS)
        write_row = writer.writerow
        written = 0
        # This loop is what a report of a million rows costs. Status and cause are words of our
        # own and skip `cell`; a retcode is the gateway's word and does not.
        for line in lines:
            written += 1
            # At once: thirteen attributes cost as much as a third of the writing.
            (
                row,
                agent_id,
                gateway,
                flag,
                status,
                cause,
                retcode,
                message,
                http_status,
                attempts,
                latency_ms,
                first_sent_at,
                finished_at,
                extra,
            ) = astuple(line)
            if len(extra) != width:
                extra = fitted(extra, width)
            write_row(
                (
                    row,
                    agent_id if agent_id.isalnum() else cell(agent_id),
                    cell(gateway),
                    cell(flag),
                    status,
                    cause,
                    cell(retcode),
                    cell(message),
                    http_status,
                    attempts,
                    None if latency_ms is None else f"{latency_ms:.1f}",
                    None if first_sent_at is None else iso(first_sent_at),
                    None if finished_at is None else iso(finished_at),
                    *map(cell, extra),
                )
            )
        return written
    finally:
        # The caller still has to sync the file below, which a closed wrapper would close.
        text.detach()
