"""The rows of a run in batches, each of which is one transaction that others need not wait for.

A batch goes by the rows that are there and never by their numbers: a ledger may come from anywhere,
and one number near 2**63 would keep a loop over numbers busy for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from bulkagent.ledger.run_record import RunRecord

# Another run's commits wait for such a transaction a few hundredths of a second.
_BATCH = 4_000
_BEFORE_ALL = -(2**63)


def outcome_batches(record: RunRecord) -> Iterator[tuple[int, int]]:
    """First and last row of each few thousand outcomes of a run, in order.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    after = _BEFORE_ALL
    while True:
        ((first, last),) = record.all(_NEXT, after, _BATCH)
        if first is None:
            return
        yield first, last
        after = last


_NEXT = """
SELECT min(row), max(row) FROM (
    SELECT row FROM outcomes WHERE run = ? AND row > ? ORDER BY row LIMIT ?
)
"""
