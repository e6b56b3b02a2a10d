"""Whether a lane may give its next item: the question, and the answers to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable
from typing import Protocol

import msgspec

from bulkagent.engine.gates.halt_rules import End, Go


class NotYet(msgspec.Struct, frozen=True, gc=False):
    """The lane gives nothing now, and may later."""

    at: float = math.inf
    """When to ask again, as a time of the clock; infinity: when the gates call."""


Admits = Go | NotYet | End


class Gates(Protocol):
    """Whether lanes may give items. Asked and told in the loop's thread alone."""

    def group(self, lane: int) -> Hashable:
        """Lanes of one group share their turns."""

    def ask(self, lane: int, now: float) -> Admits:
        """Whether the lane may give one item now; after a `Go` comes `taken`, in the same step."""

    def taken(self, lane: int) -> None:
        """One item is taken, or is about to be."""

    def returned(self, lane: int) -> None:
        """There was none to take after all."""

    def closed(self, lane: int) -> None:
        """Nothing more of the lane will be taken."""

    def awaits(self, lane: int, number: int) -> None:
        """So many items more (or fewer) of the lane wait in the absent queue."""

    def listen(self, call: Callable[[Collection[int]], None]) -> None:
        """Call with lanes about which the answer may have changed."""
