"""Finding what is left of a run in another roster than the one that it was planned from."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Self

from bulkagent.ledger.database import Database
from bulkagent.ledger.run_record import RunRecord
from bulkagent.model import Cause

_SAMPLE = 3


class RosterMatch:
    """The rows of another roster beside those that are left of a run.

    Args:
        record: The run.
        offered: Gateway, agent ID, arguments ("" for whatever the run has), row and whether it is
            valid of every row of the other roster that names an agent. They are put on disk, not
            held.
        whatever: Whether the run's arguments may be others, because it sets them back.
        only: Only what ended with one of these causes is needed; none: all that is left.
    """

    def __init__(
        self,
        record: RunRecord,
        offered: Iterable[tuple[str, str, str, int, bool]],
        *,
        whatever: bool = False,
        only: Collection[Cause] = (),
    ) -> None:
        self._database = Database(record.database.path)
        self._needed = (record.run, json.dumps(sorted(only)) if only else None, whatever)
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

    def every_pair(self) -> Iterator[tuple[int, int]]:
        """The same for every agent that both have, whether anything is left of it or not."""
        run, _, whatever = self._needed
        yield from self._database.query(_EVERY_PAIR, (run, whatever))

    @property
    def moved(self) -> bool:
        """Whether any agent stands in another row of the roster than in the run's."""
        run, _, whatever = self._needed
        ((moved,),) = self._database.all(_MOVED, (run, whatever))
        return bool(moved)

    def is_roster_of(self, run: int) -> bool:
        """Whether it names the same gateways, agents and arguments as the roster of a run.

        What was no assignment then may be one now, or the other way round, by what no set is of.
        """
        ((differs,),) = self._database.all(_DIFFERS, (run,))
        return not differs


def same_rows(record: RunRecord, other: int) -> Iterator[tuple[int, int]]:
    """A run's row and another run's, for every agent that both have, in the run's order."""
    yield from record.query(f"SELECT a.row, b.row {_IN_BOTH} ORDER BY a.row", other)


def moved_rows(record: RunRecord, other: int) -> bool:
    """Whether any agent stands in another row of the other run than of the run."""
    ((moved,),) = record.all(f"SELECT EXISTS (SELECT 1 {_IN_BOTH} AND a.row <> b.row)", other)
    return bool(moved)


_IN_BOTH = """
FROM assignments a CROSS JOIN assignments b INDEXED BY assignments_by_agent
    ON b.agent_id = a.agent_id AND b.run = ?2 AND b.gateway = a.gateway
WHERE a.run = ?1 AND a.lane IS NOT NULL AND b.lane IS NOT NULL
"""

_TABLE = """
CREATE TEMP TABLE offered (
    gateway TEXT, agent_id TEXT, arguments TEXT, row INTEGER, valid INTEGER,
    PRIMARY KEY (gateway, agent_id)
) WITHOUT ROWID
"""

_INSERT = """
INSERT INTO offered VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE
SET arguments = excluded.arguments, row = excluded.row, valid = 1 WHERE excluded.valid > valid
"""

_LEFT = """
FROM stories s LEFT JOIN offered f ON f.gateway = s.gateway AND f.agent_id = s.agent_id
    AND f.valid AND (?3 OR f.arguments IN ('', s.arguments))
WHERE s.run = ?1 AND s.lane IS NOT NULL AND s.cause NOT IN ('superseded', 'protected')
AND (?2 IS NULL OR s.cause IN (SELECT value FROM json_each(?2)))
AND s.status IN ('failed', 'unknown', 'not_attempted')
"""

_EACH_MISSING = f"SELECT s.agent_id {_LEFT} AND f.row IS NULL"

_COUNT_MISSING = f"SELECT count(*) FROM ({_EACH_MISSING})"  # noqa: S608 - of this module's text

_MISSING = f"{_EACH_MISSING} ORDER BY s.row LIMIT {_SAMPLE}"

_BOTH = """
FROM assignments a JOIN offered f ON f.gateway = a.gateway AND f.agent_id = a.agent_id
    AND (?2 OR f.arguments IN ('', a.arguments))
WHERE a.run = ?1 AND a.lane IS NOT NULL
"""

_DIFFERS = """
SELECT EXISTS (
    SELECT 1 FROM assignments a
    LEFT JOIN offered f ON f.gateway = a.gateway AND f.agent_id = a.agent_id
        AND f.arguments IN ('', a.arguments)
    WHERE a.run = ?1 AND (a.lane IS NOT NULL OR a.cause = 'protected') AND f.row IS NULL
) OR EXISTS (
    SELECT 1 FROM offered f WHERE f.valid AND NOT EXISTS (
        SELECT 1 FROM assignments a INDEXED BY assignments_by_agent
        WHERE a.run = ?1 AND a.agent_id = f.agent_id AND a.gateway = f.gateway
        AND f.arguments IN ('', a.arguments)
    )
)
"""

_EVERY_PAIR = f"SELECT a.row, f.row {_BOTH} ORDER BY a.row"

_MOVED = f"SELECT EXISTS (SELECT 1 {_BOTH} AND a.row <> f.row)"

_PAIRS = f"SELECT s.row, f.row {_LEFT} AND f.row IS NOT NULL ORDER BY s.row"
