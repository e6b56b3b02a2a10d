"""The memory of which agents a roster has named, in four bytes an agent.

A million strings in a set take 100 MB; a number for each agent that could exist takes a
quarter of a megabyte a gateway. The line comes first in it, then whether the agent was
contradicted, then the flag: `line << 2 | conflict << 1 | flag`. Zero is an agent not named.
"""

from __future__ import annotations

from array import array

from bulkagent.errors import RosterRefused

FLAG = 1
CONFLICT = 2
LINE_SHIFT = 2

# Grown in steps, since rosters are mostly sorted and ranges mostly empty at the far end.
_STEP = 4096

# A centre has a handful of gateways. Each costs up to 4 MB, and a column of something
# else would name one a row.
MOST_GATEWAYS = 200


class Duplicates:
    """The memory of each agent's first row, by gateway.

    Args:
        default_gateway: the gateway that an empty cell stands for.
    """

    def __init__(self, default_gateway: str) -> None:
        self.by_cell: dict[str, array[int]] = {"": array("I")}
        """By the text of a gateway cell that was found good. Read and written by the loop
        over rows directly, because a call per row would cost more than the look-up itself."""
        self._default = default_gateway

    def __repr__(self) -> str:
        return f"<Duplicates of {len(self.by_cell)} gateways>"

    def first(self, gateway_cell: str, agent: int) -> int:
        """The memory of the agent, 0 if there is none; afterwards it can be written.

        Raises:
            RosterRefused: more gateways than any centre has.
        """
        memory = self.by_cell.get(gateway_cell)
        if memory is None:
            memory = self._new(gateway_cell)
        if agent >= len(memory):
            grown = (agent // _STEP + 1) * _STEP
            memory.frombytes(bytes((grown - len(memory)) * memory.itemsize))
        return memory[agent]

    def _new(self, gateway_cell: str) -> array[int]:
        if len(self.by_cell) > MOST_GATEWAYS:
            raise RosterRefused(
                f"the gateway column has more than {MOST_GATEWAYS} different names; "
                "is it really a column of gateways?"
            )
        same = gateway_cell == self._default
        memory = self.by_cell[""] if same else array("I")
        self.by_cell[gateway_cell] = memory
        return memory
