"""When a gateway switched over.

What may live here: the pure rule by which answers make an episode. What this room must not know:
which answers these are, and what is done about it. Times of day are arguments.
"""

from __future__ import annotations

__all__ = ["QUIET_MS", "SwitchOvers"]

QUIET_MS = 60_000
"""After as long without such an answer, the next one begins another switch-over: twice as long as
one is known to take, so that its stragglers are not taken for one of their own."""


class SwitchOvers:
    """The latest switch-over of each gateway, as far as answers tell."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}

    def answered(self, gateway: str, at_ms: int) -> bool:
        """Take note of an answer that says so, to a request of that time; whether one began."""
        latest = self._latest.get(gateway)
        self._latest[gateway] = at_ms if latest is None else max(latest, at_ms)
        return latest is None or at_ms > latest + QUIET_MS
