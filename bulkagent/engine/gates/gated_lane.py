"""One lane as its gate sees it: what it does to its group, and how far it is."""

from __future__ import annotations

import enum
import math

import msgspec

from bulkagent.engine.gates.halt_rules import End


class Side(enum.Enum):
    """What a lane does to its group's cover."""

    COMES_ON = enum.auto()
    GOES_OFF = enum.auto()
    NEITHER = enum.auto()


class GatedLane(msgspec.Struct, frozen=True, kw_only=True):
    """One lane, as its gate sees it."""

    lane: int
    group: str
    rows: int
    """How many items it has at most."""
    side: Side = Side.NEITHER
    counted: bool = False
    """Whether its items are among those of D before they are taken."""
    not_before: float = -math.inf
    """Nothing of it is dispatched before this time of the clock."""


class GateResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of one item, as far as gates and canaries go by it."""

    applied: bool
    off: bool = False
    """Whether the agent it is about takes no calls, or perhaps none."""
    aside: bool = False
    """Whether it is no failure although it is not applied."""
    counted: bool = False
    """Whether the agent was among those of U until now, without an answer of this run."""
    misled: str = ""
    """By what it says that something is set up wrongly; "" where it does not."""


class LaneProgress:
    """One lane under way."""

    __slots__ = ("asked", "closed", "end", "ended", "gated", "quota", "taken")

    def __init__(self, gated: GatedLane) -> None:
        self.gated = gated
        self.quota = 0
        self.asked = False
        self.taken = 0
        self.ended = 0
        self.closed = False
        self.end: End | None = None

    @property
    def under_way(self) -> int:
        """How many items are taken and have not ended."""
        return self.taken - self.ended

    @property
    def to_come(self) -> int:
        """How many of its items have not ended, those to be taken included."""
        untaken = 0 if self.closed else self.gated.rows - self.taken
        return self.under_way + max(0, untaken)

    @property
    def canaries_to_come(self) -> int:
        """The same of its canaries alone."""
        untaken = 0 if self.closed else min(self.quota, self.gated.rows) - self.taken
        return self.under_way + max(0, untaken)
