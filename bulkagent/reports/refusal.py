"""The report of a command that was refused: that it was, why and when.

A reader that takes the file for a report finds no row in it: not one of a run of yesterday, either.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from bulkagent.files.atomic_file import replacing
from bulkagent.files.special_files import FileKind, target_of
from bulkagent.model import Status
from bulkagent.reports.columns import COLUMNS
from bulkagent.reports.csv_cell import cell
from bulkagent.reports.head import span
from bulkagent.reports.html import refused_page
from bulkagent.reports.json_report import encoded
from bulkagent.reports.sanitize import printable
from bulkagent.reports.timestamps import iso


class RefusedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that sent nothing."""

    error: str
    """Why, for people."""
    exit_code: int
    at_ms: int
    """Time of day."""
    command: str
    """`apply`, `resume` or `revert`."""


NOTHING_SENT = (
    "Nothing was sent. The report that was here before is in the ledger: bulkagent runs, and"
    " bulkagent report RUN --to PATH"
)


def write_refused(path: Path, refusal: RefusedCommand) -> None:
    """Replace a report by one that says so, in the format of the path's suffix.

    Raises:
        OSError: It cannot be written.
        ValueError: The path has a NUL.
        KeyError: No format has that suffix.
    """
    write = _WRITERS[path.suffix.lower()]
    with replacing(path) as out:
        write(out, refusal)


def is_report(path: Path) -> bool:
    """Whether a report may be written there: nothing is there, or what looks like a report.

    So a roster whose path was given for a report by mistake is never written over.
    """
    try:
        target = target_of(path)
        if target.kind is not FileKind.ORDINARY:
            return True
        with target.path.open("rb") as file:
            begin = file.read(4_096)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
    looks = _LOOKS.get(path.suffix.lower(), ())
    return not begin or begin.startswith(looks) or b"<title>bulkagent " in begin


def _facts(refusal: RefusedCommand) -> dict[str, object]:
    return {
        "run_id": None,
        "state": "refused",
        "exit_code": refusal.exit_code,
        "refused_at": iso(refusal.at_ms),
        "error": refusal.error,
        "command": refusal.command,
        "rows": 0,
        "totals": {status.value: 0 for status in Status},
        "note": NOTHING_SENT,
    }


def _words(refusal: RefusedCommand) -> tuple[str, ...]:
    return ("REFUSED", iso(refusal.at_ms), f"exit {refusal.exit_code}", refusal.error, NOTHING_SENT)


def _write_csv(out: BinaryIO, refusal: RefusedCommand) -> None:
    # One line: a reader of columns by their names finds none of them, and no row.
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(map(cell, _words(refusal)))
    out.write(text.getvalue().encode())


def _write_json(out: BinaryIO, refusal: RefusedCommand) -> None:
    out.write(b'{"run":' + encoded(_facts(refusal)) + b',"lines":[]}\n')


def _write_jsonl(out: BinaryIO, refusal: RefusedCommand) -> None:
    out.write(encoded(_facts(refusal)) + b"\n")


def _write_html(out: BinaryIO, refusal: RefusedCommand) -> None:
    word, at, code, why, note = _words(refusal)
    page = refused_page(refusal.command, word, why, f"{span(at, None)}, {at}, {code}", note)
    out.write(page.encode("utf-8", "backslashreplace"))


def _write_xlsx(out: BinaryIO, refusal: RefusedCommand) -> None:
    from xlsxwriter import Workbook

    held = io.BytesIO()
    book = Workbook(held, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet("REFUSED")
    for row, text in enumerate(_words(refusal)):
        sheet.write_string(row, 0, printable(text)[:32_000])
    book.close()
    out.write(held.getvalue())


_WRITERS: Mapping[str, Callable[[BinaryIO, RefusedCommand], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".jsonl": _write_jsonl,
    ".html": _write_html,
    ".xlsx": _write_xlsx,
}

_LOOKS: Mapping[str, tuple[bytes, ...]] = {
    ".csv": (",".join(COLUMNS).encode(), b"REFUSED,"),
    ".json": (b'{"run":{"run_id":',),
    ".jsonl": (b'{"row":', b'{"run_id":null,"state":"refused"'),
    ".xlsx": (b"PK",),
}
