"""The JSON reports for programs: one object for each roster row.

Text is the roster's and the gateway's own, to the letter, once a reader has parsed it. In the
file itself every character that a terminal would obey is a JSON escape, so that a report can
be looked at with `cat`, and a `.jsonl` has one line per object for every kind of line reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

import msgspec

from bulkagent.model import Line
from bulkagent.reports.columns import COLUMNS, fitted, header
from bulkagent.reports.sanitize import OBEYED
from bulkagent.reports.timestamps import iso
from bulkagent.text.undecodable import encodable, encodable_values

# Facts of a run may hold paths and the like, which read best as their text.
_ENCODER = msgspec.json.Encoder(enc_hook=str)

_DELETE = b"\x7f"  # the one ASCII control character that JSON lets stand


def write_json(
    out: BinaryIO,
    lines: Iterable[Line],
    extra_columns: Sequence[str],
    run: Mapping[str, object],
) -> int:
    """Write one object, `{"run": {...}, "lines": [...]}`; the number of lines written.

    The file has one line object on each line of its own, and lines are never held back.

    Raises:
        ValueError: a line has more cells than the roster has columns.
        OSError: `out` cannot be written.
    """
    out.write(b'{"run":' + encoded(dict(run)) + b',"lines":[')
    written = 0
    between = b"\n"
    for line in _objects(lines, extra_columns):
        written += 1
        out.write(between + line)
        between = b",\n"
    out.write(b"\n]}\n")
    return written


def write_jsonl(
    out: BinaryIO,
    lines: Iterable[Line],
    extra_columns: Sequence[str],
    _run: Mapping[str, object],
) -> int:
    """Write one line object per line and nothing else; the number of lines written.

    Raises:
        ValueError: a line has more cells than the roster has columns.
        OSError: `out` cannot be written.
    """
    written = 0
    for line in _objects(lines, extra_columns):
        written += 1
        out.write(line + b"\n")
    return written


def _objects(lines: Iterable[Line], extra_columns: Sequence[str]) -> Iterator[bytes]:
    """Each line as an object; what there is none of, an empty text too, is null."""
    names = header(extra_columns, encodable)
    width = len(names) - len(COLUMNS)
    for line in lines:
        extra = line.extra
        if len(extra) != width:
            extra = fitted(extra, width)
        values = (*_values(line), *(text or None for text in extra))
        yield encoded(dict(zip(names, values, strict=True)))


def event_of(line: Line, run_id: str) -> bytes:
    """A line as an object of its own: with the run's ID, without what only the ledger knows.

    That is when its first request was marked, and the roster's own columns.
    """
    facts = dict(zip(COLUMNS, _values(line), strict=True))
    del facts["first_sent_at"]
    return encoded({"run_id": run_id, **facts})


def _values(line: Line) -> tuple[object, ...]:
    latency, sent, finished = line.latency_ms, line.first_sent_at, line.finished_at
    return (
        line.row,
        line.agent_id or None,
        line.gateway or None,
        line.flag or None,
        line.status,
        line.cause,
        line.retcode or None,
        line.message or None,
        line.http_status,
        line.attempts,
        # Rounded so that every format has the same fact, not only nearly the same.
        None if latency is None else round(latency, 1),
        None if sent is None else iso(sent),
        None if finished is None else iso(finished),
    )


def encoded(value: object) -> bytes:
    """A value as one line of JSON, in which no character is raw that would be obeyed."""
    try:
        data = _ENCODER.encode(value)
    except UnicodeEncodeError:
        data = _ENCODER.encode(encodable_values(msgspec.to_builtins(value, enc_hook=str)))
    # The cheap tests settle nearly every line; the search costs more than the encoding did.
    if data.isascii() and _DELETE not in data:
        return data
    text = data.decode()
    return data if text.isprintable() else OBEYED.sub(_json_escape, text).encode()


def _json_escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
