"""What is said of a ledger that has what bulkagent does not write.

What may live here: turning what reading such a ledger raises into a sentence. What this room must
not know: what was read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger.database import Database

__all__ = ["read_as_written"]


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
            f"the ledger {database.path} has what bulkagent does not write; it is damaged, or"
            " another program wrote to it: give another path with --ledger"
        ) from None
