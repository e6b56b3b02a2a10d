"""Verdicts on the rows that were set, from the queues of the gateway.

A verdict is of the row as it was set last: a row that is put in doubt loses it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from bulkagent.ledger.batches import outcome_batches
from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Verified


class AppliedRow(msgspec.Struct, frozen=True, gc=False):
    """A row that a leg has set."""

    row: int
    agent_id: str
    arguments: str


class VerificationCounts(msgspec.Struct, frozen=True):
    """The verdicts of a run, counted."""

    counts: Mapping[str, int]
    """By verdict, also those that no row has."""
    agents: tuple[str, ...] = ()
    """The first few agents whose queue shows the contrary of what was set."""

    @property
    def contradicted(self) -> int:
        """How many those are."""
        return self.counts[Verified.NO]


def applied_among(
    record: RunRecord, leg: int, gateway: str, agent_ids: Iterable[str]
) -> list[AppliedRow]:
    """The rows of some agents of a gateway that a leg has set."""
    wanted = msgspec.json.encode(sorted(agent_ids)).decode()
    rows = record.all(_APPLIED, leg, gateway, wanted)
    return [AppliedRow(*row) for row in rows]


def keep_verifications(record: RunRecord, leg: int, found: Mapping[int, Verified]) -> None:
    """Keep the verdicts of a leg: those found, and `not_visible` of all others that it has set.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    rows = sorted(found)
    for first, last in outcome_batches(record):
        among = rows[bisect_left(rows, first) : bisect_right(rows, last)]
        of_these = [(found[row].value, record.run, row) for row in among]
        record.database.write((_NOT_VISIBLE, [(record.run, leg, first, last)]), (_KEEP, of_these))


def verified_rows(record: RunRecord) -> Iterator[tuple[int, Verified]]:
    """Row and verdict of every row that has one, in roster order."""
    with read_as_written(record.database):
        for row, verified in record.query(_VERDICTS):
            yield row, Verified(verified)


def verification_counts(record: RunRecord) -> VerificationCounts | None:
    """The verdicts of a run, counted; None where no row has one."""
    with read_as_written(record.database):
        counted = record.all(_COUNT)
        counts = {verified.value: 0 for verified in Verified}
        counts |= {Verified(verified).value: count for verified, count in counted}
    if not counted:
        return None
    some = record.all(_CONTRADICTED)
    return VerificationCounts(counts, tuple(agent_id for (agent_id,) in some))


def row_of(record: RunRecord, gateway: str, agent_id: str) -> tuple[int, str] | None:
    """Row and arguments of an agent's assignment in a run; None where it has none."""
    rows = record.database.all(_ROW, (agent_id, record.run, gateway))
    return (rows[0][0], rows[0][1]) if rows else None


_APPLIED = """
SELECT a.row, a.agent_id, a.arguments
FROM json_each(?4) j CROSS JOIN assignments a ON a.agent_id = j.value AND a.run = ?1
JOIN outcomes o ON o.run = a.run AND o.row = a.row
WHERE a.gateway = ?3 AND a.lane IS NOT NULL AND o.leg = ?2 AND o.status = 'applied'
ORDER BY a.row
"""

_NOT_VISIBLE = """
INSERT OR REPLACE INTO verifications (run, row, verified)
SELECT run, row, 'not_visible' FROM outcomes
WHERE run = ? AND leg = ? AND status = 'applied' AND row BETWEEN ? AND ?
"""

_KEEP = "UPDATE verifications SET verified = ? WHERE run = ? AND row = ?"

_OF_APPLIED = """
FROM verifications v JOIN outcomes o ON o.run = v.run AND o.row = v.row
WHERE v.run = ? AND o.status = 'applied'
"""

_VERDICTS = f"SELECT v.row, v.verified {_OF_APPLIED} ORDER BY v.row"

_COUNT = f"SELECT v.verified, count(*) {_OF_APPLIED} GROUP BY v.verified"

_CONTRADICTED = """
SELECT a.agent_id
FROM verifications v JOIN outcomes o ON o.run = v.run AND o.row = v.row
JOIN assignments a ON a.run = v.run AND a.row = v.row
WHERE v.run = ? AND o.status = 'applied' AND v.verified = 'no' ORDER BY v.row LIMIT 3
"""

_ROW = """
SELECT row, arguments FROM assignments
WHERE agent_id = ? AND run = ? AND gateway = ? AND lane IS NOT NULL
"""
