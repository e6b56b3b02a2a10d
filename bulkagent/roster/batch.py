"""All records of a roster to rows, many at once where nothing is unusual.

Judging every record by itself gives the same rows, ten times slower. So a batch is looked
at column by column, in loops that run in C, and halved until an odd record stands alone.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, islice, repeat
from operator import or_
from typing import Annotated

import msgspec

from bulkagent.errors import RosterRefused
from bulkagent.roster.cells import FLAGS, guid_defect, guid_value
from bulkagent.roster.columns import ABSENT, Columns
from bulkagent.roster.csv_records import CsvRecords, csv_sentence, lines_of
from bulkagent.roster.duplicates import LINE_SHIFT, Duplicates
from bulkagent.roster.id_ranges import IdRanges
from bulkagent.roster.row import Retraction, RosterRow
from bulkagent.roster.rules import RosterRules
from bulkagent.roster.validation import RowValidator, kept_cell

_Judged = Sequence[RosterRow | Retraction]

# Halving it stays cheap, and a record of one column or twenty fits the cache this many times.
BATCH = 256


class BatchReader:
    """Goes over the records of one roster, once.

    Args:
        columns: where the cells of each meaning are.
        rules: the allowed values, and the defaults of empty or missing cells.
    """

    def __init__(self, columns: Columns, rules: RosterRules) -> None:
        self._columns = columns
        self._rules = rules
        self._duplicates = Duplicates(rules.default_gateway)
        self._ranges = IdRanges(rules)
        low, high = self._ranges.widest
        self._in_range = msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=low, le=high)]])
        self._validator = RowValidator(columns, rules, self._ranges, self._duplicates)

    def rows(self, records: CsvRecords) -> Iterator[RosterRow | Retraction]:
        """Every record as one row, and before a contradicting row the retraction of the first.

        Raises:
            RosterRefused: the text is not CSV, has too many gateways, or has no row at all.
        """
        row = records.line_num + 1
        empty = True
        failure: csv.Error | None = None
        while failure is None:
            batch: list[list[str]] = []
            try:
                batch.extend(islice(records, BATCH))
            except csv.Error as error:
                # The records before the error are in the batch already and get their rows.
                failure = error
            if not batch:
                break
            one_line_each = records.line_num - row + 1 == len(batch)
            look = self._halving if one_line_each else self._one_by_one
            for judged in look(batch, row):
                empty = empty and not judged
                yield from judged
            row += len(batch) if one_line_each else sum(map(lines_of, batch))
        if failure is not None:
            raise RosterRefused(csv_sentence(row, failure))
        if empty:
            raise RosterRefused("the roster has no row; add one line for each agent")

    def _one_by_one(self, batch: Sequence[list[str]], row: int) -> Iterator[_Judged]:
        for record in batch:
            yield self._validator.validate(record, row)
            row += lines_of(record)

    def _halving(self, batch: Sequence[list[str]], row: int) -> Iterator[_Judged]:
        """Like `_one_by_one`, for records of one line each."""
        todo = [batch]
        while todo:
            part = todo.pop()
            clear = self._clear(part, row)
            yield clear
            row += len(clear)
            rest = part[len(clear) :]
            if rest and (clear or len(rest) == 1):
                yield self._validator.validate(rest[0], row)
                row += 1
                rest = rest[1:]
            if len(rest) == len(part):
                middle = len(rest) // 2
                todo += (rest[middle:], rest[:middle])
            elif rest:
                todo.append(rest)

    def _clear(self, batch: Sequence[list[str]], row: int) -> Sequence[RosterRow]:
        """The rows, now remembered, up to the first record of an agent named before.

        Nothing may pass that the validator would not let pass unchanged; any doubt about any
        record gives no row at all.
        """
        columns, rules = self._columns, self._rules
        try:
            cells = list(zip(*batch, strict=True))
            # Cells that no record has are empty.
            cells += [("",) * len(batch)] * (len(columns.names) - len(cells))
            agents = cells[columns.agent]
            numbers = self._numbers(agents)
            flags = self._flags(cells, len(batch))
            guids = self._guids(cells, len(batch))
        except (LookupError, ValueError, msgspec.MsgspecError):
            return ()
        if any(map(any, cells[len(columns.names) :])):
            return ()
        named = cells[columns.gateway] if columns.gateway != ABSENT else ("",) * len(batch)
        if not self._ranges.hold(named, numbers):
            return ()
        gateways = named
        if "" in named:
            gateways = tuple(name or rules.default_gateway for name in named)
        extras = zip(*(map(kept_cell, cells[at]) for at in columns.kept), strict=True)
        rows = map(
            RosterRow,
            count(row),
            agents,
            gateways,
            flags,
            repeat(None),
            repeat(""),
            repeat(""),
            guids,
            extras if columns.kept else repeat(()),
        )
        bits = flags if flags[0] is not None else repeat(0)
        marks = map(or_, count(row << LINE_SHIFT, 1 << LINE_SHIFT), bits)
        return list(islice(rows, self._remembered(named, numbers, marks) - row))

    def _numbers(self, agents: Sequence[str]) -> Sequence[int]:
        """The agents' numbers; ValueError or msgspec's error if one may be no agent ID."""
        # The integers of JSON are what agent IDs are, without sign or leading zero; what it
        # takes besides, blanks and fractions, is not digits, and a comma makes one more.
        joined = ",".join(agents)
        digits = joined.replace(",", "")
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError
        numbers = self._in_range.decode(f"[{joined}]")
        if len(numbers) != len(agents):
            raise ValueError
        return numbers

    def _flags(self, cells: Sequence[Sequence[str]], size: int) -> Sequence[int | None]:
        if self._columns.flag == ABSENT:
            return (self._rules.flag,) * size
        return list(map(FLAGS.__getitem__, cells[self._columns.flag]))

    def _guids(self, cells: Sequence[Sequence[str]], size: int) -> Sequence[str]:
        """The GUIDs; ValueError if one of them may be no GUID."""
        if self._columns.guid == ABSENT:
            return ("",) * size
        column = cells[self._columns.guid]
        if any(
            guid_defect(cell, required=self._rules.guid_required is not False) for cell in column
        ):
            raise ValueError
        return [guid_value(cell) for cell in column]

    def _remembered(
        self, named: Iterable[str], numbers: Iterable[int], marks: Iterable[int]
    ) -> int:
        """Remember agents that are new, up to the first that is not; the line after the last."""
        memories = self._duplicates.by_cell
        mark = 0
        try:
            for cell, number, mark in zip(named, numbers, marks, strict=False):
                memory = memories[cell]
                if memory[number]:
                    break
                memory[number] = mark
            else:
                return (mark >> LINE_SHIFT) + 1
        except LookupError:
            # The first of its gateway, or beyond what was remembered: the validator makes room.
            pass
        return mark >> LINE_SHIFT
