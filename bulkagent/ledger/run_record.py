"""One run in a ledger: what most functions of this package are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bulkagent.ledger.database import Database


class RunRecord(msgspec.Struct, frozen=True):
    """One run in a ledger."""

    database: Database
    """The ledger."""
    run: int
    """The run's key in it."""

    def all(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows that a statement finds whose first parameter is the run.

        Raises:
            LedgerUnavailable: The ledger cannot be read.
        """
        return self.database.all(sql, (self.run, *parameters))

    def query(self, sql: str, *parameters: object) -> Iterator[tuple[Any, ...]]:
        """The same, read as they are asked for.

        Raises:
            LedgerUnavailable: While iterating: the ledger cannot be read.
        """
        return self.database.query(sql, (self.run, *parameters))
