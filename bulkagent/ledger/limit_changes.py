"""What each gateway of a run was granted over time.

What may live here: reading it. What this room must not know: who grants it and why, and how it
is drawn.
"""

from __future__ import annotations

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.run_record import RunRecord

__all__ = ["Pulse", "pulses_of"]


class Pulse(msgspec.Struct, frozen=True):
    """What a gateway was granted from a moment on."""

    gateway: str
    leg: int
    at: int
    """Time of day."""
    concurrency: int
    """Requests at once that its breaker, where it is closed, lets through."""
    breaker: str
    """`closed`, `open` or `half-open`."""


def pulses_of(record: RunRecord) -> tuple[Pulse, ...]:
    """What a run's gateways were granted, in the order in which it changed.

    Raises:
        LedgerUnavailable: The ledger is damaged.
    """
    with read_as_written(record.database):
        return tuple(
            msgspec.convert(dict(zip(Pulse.__struct_fields__, row, strict=True)), Pulse)
            for row in record.all(_PULSES)
        )


_PULSES = """
SELECT gateway, leg, at, concurrency, breaker FROM limit_changes WHERE run = ? ORDER BY rowid
"""
