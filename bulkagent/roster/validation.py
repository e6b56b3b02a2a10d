"""One record of cells to its row, by the rules that need all of it, or an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from bulkagent.model import Status
from bulkagent.roster.cells import (
    BLANKS,
    FLAGS,
    agent_defect,
    flag_defect,
    gateway_defect,
    guid_defect,
    guid_value,
)
from bulkagent.roster.columns import ABSENT, Columns
from bulkagent.roster.duplicates import CONFLICT, FLAG, LINE_SHIFT, Duplicates
from bulkagent.roster.id_ranges import IdRanges
from bulkagent.roster.row import Retraction, RosterRow
from bulkagent.roster.rules import RosterRules
from bulkagent.roster.sanitize import REDACTED, redacted, shown


class RowValidator:
    """Validates the records of one roster, in order.

    Args:
        columns: where the cells of each meaning are.
        rules: the allowed values, and the defaults of empty or missing cells.
        ranges: which agent IDs each gateway knows.
        duplicates: the memory of earlier records; shared with `BatchReader`.
    """

    def __init__(
        self, columns: Columns, rules: RosterRules, ranges: IdRanges, duplicates: Duplicates
    ) -> None:
        self._columns = columns
        self._rules = rules
        self._ranges = ranges
        self._duplicates = duplicates
        asked = rules.guid_required
        self._guid_required = columns.guid != ABSENT if asked is None else asked

    def validate(self, record: Sequence[str], row: int) -> Sequence[RosterRow | Retraction]:
        """The record as rows: none if it is blank, two where it contradicts an earlier one."""
        columns, rules = self._columns, self._rules
        cells = [cell.strip(BLANKS) for cell in record]
        if not any(cells):
            return ()
        width = len(columns.names)
        surplus = next((at for at, cell in enumerate(cells[width:], width) if cell), ABSENT)
        cells += [""] * (width - len(cells))
        agent_cell = cells[columns.agent]
        gateway_cell = _cell(cells, columns.gateway)
        flag_cell = _cell(cells, columns.flag)
        guid_cell = _cell(cells, columns.guid)
        flag = rules.flag if columns.flag == ABSENT else FLAGS.get(flag_cell.lower())
        elsewhere = gateway_defect(gateway_cell, rules.gateways)
        reasons = (
            (surplus, "" if surplus == ABSENT else _surplus(surplus, width)),
            (columns.agent, self._agent_defect(agent_cell, gateway_cell, elsewhere)),
            (columns.gateway, elsewhere),
            (columns.flag, "" if columns.flag == ABSENT else flag_defect(flag_cell)),
            (columns.guid, guid_defect(guid_cell, required=self._guid_required)),
        )
        at, reason = next((found for found in reasons if found[1]), (ABSENT, ""))
        judged = RosterRow(
            row=row,
            agent_id=agent_cell,
            gateway=gateway_cell or rules.default_gateway,
            flag=flag,
            status=None,
            column="",
            reason="",
            guid=guid_value(guid_cell),
            extra=tuple(kept_cell(cells[at]) for at in columns.kept),
        )
        if reason:
            hide = surplus != ABSENT and columns.has_secret
            return (_invalid(judged, columns.name(at), reason, gateway_cell, hide=hide),)
        return self._remember(judged, gateway_cell)

    def _agent_defect(self, agent_cell: str, gateway_cell: str, elsewhere: str) -> str:
        # Of a gateway that nobody knows, no range is known: that is what is wrong with the row.
        low, high = self._ranges.widest if elsewhere else self._ranges.of(gateway_cell)
        gateway = gateway_cell or self._rules.default_gateway
        named = gateway if self._ranges.differ and not elsewhere else ""
        return agent_defect(agent_cell, low, high, gateway=named)

    def _remember(self, judged: RosterRow, gateway_cell: str) -> Sequence[RosterRow | Retraction]:
        number, bit = int(judged.agent_id), judged.flag or 0
        known = self._duplicates.first(gateway_cell, number)
        memory = self._duplicates.by_cell[gateway_cell]
        if not known:
            memory[number] = judged.row << LINE_SHIFT | bit
            return (judged,)
        first = known >> LINE_SHIFT
        if known & CONFLICT:
            return (self._contradicting(judged, f"line {first} and a later one give both flags"),)
        if known & FLAG == bit:
            reason = f"repeats line {first}"
            return (replace(judged, status=Status.DUPLICATE, reason=reason, guid=""),)
        memory[number] = known | CONFLICT
        retraction = Retraction(
            row=first,
            column=self._columns.name(self._columns.flag),
            reason=f"line {judged.row} gives this agent the other flag",
            agent_id=judged.agent_id,
            gateway=judged.gateway,
            flag=known & FLAG,
        )
        return (
            retraction,
            self._contradicting(judged, f"line {first} gives this agent the other flag"),
        )

    def _contradicting(self, judged: RosterRow, reason: str) -> RosterRow:
        column = self._columns.name(self._columns.flag)
        return replace(judged, status=Status.INVALID, column=column, reason=reason, guid="")


def _invalid(
    judged: RosterRow, column: str, reason: str, gateway_cell: str, *, hide: bool
) -> RosterRow:
    """The row with its defect, its cells harmless to show, its GUID gone.

    With `hide`, the cells have shifted, and a credential may stand in any of them.
    """
    gateway = shown(gateway_cell) if gateway_cell else judged.gateway
    return replace(
        judged,
        status=Status.INVALID,
        column=column,
        reason=reason,
        guid="",
        agent_id=REDACTED if hide and not judged.agent_id.isdecimal() else shown(judged.agent_id),
        gateway=REDACTED if hide and gateway_cell else gateway,
        extra=tuple(REDACTED if cell else "" for cell in judged.extra) if hide else judged.extra,
    )


def _surplus(position: int, width: int) -> str:
    return (
        f"has a cell in place {position + 1} where the header has {width}: its cells may have "
        "shifted, so none is trusted"
    )


def kept_cell(cell: str) -> str:
    """A cell as a report may carry it: without surrounding blanks, and without any GUID."""
    return redacted(cell.strip(BLANKS))


def _cell(cells: Sequence[str], position: int) -> str:
    return "" if position == ABSENT else cells[position]
