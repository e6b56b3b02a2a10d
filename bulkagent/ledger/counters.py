"""Counters of a leg's records on disk."""

from __future__ import annotations

from bulkagent.model import Outcome, Status


class Counters:
    """What is on disk of this leg so far; never ahead of it."""

    __slots__ = (
        "by_cause",
        "by_status",
        "finished",
        "in_doubt",
        "not_sent",
        "once_more",
        "requests",
        "retries",
        "unfinished",
    )

    def __init__(self) -> None:
        self.requests = 0
        """Attempts of which a byte may have left."""
        self.retries = 0
        """Of these, beyond the first for an agent in this leg."""
        self.not_sent = 0
        """Further attempts, of which no byte left."""
        self.finished = 0
        self.unfinished = 0
        """Agents with a request sent and no outcome; those in doubt aside."""
        self.once_more = 0
        """Agents that had been set and were put in doubt, to be sent once more."""
        self.in_doubt = 0
        """Of these, agents without a new outcome."""
        self.by_status: dict[Status, int] = dict.fromkeys(Status, 0)
        self.by_cause: dict[str, int] = {}
        """Outcomes that are not applied, by cause."""

    def followed_by(self, later: Counters, once_more: int) -> Counters:
        """The sum of both, where `later` counts so many agents that had been put in doubt."""
        both = Counters()
        both.requests = self.requests + later.requests
        both.retries = self.retries + later.retries
        both.not_sent = self.not_sent + later.not_sent
        both.finished = self.finished + later.finished
        both.unfinished = self.unfinished
        both.once_more = once_more
        both.in_doubt = once_more - later.finished
        both.by_status = {
            status: count + later.by_status[status] for status, count in self.by_status.items()
        }
        causes = (*self.by_cause.items(), *later.by_cause.items())
        for cause, count in causes:
            both.by_cause[cause] = both.by_cause.get(cause, 0) + count
        return both

    def add(self, outcome: Outcome, number: int = 1) -> None:
        """Count so many agents with an outcome like this one; -1: one such agent less."""
        self.finished += number
        self.by_status[outcome.status] += number
        if outcome.cause is not None:
            cause = outcome.cause.value
            self.by_cause[cause] = self.by_cause.get(cause, 0) + number
