"""The roster as others use it: opened, its layout known, its rows read once."""

from __future__ import annotations

import csv
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from bulkagent.errors import RosterRefused
from bulkagent.roster.batch import BatchReader
from bulkagent.roster.cells import BLANKS
from bulkagent.roster.columns import ABSENT, Columns, agent_candidates, find_columns
from bulkagent.roster.csv_records import CsvRecords, csv_sentence, records_of
from bulkagent.roster.layout import DETECTED, Layout, delimiter_named
from bulkagent.roster.row import Retraction, RosterRow
from bulkagent.roster.rules import RosterRules
from bulkagent.roster.sanitize import shown
from bulkagent.roster.secret_columns import SecretColumns
from bulkagent.roster.text_lines import TextLines
from bulkagent.roster.xlsx_lines import XlsxLines, is_workbook

STANDARD_INPUT = "-"

# A header longer than this is no header, and each guess at a delimiter reads it once more.
LONGEST_HEADER = 1 << 16

# Excel takes the delimiter from such a first line, and some programs write one for it.
_SEP_LINE = re.compile(r'sep=(?P<bare>.*)|"sep=(?P<quoted>.*)"', re.IGNORECASE)

_LONGEST_PATH_SHOWN = 200

_OPENING = (
    (FileNotFoundError, "there is no file {name}{unsent}; check the path"),
    (IsADirectoryError, "{name} is a directory{unsent}; name the CSV file in it"),
    (
        PermissionError,
        "{name} may not be read by this user{unsent}; change its permissions or copy it",
    ),
)


class Roster:
    """A roster, opened: its layout is known, its rows can be read once.

    Use it as a context manager, which closes the file. Memory does not grow with the rows.

    Args:
        path: a CSV file, a workbook (.xlsx), or `-` for standard input.
        rules: how to read it.
        stdin: takes the place of the process's standard input; it is not closed.
        secret: names of columns whose cells are kept apart; see `SecretColumns`.

    Raises:
        RosterRefused: the file cannot be read, or its layout leaves something open.
    """

    layout: Layout
    secret: SecretColumns

    def __init__(
        self,
        path: str | os.PathLike[str],
        rules: RosterRules,
        *,
        stdin: BinaryIO | None = None,
        secret: Collection[str] = (),
    ) -> None:
        delimiter = None if rules.delimiter is None else delimiter_named(rules.delimiter)
        self._stream, self._name, self._owned = _open(path, stdin, sends=rules.sends)
        book = self._stream if isinstance(self._stream, XlsxLines) else None
        if book is not None:
            delimiter, rules = ",", msgspec.structs.replace(rules, encoding=None)
        try:
            lines = TextLines(self._stream, self._name, rules.encoding)
            opening = _Opening(lines, delimiter, rules)
            _require_sources(opening.columns, rules)
            self.secret = SecretColumns(opening.records, opening.columns, secret)
        except BaseException:
            self.close()
            raise
        self.layout = _layout(opening.columns, lines.encoding, opening.delimiter, book)
        self._batches = BatchReader(opening.columns, rules)
        self._records: CsvRecords | None = self.secret if secret else opening.records

    def __repr__(self) -> str:
        read = "being read" if self._records is None else "not read yet"
        return f"<Roster {self._name}: {self.layout.describe()}; {read}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._owned:
            self._stream.close()

    def rows(self) -> Iterator[RosterRow | Retraction]:
        """Every row in the order of the file, once.

        A row already given that a later one contradicts is taken back by a `Retraction`,
        right before the later row. Lines that hold nothing but delimiters are not rows.

        Raises:
            RosterRefused: while iterating, where the file cannot be read on; at its end, if
                there was no row.
            RuntimeError: the rows were asked for before.
        """
        records, self._records = self._records, None
        if records is None:
            raise RuntimeError("the rows of a roster can be read once; open it again")
        return self._batches.rows(records)


