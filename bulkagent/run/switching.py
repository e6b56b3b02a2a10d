"""When a gateway switched over.

What may live here: the pure rule by which answers make an episode. What this room must not know:
which answers these are, and what is done about it. Times of day are arguments.
"""

from __future__ import annotations

__all__ = ["QUIET_MS", "SwitchOvers"]

QUIET_MS = 60_000
"""After as long without such an answer, the next one begins another switch-over: twice as long as
one is known to take, so that its stragglers are not taken for one of their own."""


class _Episode:
    """Answers none of which came long after the one before."""

    __slots__ = ("agent_id", "began_at", "latest_at", "told")

    def __init__(self, agent_id: str, at_ms: int) -> None:
        self.agent_id = agent_id
        self.began_at = self.latest_at = at_ms
        self.told = False


class SwitchOvers:
    """The latest switch-over of each gateway, as far as answers tell.

    It takes two agents: what one alone is told, again and again, is about that one.
    """

    def __init__(self) -> None:
        self._episodes: dict[str, _Episode] = {}

    def answered(self, gateway: str, agent_id: str, at_ms: int) -> int | None:
        """Take note of an answer that says so, given at that time of day.

        Returns:
            When the switch-over began that this answer makes sure of; None where it is none, or
            is known already.
        """
        episode = self._episodes.get(gateway)
        if episode is None or at_ms > episode.latest_at + QUIET_MS:
            self._episodes[gateway] = _Episode(agent_id, at_ms)
            return None
        episode.latest_at = max(episode.latest_at, at_ms)
        if episode.told:
            return None
        if agent_id == episode.agent_id:
            # Whether it began with the first of them or the last: rather send too many again.
            episode.began_at = episode.latest_at
            return None
        episode.told = True
        return episode.began_at
