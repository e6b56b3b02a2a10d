"""Lines of text to records of cells, by the csv module, strictly."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from bulkagent.roster.sanitize import shown

_SENTENCES = (
    (
        "field larger",
        "has a cell longer than {limit:,} characters; most often a quote there is never closed",
    ),
    ("unexpected end", "has a quote that is never closed; close it, or export the roster again"),
    (
        "expected after",
        "has text after a closing quote; write a quote inside a cell twice, or export again",
    ),
)


class CsvRecords(Protocol):
    """A reader of the csv module: records of cells, and how many lines it took so far."""

    @property
    def line_num(self) -> int:
        """The number of the last line of the last record."""

    def __iter__(self) -> Iterator[list[str]]: ...
    def __next__(self) -> list[str]: ...


def records_of(lines: Iterable[str], delimiter: str) -> CsvRecords:
    """The records of these lines; a blank line is an empty record."""
    # Strict, because the lenient reader makes one cell of all lines below an open quote.
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)


def lines_of(record: Sequence[str]) -> int:
    """How many lines the record takes in the file: line ends in it can only have been quoted."""
    return 1 + sum(
        cell.count("\n") + cell.count("\r") - cell.count("\r\n")
        for cell in record
        if "\n" in cell or "\r" in cell
    )


def csv_sentence(line: int, error: csv.Error) -> str:
    """The sentence for an error of the csv module in the record that begins on this line."""
    said = str(error)
    text = next((text for part, text in _SENTENCES if part in said), None)
    if text is None:
        return f"line {line} cannot be cut into cells: {shown(said, longest=80)}"
    return f"line {line} " + text.format(limit=csv.field_size_limit())