class _Opening:
    """The lines before the first row: the layout, the columns, and the records that follow."""

    delimiter: str
    columns: Columns
    records: CsvRecords

    def __init__(self, lines: Iterable[str], delimiter: str | None, rules: RosterRules) -> None:
        self._more = iter(lines)
        self._taken: list[str] = []
        self._size = 0
        self._agent_column = rules.agent_column
        told = _SEP_LINE.fullmatch(next(self._lines(), "").rstrip("\r\n"))
        self._lines_told = 0 if told is None else 1
        if delimiter is None and told is not None:
            delimiter = delimiter_named(told["bare"] or told["quoted"] or "")
        self.delimiter = delimiter or self._detected()
        try:
            first, begin, end = self._first(self.delimiter)
        except csv.Error as error:
            # The header's own first line is not known; the quote is on it or below.
            raise RosterRefused(csv_sentence(self._lines_told + 1, error)) from None
        self.columns = find_columns(first, begin, rules)
        # From here on lines are neither kept nor counted, and go to the reader without a detour.
        self.records = records_of(chain(self._taken, self._more), self.delimiter)
        while self.records.line_num < (end if self.columns.has_header else self._lines_told):
            next(self.records)

    def _detected(self) -> str:
        """The delimiter under which the header has an agent column and the most columns."""

        def promise(delimiter: str) -> tuple[bool, int]:
            try:
                first, _, _ = self._first(delimiter)
            except csv.Error:
                return False, 0
            return bool(agent_candidates(first, self._agent_column)), len(first)

        # Of equals, max takes the first: a comma.
        return max(DETECTED, key=promise)

    def _first(self, delimiter: str) -> tuple[list[str], int, int]:
        """The first record that is not blank, and the lines on which it begins and ends."""
        records = records_of(self._lines(), delimiter)
        begin = 1
        for record in records:
            cells = [cell.strip(BLANKS) for cell in record]
            if any(cells) and begin > self._lines_told:
                return cells, begin, records.line_num
            begin = records.line_num + 1
        raise RosterRefused("the roster is empty; give a header line and one line for each agent")

    def _lines(self) -> Iterator[str]:
        """The lines from the first on, however often they were asked for before."""
        yield from self._taken
        for line in self._more:
            self._taken.append(line)
            self._size += len(line)
            if self._size > LONGEST_HEADER:
                raise RosterRefused(
                    f"line {len(self._taken)} is still no whole header after "
                    f"{LONGEST_HEADER:,} characters; is this a CSV file, and is a quote left open?"
                )
            yield line


def _open(
    path: str | os.PathLike[str], stdin: BinaryIO | None, *, sends: bool
) -> tuple[BinaryIO | XlsxLines, str, bool]:
    """The stream, its name for messages, and whether closing it is the roster's business."""
    if os.fspath(path) == STANDARD_INPUT:
        stream = stdin or (None if sys.stdin is None else sys.stdin.buffer)
        if stream is None:
            raise RosterRefused("standard input is closed; name a file, or pipe the roster in")
        return stream, "standard input", False
    name = f"'{shown(os.fspath(path), longest=_LONGEST_PATH_SHOWN)}'"
    try:
        stream = open(path, "rb")  # noqa: PTH123, SIM115 - the roster closes it
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        sentence = next(
            (text for kind, text in _OPENING if isinstance(error, kind)),
            f"{{name}} cannot be opened ({shown(said)}){{unsent}}; check the path",
        )
        unsent = ", so nothing was sent" if sends else ""
        raise RosterRefused(sentence.format(name=name, unsent=unsent)) from None
    if not is_workbook(os.fspath(path)):
        return stream, name, True
    try:
        return XlsxLines(stream, name), name, True
    except BaseException:
        stream.close()
        raise


def _require_sources(columns: Columns, rules: RosterRules) -> None:
    """Refuse a roster that lacks, or has twice, what every request needs."""
    has_flag = columns.flag != ABSENT
    if has_flag and rules.flag is not None:
        raise RosterRefused(
            f"the roster has a column '{columns.name(columns.flag)}' and --flag was given too;"
            " leave out one of them"
        )
    if not has_flag and rules.flag is None and rules.require_flag:
        raise RosterRefused(
            "nothing says which flag to set; give --flag 1 or --flag 0, or add a flag column"
        )
    if columns.guid == ABSENT and rules.guid_required:
        raise RosterRefused(
            "the roster has no guid column, and nothing else supplies GUIDs; add a guid column, "
            "or give --sessions FILE or --guid-url URL"
        )


def _layout(columns: Columns, encoding: str, delimiter: str, book: XlsxLines | None) -> Layout:
    return Layout(
        encoding=encoding,
        delimiter=delimiter,
        has_header=columns.has_header,
        agent_column=columns.names[columns.agent] if columns.has_header else "",
        has_flag=columns.flag != ABSENT,
        has_guid=columns.guid != ABSENT,
        has_gateway=columns.gateway != ABSENT,
        extra_columns=columns.kept_names,
        sheet=book.sheet if book is not None else "",
        sheets=book.sheets if book is not None else 0,
    )
