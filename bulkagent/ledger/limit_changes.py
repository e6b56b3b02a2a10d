"""The limit and the breaker of each gateway of a run over time."""

from __future__ import annotations

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.run_record import RunRecord


class LimitChange(msgspec.Struct, frozen=True):
    """The limit and the breaker of a gateway from a moment on."""

    gateway: str
    leg: int
    at: int
    """Time of day."""
    concurrency: int
    """Requests at once that its breaker, where it is closed, lets through."""
    breaker: str
    """`closed`, `open` or `half-open`."""


def limit_changes_of(record: RunRecord) -> tuple[LimitChange, ...]:
    """The limits and breakers of a run's gateways, in the order in which they changed.

    Raises:
        LedgerUnavailable: The ledger is damaged.
    """
    with read_as_written(record.database):
        return tuple(
            msgspec.convert(dict(zip(LimitChange.__struct_fields__, row, strict=True)), LimitChange)
            for row in record.all(_LIMIT_CHANGES)
        )


_LIMIT_CHANGES = """
SELECT gateway, leg, at, concurrency, breaker FROM limit_changes WHERE run = ? ORDER BY rowid
"""
