"""Which agent IDs each gateway knows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from operator import le

from bulkagent.roster.rules import RosterRules


class IdRanges:
    """The ranges of agent IDs, by the text of the gateway cell.

    Args:
        rules: the general range, those of single gateways, and what an empty cell stands for.
    """

    def __init__(self, rules: RosterRules) -> None:
        by_cell = dict(rules.agent_id_ranges)
        if rules.default_gateway in by_cell:
            by_cell[""] = by_cell[rules.default_gateway]
        self.differ = bool(by_cell)
        """Whether any gateway has a range of its own."""
        self._general = rules.agent_id_range
        self._low = {cell: low for cell, (low, _) in by_cell.items()}
        self._high = {cell: high for cell, (_, high) in by_cell.items()}

    @property
    def widest(self) -> tuple[int, int]:
        """The lowest and the highest agent ID that any gateway knows."""
        low, high = self._general
        return min([low, *self._low.values()]), max([high, *self._high.values()])

    def of(self, gateway_cell: str) -> tuple[int, int]:
        """The lowest and the highest agent ID of a gateway."""
        low, high = self._general
        return self._low.get(gateway_cell, low), self._high.get(gateway_cell, high)

    def hold(self, gateway_cells: Sequence[str], numbers: Sequence[int]) -> bool:
        """Whether each number, within `widest`, is one that its gateway knows."""
        if not self.differ:
            return True
        low, high = self._general
        # In loops that run in C: each row of a large roster passes here.
        lows = map(self._low.get, gateway_cells, repeat(low))
        highs = map(self._high.get, gateway_cells, repeat(high))
        return all(map(le, lows, numbers)) and all(map(le, numbers, highs))
