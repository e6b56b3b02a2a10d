"""Errors for a ledger with values that bulkagent does not write."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import msgspec

from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger.database import Database
from bulkagent.ledger.run_record import RunRecord


@contextlib.contextmanager
def read_as_written(database: Database) -> Iterator[None]:
    """Explain a value that is none of those which are ever written.

    Raises:
        LedgerUnavailable: There is one.
    """
    try:
        yield
    except (KeyError, ValueError, msgspec.MsgspecError):
        raise LedgerUnavailable(
            f"the ledger {database.path} has content that bulkagent does not write. It is damaged,"
            " or another program wrote to it; give another path with --ledger"
        ) from None


def strange_row(record: RunRecord, arguments: Sequence[str]) -> int | None:
    """An assignment of a run that no plan could have made; None where there is none.

    Args:
        record: The run.
        arguments: What an operation may be given.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    allowed = msgspec.json.encode(arguments).decode()
    found = record.all(_STRANGE, allowed)
    return int(found[0][0]) if found else None


# An agent ID goes into a path as it stands. A length in bytes, for in text SQLite ends at a NUL.
_STRANGE = """
SELECT a.row FROM assignments a
LEFT JOIN lanes l ON l.run = a.run AND l.lane = a.lane
LEFT JOIN endpoints e ON e.run = a.run AND e.gateway = a.gateway
WHERE a.run = ?1 AND a.lane IS NOT NULL AND (
    l.gateway IS NOT a.gateway OR e.url IS NULL
    OR a.agent_id GLOB '*[^0-9]*' OR length(a.agent_id) NOT BETWEEN 1 AND 6
    OR length(a.agent_id) <> length(CAST(a.agent_id AS BLOB))
    OR a.arguments NOT IN (SELECT value FROM json_each(?2))
) LIMIT 1
"""


def refuse_strange_values(record: RunRecord) -> None:
    """Refuse a run with numbers that no clock, gateway or command could have given.

    Raises:
        LedgerUnavailable: It has one, or the ledger cannot be read.
    """
    with read_as_written(record.database):
        ((strange,),) = record.all(_STRANGE_VALUES)
        if strange:
            raise ValueError


# Times are of the years up to 9999, which is where calendars end.
_STRANGE_VALUES = """
SELECT EXISTS (
    SELECT 1 FROM outcomes WHERE run = ?1 AND NOT (
        first_sent_at BETWEEN 0 AND 253402300799999 AND sent_at BETWEEN 0 AND 253402300799999
        AND coalesce(finished_at, 0) BETWEEN 0 AND 253402300799999
        AND attempts BETWEEN 0 AND 1000000000 AND not_sent BETWEEN 0 AND 1000000000
        AND coalesce(latency_ms, 0) BETWEEN 0 AND 1e12
        AND coalesce(http_status, 0) BETWEEN 0 AND 999 AND leg BETWEEN -1000000 AND 1000000
    )
) OR EXISTS (
    SELECT 1 FROM attempts WHERE run = ?1 AND NOT (
        sent_at BETWEEN 0 AND 253402300799999 AND latency_ms BETWEEN 0 AND 1e12
        AND http_status BETWEEN 0 AND 999
    )
) OR EXISTS (
    SELECT 1 FROM legs WHERE run = ?1 AND NOT (
        started_at BETWEEN 0 AND 253402300799999
        AND coalesce(finished_at, 0) BETWEEN 0 AND 253402300799999
        AND coalesce(exit_code, 0) BETWEEN 0 AND 255
    )
) OR EXISTS (
    SELECT 1 FROM limit_changes WHERE run = ?1 AND NOT (
        at BETWEEN 0 AND 253402300799999 AND concurrency BETWEEN 0 AND 1000000
        AND breaker IN ('closed', 'open', 'half-open')
    )
) OR EXISTS (
    SELECT 1 FROM set_aside WHERE run = ?1 AND NOT iif(
        by_run IS NULL, cause = 'protected', cause = 'superseded'
    )
) OR EXISTS (
    SELECT 1 FROM assignments a JOIN runs r ON r.run = a.run
    WHERE a.run = ?1 AND a.extra IS NOT NULL
    AND json_array_length(a.extra) > json_array_length(r.extra_columns)
)
"""
