"""When a gateway was in a failover.

Times of day are arguments.
"""

from __future__ import annotations

QUIET_MS = 60_000
"""After as long without such an answer, the next one begins another failover. It is twice as long
as a failover is known to take, so that stragglers are not taken for a new one."""

AGENTS = 3
"""So many agents are no few agents with a trouble of their own. All of them were told so, and no
agent in between was told anything else."""


class _Episode:
    """Answers none of which came long after the one before."""

    __slots__ = ("agents", "began_at", "latest_at", "told")

    def __init__(self) -> None:
        self.agents: set[str] = set()
        self.began_at = self.latest_at = 0
        self.told = False


class Failovers:
    """The latest failover of each gateway, as far as answers tell."""

    def __init__(self) -> None:
        self._episodes: dict[str, _Episode] = {}
        self.suspected: set[str] = set()
        """Gateways of which some answers say so, and not yet enough."""

    def answered(self, gateway: str, agent_id: str, at_ms: int) -> int | None:
        """Take note of an answer that says so, given at that time of day.

        Returns:
            When the failover began that this answer makes sure of; None where it is none, or
            is known already.
        """
        episode = self._episodes.get(gateway)
        if episode is None or at_ms > episode.latest_at + QUIET_MS:
            episode = self._episodes[gateway] = _Episode()
        episode.latest_at = max(episode.latest_at, at_ms)
        if episode.told:
            return None
        if not episode.agents:
            episode.began_at = at_ms
        episode.agents.add(agent_id)
        episode.told = len(episode.agents) >= AGENTS
        (self.suspected.discard if episode.told else self.suspected.add)(gateway)
        return episode.began_at if episode.told else None

    def denied(self, gateway: str) -> None:
        """A good answer came: what was only suspected is not so."""
        if gateway in self.suspected:
            self.suspected.discard(gateway)
            del self._episodes[gateway]
