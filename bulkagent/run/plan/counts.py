"""Counts of a roster's rows while it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bulkagent.errors import BadRow, RosterRefused
from bulkagent.gateway.operations import flag_of
from bulkagent.ledger import GroupCoverage
from bulkagent.roster import Layout, Retraction
from bulkagent.run.plan.groups import hint
from bulkagent.run.plan.request import Plan, PlanGroup, PlanPart, planned_totals


def most_skipped(rows: int, *, skip_invalid: bool | int) -> int:
    """How many invalid rows of a roster may be left out.

    Args:
        skip_invalid: The number; True for 1 % of the rows, at least 3; False for none.
        rows: The roster's rows.
    """
    return max(3, rows // 100) if skip_invalid is True else int(skip_invalid)


_USUAL = " where no number is given (1 % of the rows, at least 3)"


class PlanCounts:
    """Counts of one pass over a roster."""

    def __init__(self) -> None:
        self.rows = 0
        self.duplicates = 0
        self.agents = 0
        self.nowhere = 0
        self.protected = 0
        self.bad_rows: list[BadRow] = []

    def reject(self, row: int, column: str, reason: str) -> None:
        """Count an invalid row."""
        self.bad_rows.append(BadRow(row, column, reason))

    def retract(self, retraction: Retraction, *, protected: bool) -> None:
        """Count a row that was taken back as invalid."""
        if protected:
            self.protected -= 1
        else:
            self.agents -= 1
            self.nowhere -= not retraction.gateway
        self.reject(retraction.row, retraction.column, retraction.reason)

    def refuse(self, *, skip_invalid: bool | int, sends: bool = True) -> None:
        """Refuse a roster with more invalid rows than may be skipped, or with nothing else.

        Args:
            skip_invalid: How many were agreed to; True for the usual share.
            sends: Whether the command would have sent them; a check has nothing to reassure of.

        Raises:
            RosterRefused: It is one; its `bad_rows` are all of them.
        """
        bad = len(self.bad_rows)
        if not bad:
            return
        most = most_skipped(self.rows, skip_invalid=skip_invalid)
        nobody = not self.agents + self.protected
        if bad <= most and not nobody:
            return
        invalid = f"{bad:,} of {self.rows:,} rows {'is' if bad == 1 else 'are'} invalid"
        unsent = ", so nothing was sent" if sends else ""
        if bad <= most:
            told = f"{invalid} and nobody is left to set{unsent}; correct the roster"
        elif skip_invalid:
            usual = _USUAL if skip_invalid is True else ""
            told = (
                f"{invalid}, and --skip-invalid goes on without {most:,} at most{usual}{unsent}."
                " Correct the roster, or give --skip-invalid the number of rows that you have"
                " looked at"
            )
        else:
            told = (
                f"{invalid}{unsent}; correct the roster, or go on without them with --skip-invalid"
            )
        bad_rows = tuple(sorted(self.bad_rows, key=lambda bad_row: bad_row.row))
        raise RosterRefused(told, bad_rows, totals=self.totals())

    def totals(self) -> dict[str, int]:
        """The rows by status as long as nothing is sent."""
        return planned_totals(self.rows, self.duplicates, len(self.bad_rows))

    def plan(
        self,
        run_id: str,
        layout: Layout,
        parts: Sequence[tuple[str, str, int]],
        covered: Mapping[str, GroupCoverage],
        *,
        grouped: bool,
    ) -> Plan:
        """What would be sent, as people see it.

        Args:
            run_id: The run's ID; "" where there is none.
            layout: How the roster is laid out.
            parts: Gateway, arguments and number of agents, in the order in which they are sent.
            covered: The groups of a handover.
            grouped: Whether somebody has said what to group by.
        """
        made = tuple(
            PlanPart(gateway, flag_of(arguments), agents)
            for gateway, arguments, agents in parts
            if agents
        )
        gateways = len({part.gateway for part in made})
        return Plan(
            run_id=run_id,
            layout=layout.describe(),
            rows=self.rows,
            agents=sum(part.agents for part in made),
            duplicates=self.duplicates,
            invalid=len(self.bad_rows),
            parts=made,
            protected=self.protected,
            groups=tuple(
                PlanGroup(group, cover.incoming, cover.outgoing)
                for group, cover in sorted(covered.items())
            ),
            hint=hint(layout.extra_columns, gateways) if covered and not grouped else "",
            bad_rows=tuple(sorted(self.bad_rows, key=lambda bad_row: bad_row.row)),
        )
