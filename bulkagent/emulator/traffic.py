"""What went over the wire, counted for the judges.

What may live here: counts of settalkright requests. What this module must not know: what a
request asked for, or why it was answered as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

__all__ = ["Stats", "Traffic"]


class Stats(msgspec.Struct, frozen=True):
    """The settalkright requests so far."""

    requests: int
    """All that arrived, whatever became of them."""
    peak_in_flight: int
    """The most at once."""
    in_flight: int
    """Arrived, and neither answered nor aborted yet, nor given up by the client."""
    answered: Mapping[str, int]
    """Result code -> whole replies sent with it. Aborted, truncated, HTML: not counted here."""
    faults: Mapping[str, int]
    """Kind of fault -> how often it struck."""
    connections: int
    """Those that brought at least one of the requests."""


class Traffic:
    """Counts settalkright requests from arrival to reply."""

    def __init__(self) -> None:
        self._requests = 0
        self._in_flight = 0
        self._peak = 0
        self._answered: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._connections = 0

    def copy(self) -> Traffic:
        """The same counts, from here on independent of these, with nothing in flight."""
        twin = Traffic()
        twin._requests = self._requests
        twin._peak = self._peak
        twin._answered = self._answered.copy()
        twin._faults = self._faults.copy()
        twin._connections = self._connections
        return twin

    @property
    def in_flight(self) -> int:
        """Requests that have arrived and not left."""
        return self._in_flight

    def take_over(self, in_flight: int) -> None:
        """Requests that arrived elsewhere will leave here."""
        self._in_flight += in_flight
        self._peak = max(self._peak, self._in_flight)

    def connected(self) -> int:
        """A connection brought its first request; how many did before it."""
        before = self._connections
        self._connections += 1
        return before

    def arrived(self) -> None:
        """A request came in; `left` must follow."""
        self._requests += 1
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)

    def struck(self, kind: str) -> None:
        """A fault of that kind befell the request."""
        self._faults[kind] += 1

    def answered(self, retcode: str) -> None:
        """A whole reply with that result code is about to leave."""
        self._answered[retcode] += 1

    def left(self) -> None:
        """The request is over: answered, aborted, or given up by the client."""
        self._in_flight -= 1

    def stats(self) -> Stats:
        """The counts as they are now."""
        return Stats(
            requests=self._requests,
            peak_in_flight=self._peak,
            in_flight=self._in_flight,
            answered=dict(self._answered),
            faults=dict(self._faults),
            connections=self._connections,
        )
