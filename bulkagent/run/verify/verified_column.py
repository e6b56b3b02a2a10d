"""The column `verified` of the reports of runs that verify.

It goes in front of the roster's own columns, in the way in which they go, so that every format has
it by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from bulkagent.ledger import Database, RunFacts, RunRecord, verification_counts, verified_rows
from bulkagent.model import Line, Verified

COLUMN = "verified"


class VerifiedColumn(msgspec.Struct, frozen=True):
    """What the reports of one run show of its verification."""

    facts: Mapping[str, Mapping[str, int]] = {}
    """Of the run as a whole, by name; none: the run does not verify."""
    by_row: Iterable[tuple[int, Verified]] = ()
    """Row and verdict, in roster order; read once."""

    def columns(self, extra: Sequence[str]) -> Sequence[str]:
        """The columns after the report's own; one of the roster's of the same name gets another."""
        if not self.facts:
            return extra
        return (COLUMN, *(f"roster_{name}" if name == COLUMN else name for name in extra))

    def lines(self, lines: Iterator[Line]) -> Iterator[Line]:
        """The lines with what was seen of each."""
        return self._with_verdicts(lines) if self.facts else lines

    def _with_verdicts(self, lines: Iterator[Line]) -> Iterator[Line]:
        found = iter(self.by_row)
        row, verified = next(found, _NONE)
        for line in lines:
            said = ""
            if line.row == row:
                said = verified
                row, verified = next(found, _NONE)
            yield msgspec.structs.replace(line, extra=(said, *line.extra))


_NONE = (0, "")


def verified_column(database: Database, facts: RunFacts) -> VerifiedColumn:
    """What the reports of a run show; nothing where it was never to be verified."""
    record = RunRecord(database, facts.run)
    counted = verification_counts(record)
    if counted is None and not facts.settings.get("verify_with"):
        return VerifiedColumn()
    counts = counted.counts if counted else {verified.value: 0 for verified in Verified}
    return VerifiedColumn({COLUMN: counts}, verified_rows(record))
