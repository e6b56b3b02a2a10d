"""The place of a plan in the ledger until a leg of it has begun."""

from __future__ import annotations

from bulkagent.ledger import Database, RunRecord, forget_run
from bulkagent.run.plan.apply import Planned


class PlanReservation:
    """A plan that goes out of the ledger again, unless a leg of it begins.

    Args:
        planned: The plan.
        database: The ledger.
    """

    def __init__(self, planned: Planned, database: Database) -> None:
        self.database = database
        """The connection by which the run is taken out again."""
        self._planned = planned
        self._open = True

    @property
    def is_open(self) -> bool:
        """Whether a leg may still begin."""
        return self._open

    def keep(self) -> None:
        """A leg has begun: from now on the run stays, whatever happens."""
        self._open = False

    def discard(self) -> None:
        """Let others have the run; a run that this plan made is taken out of the ledger.

        Raises:
            LedgerUnavailable: It cannot be taken out.
        """
        if self._planned.new:
            forget_run(RunRecord(self.database, self._planned.run))
        self._open = False
        self._planned.release()

    def release(self) -> None:
        """Let others have the run; any number of times."""
        self._planned.release()
