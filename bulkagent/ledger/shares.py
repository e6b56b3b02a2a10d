"""The share of each command at work in the limits of its gateways.

A share is of no account once the run's lock is free. `beat_at` only ever rises while its command
is at work: whether it does, a reader judges by a clock of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bulkagent.ledger.damage import read_as_written
from bulkagent.ledger.database import Database
from bulkagent.ledger.run_record import RunRecord


class Share(msgspec.Struct, frozen=True):
    """The share of one command in one gateway's limits."""

    share: int
    """Its number, rising in the order in which commands came."""
    gateway: str
    """The gateway's address, whatever the command calls it."""
    run_id: str
    concurrency: int
    """Requests in flight at once that its command was given for itself."""
    per_second: float | None
    """Requests started a second, the same; None: no limit."""
    allowed: int
    """The most that its command may have in flight until it writes again."""
    allowed_per_second: float | None
    beat_at: int
    """Time of day at which its command was last at work; rises each time."""


def take_shares(
    record: RunRecord,
    wanted: Iterable[tuple[str, int, float | None]],
    *,
    now_ms: int,
) -> None:
    """Note that a run is at work on gateways, and allows itself nothing yet.

    Args:
        record: The run; what it had before is given up.
        wanted: Of each gateway: its address, requests at once, and requests a second or None.
        now_ms: Time of day.

    Raises:
        LedgerFailed: The ledger cannot be written.
    """
    record.database.write(
        ("DELETE FROM shares WHERE run = ?", [(record.run,)]),
        (_TAKE, [(gateway, record.run, *limits, now_ms) for gateway, *limits in wanted]),
    )


def shares_at(database: Database, gateways: Iterable[str]) -> tuple[Share, ...]:
    """All shares of these gateways, in the order of their numbers.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    addresses = msgspec.json.encode(list(gateways)).decode()
    with read_as_written(database):
        return tuple(
            msgspec.convert(dict(zip(Share.__struct_fields__, row, strict=True)), Share)
            for row in database.all(_SHARES, (addresses,))
        )


@contextlib.contextmanager
def updating_shares(database: Database, gateways: Sequence[str]) -> Iterator[SharesTable]:
    """The shares of these gateways, which no other process changes until the end of the `with`.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    with database.locked():
        yield SharesTable(database, shares_at(database, gateways))


class SharesTable:
    """Shares as they are at one moment, and their change."""

    def __init__(self, database: Database, shares: tuple[Share, ...]) -> None:
        self.shares = shares
        self._database = database

    def allow(self, share: int, allowed: int, per_second: float | None, *, now_ms: int) -> None:
        """Say what a command allows itself from here on, and that it is at work."""
        self._database.execute(_ALLOW, [(allowed, per_second, now_ms, share)])

    def remove(self, shares: Iterable[int]) -> None:
        """Take shares out whose commands are gone."""
        self._database.execute("DELETE FROM shares WHERE share = ?", [(each,) for each in shares])


def give_up_shares(record: RunRecord, gateways: Iterable[str]) -> None:
    """Let others have a run's shares of these gateways, at which nothing of it is in flight.

    Raises:
        LedgerFailed: The ledger cannot be written; they then end with the run's lock.
    """
    record.database.write(
        (
            "DELETE FROM shares WHERE run = ? AND gateway = ?",
            [(record.run, gateway) for gateway in gateways],
        )
    )


_TAKE = """
INSERT INTO shares (gateway, run, concurrency, per_second, allowed, allowed_per_second, beat_at)
VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)
"""

_SHARES = """
SELECT s.share, s.gateway, r.id, s.concurrency, s.per_second, s.allowed, s.allowed_per_second,
       s.beat_at
FROM shares s JOIN runs r ON r.run = s.run
WHERE s.gateway IN (SELECT value FROM json_each(?)) ORDER BY s.share
"""

# A clock may have been set back since; that it is at work must be seen all the same.
_ALLOW = """
UPDATE shares SET allowed = ?1, allowed_per_second = ?2, beat_at = max(beat_at + 1, ?3)
WHERE share = ?4
"""
