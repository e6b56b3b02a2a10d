"""Finding what is left of a run in another roster than the one that it was planned from.

What may live here: the comparison, in tables that live as long as it does. What this room must
not know: files, and what is taken from the other roster for the rows that are found.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Self

from bulkagent.ledger.database import Database
from bulkagent.outcome import Cause

__all__ = ["Matching"]

_SAMPLE = 3


class Matching:
    """The rows of another roster beside those that are left of a run.

    Args:
        database: The ledger.
        run: The run's key in it.
        offered: Gateway, agent ID, arguments ("" for whatever the run has) and row of every
            assignment of the other roster. They are put on disk, not held.
        only: Only what ended with one of these causes is needed; none: all that is left.
    """

    def __init__(
        self,
        database: Database,
        run: int,
        offered: Iterable[tuple[str, str, str, int]],
        *,
        only: Collection[Cause] = (),
    ) -> None:
        self._database = Database(database.path)
        self._needed = (run, json.dumps(sorted(only)) if only else None)
        try:
            self._database.define(_TABLE)
            self._database.fill(_INSERT, offered)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._database.close()

    def withdraw(self, retracted: Iterable[tuple[str, str]]) -> None:
        """Take back assignments, by gateway and agent ID, that a later row has contradicted."""
        self._database.fill("DELETE FROM offered WHERE gateway = ? AND agent_id = ?", retracted)

    def missing(self) -> tuple[int, tuple[str, ...]]:
        """How many agents are left of the run and not in the roster, and the first few."""
        found = self._database.all(_MISSING, self._needed)
        ((count,),) = self._database.all(_COUNT_MISSING, self._needed)
        return count, tuple(agent_id for (agent_id,) in found)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """The run's row and the roster's, for every agent that is left, in the run's order."""
        yield from self._database.query(_PAIRS, self._needed)


_TABLE = """
CREATE TEMP TABLE offered (
    gateway TEXT, agent_id TEXT, arguments TEXT, row INTEGER, PRIMARY KEY (gateway, agent_id)
) WITHOUT ROWID
"""

_INSERT = "INSERT OR IGNORE INTO offered VALUES (?,?,?,?)"

_LEFT = """
FROM stories s LEFT JOIN offered f ON f.gateway = s.gateway AND f.agent_id = s.agent_id
    AND f.arguments IN ('', s.arguments)
WHERE s.run = ?1 AND s.lane IS NOT NULL AND s.cause NOT IN ('superseded', 'protected')
AND (?2 IS NULL OR s.cause IN (SELECT value FROM json_each(?2)))
AND s.status IN ('failed', 'unknown', 'not_attempted')
"""

_EACH_MISSING = f"SELECT s.agent_id {_LEFT} AND f.row IS NULL"

_COUNT_MISSING = f"SELECT count(*) FROM ({_EACH_MISSING})"  # noqa: S608 - of this module's text

_MISSING = f"{_EACH_MISSING} ORDER BY s.row LIMIT {_SAMPLE}"

_PAIRS = f"SELECT s.row, f.row {_LEFT} AND f.row IS NOT NULL ORDER BY s.row"
