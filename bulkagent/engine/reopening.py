"""An item whose story had ended and is opened again.

What may live here: what the engine has to know of one. What this room must not know: why its end
cannot be relied on, and how it is handed out again.
"""

from __future__ import annotations

import msgspec

from bulkagent.engine.gates.halt_rules import Tally

__all__ = ["Reopened"]


class Reopened(msgspec.Struct, frozen=True, gc=False):
    """One of them."""

    lane: int
    """As one of which it is handed out again."""
    applied: bool
    """Whether it was counted as applied."""
    aside: bool
    """Whether it was counted as not applied for a reason of its own."""
    again: bool = True
    """Whether it is handed out again; else it is finished, and not applied."""
    left: bool = False
    """Whether it is not, because somebody else has taken it: it is not among these any more."""

    def undo(self, tally: Tally) -> None:
        """Have what it ended with counted no more."""
        tally.take_back(applied=self.applied, aside=self.aside)
        if self.left:
            tally.lose()
        elif not self.again:
            tally.put_down()
