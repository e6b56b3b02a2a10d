"""What has been seen of a roster so far.

What may live here: counts of rows, and the sentences and records made of them. What this room must
not know: where rows come from, and where they go.
"""

from __future__ import annotations

from bulkagent.errors import BadRow, RosterRefused
from bulkagent.gateway.operations import flag_of
from bulkagent.ledger import Lane
from bulkagent.roster import Layout, Retraction
from bulkagent.run.request import Plan, PlanPart, planned_totals

__all__ = ["Tally"]


class Tally:
    """Counts of one pass over a roster."""

    def __init__(self) -> None:
        self.rows = 0
        self.duplicates = 0
        self.agents = 0
        self.nowhere = 0
        self.bad_rows: list[BadRow] = []

    def reject(self, row: int, column: str, reason: str) -> None:
        """Count an invalid row."""
        self.bad_rows.append(BadRow(row, column, reason))

    def retract(self, retraction: Retraction) -> None:
        """Count a row that was taken back as invalid."""
        self.agents -= 1
        self.nowhere -= not retraction.gateway
        self.reject(retraction.row, retraction.column, retraction.reason)

    def refusal(self) -> RosterRefused:
        """What is said of a roster with invalid rows that were not to be skipped."""
        bad = len(self.bad_rows)
        return RosterRefused(
            f"{bad:,} of {self.rows:,} rows {'is' if bad == 1 else 'are'} invalid, so nothing was"
            " sent; correct the roster, or go on without them with --skip-invalid",
            tuple(sorted(self.bad_rows, key=lambda bad_row: bad_row.row)),
            totals=self.totals(),
        )

    def totals(self) -> dict[str, int]:
        """The rows by status as long as nothing is sent."""
        return planned_totals(self.rows, self.duplicates, len(self.bad_rows))

    def plan(self, run_id: str, layout: Layout, lanes: tuple[Lane, ...]) -> Plan:
        """What would be sent, as people see it."""
        return Plan(
            run_id=run_id,
            layout=layout.describe(),
            rows=self.rows,
            agents=sum(lane.assignments for lane in lanes),
            duplicates=self.duplicates,
            invalid=len(self.bad_rows),
            parts=tuple(
                PlanPart(lane.gateway, flag_of(lane.arguments), lane.assignments) for lane in lanes
            ),
            bad_rows=tuple(sorted(self.bad_rows, key=lambda bad_row: bad_row.row)),
        )
