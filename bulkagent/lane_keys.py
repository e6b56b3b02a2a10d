"""The keys by which parts of a lane are worked off apart from each other."""

from __future__ import annotations


class LaneKey(int):
    """The key of a lane, or of those of its rows alone that are in doubt.

    A lane has a number from 0 on, which is the key of its rows; where rows in doubt are worked off
    apart, they have a key of their own. Nothing of it is kept in a ledger.
    """

    __slots__ = ()

    @classmethod
    def in_doubt(cls, lane: int) -> LaneKey:
        """The key of a lane's rows whose agents are off by now, or may be, or were not there."""
        return cls(~lane)

    @property
    def lane(self) -> int:
        """The lane that it is of."""
        return int(~self if self < 0 else self)

    @property
    def is_in_doubt(self) -> bool:
        """Whether it is of a lane's rows in doubt alone."""
        return self < 0

    @property
    def other(self) -> LaneKey:
        """The key of the lane's other rows."""
        return LaneKey(~self)

    def __repr__(self) -> str:
        return f"<LaneKey {self.lane}{' in doubt' if self.is_in_doubt else ''}>"
