"""How far apart attempts start.

What may live here: the arithmetic of a rate. What this room must not know: who waits, or for
what. Time is an argument.
"""

from __future__ import annotations

__all__ = ["Pacer"]


class Pacer:
    """A rate without a burst: the generic cell rate algorithm (ITU-T I.371) with no tolerance.

    Args:
        per_second: Starts a second; above 0.
    """

    __slots__ = ("_interval_s", "_next")

    def __init__(self, per_second: float) -> None:
        if per_second <= 0:
            raise ValueError(f"a rate must be above 0, not {per_second}")
        self._interval_s = 1.0 / per_second
        self._next = float("-inf")

    def __repr__(self) -> str:
        return f"<Pacer {1 / self._interval_s:g}/s>"

    def reserve(self, now: float) -> float:
        """Take the next start; return how many seconds from `now` it is, at least 0."""
        start = max(self._next, now)
        self._next = start + self._interval_s
        return start - now
