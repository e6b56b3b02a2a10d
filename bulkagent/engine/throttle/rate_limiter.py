"""How far apart attempts start.

Time is an argument.
"""

from __future__ import annotations


class RateLimiter:
    """A rate: the generic cell rate algorithm (ITU-T I.371, virtual scheduling).

    In any time of `s` seconds at most `burst + per_second * s` starts lie.

    Args:
        per_second: Starts a second; above 0.
        burst: Starts at once after an idle time; 1: none is ever made up for.
    """

    __slots__ = ("_interval_s", "_next", "_tolerance_s")

    def __init__(self, per_second: float, burst: int = 1) -> None:
        self._next = float("-inf")  # the theoretical arrival time of the next start
        self._set(per_second, burst)

    def __repr__(self) -> str:
        if not self._interval_s:
            return "<RateLimiter without a limit>"
        burst = round(self._tolerance_s / self._interval_s) + 1
        return f"<RateLimiter {1 / self._interval_s:g}/s{f', burst {burst}' if burst > 1 else ''}>"

    def change(self, per_second: float, burst: int, now: float) -> None:
        """Go by another rate from now on; the next start is one of its intervals away at least.

        Args:
            per_second: Starts a second, above 0; infinity: no limit.
            burst: Starts at once after an idle time.
            now: The time in seconds.
        """
        last = self._next - self._interval_s
        self._set(per_second, burst)
        self._next = max(last, now) + self._interval_s

    def follow(self, earlier: RateLimiter) -> None:
        """Count what an earlier one has started as one's own."""
        self._next = max(self._next, earlier._next)

    def _set(self, per_second: float, burst: int) -> None:
        if per_second <= 0:
            raise ValueError(f"a rate must be above 0, not {per_second}")
        if burst < 1:
            raise ValueError(f"a burst must be at least 1, not {burst}")
        self._interval_s = 1.0 / per_second
        self._tolerance_s = (burst - 1) * self._interval_s

    def reserve(self, now: float) -> float:
        """Take the next start; return how many seconds from `now` it is, at least 0."""
        due = max(self._next, now)
        self._next = due + self._interval_s
        return max(0.0, due - self._tolerance_s - now)
