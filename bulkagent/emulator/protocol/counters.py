"""Counters of the traffic, for the judges."""

from __future__ import annotations

import enum
from collections import Counter, deque
from collections.abc import Mapping

import msgspec

SECOND = 1.0 - 1e-6
"""Seconds since 1970 are no finer than a microsecond as a float: requests that arrive exactly a
second apart shall never count as within one."""


class GatewayCondition(enum.StrEnum):
    """A condition of the gateway as a whole; counted like a kind of fault, under these names."""

    OVER_CAPACITY = "over_capacity"
    SWITCH_OVER = "switch_over"
    OUTAGE = "outage"


class Stats(msgspec.Struct, frozen=True):
    """The settalkright requests so far."""

    requests: int
    """All requests that arrived."""
    peak_in_flight: int
    """The most at once."""
    in_flight: int
    """Arrived, and neither answered nor aborted yet; a client that hangs up ends nothing."""
    answered: Mapping[str, int]
    """Result code -> whole replies sent with it. Aborted, truncated, HTML: not counted here."""
    faults: Mapping[str, int]
    """Kind of fault, or `over_capacity`, `switch_over`, `outage` -> how often it struck."""
    connections: int
    """Those that brought at least one of the requests."""
    peak_per_second: int
    """The most that arrived within any one second, wherever it begins."""


class Traffic:
    """Counts settalkright requests from arrival to reply."""

    def __init__(self) -> None:
        self._requests = 0
        self._in_flight = 0
        self._peak = 0
        self._answered: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._connections = 0
        self._recent: deque[float] = deque()  # arrivals within the last second
        self._peak_recent = 0
        self._last = 0.0  # the last reading of the clock
        self._behind = 0.0  # by how much it has been set back, in all

    def copy(self) -> Traffic:
        """The same counts, from here on independent of these, with nothing in flight."""
        twin = Traffic()
        twin._requests = self._requests
        twin._peak = self._peak
        twin._answered = self._answered.copy()
        twin._faults = self._faults.copy()
        twin._connections = self._connections
        twin._recent = self._recent.copy()
        twin._peak_recent = self._peak_recent
        twin._last = self._last
        twin._behind = self._behind
        return twin

    @property
    def requests(self) -> int:
        """Requests that have arrived; the number of the last of them."""
        return self._requests

    @property
    def in_flight(self) -> int:
        """Requests that have arrived and not left."""
        return self._in_flight

    def take_over(self, in_flight: int, *, idle_seconds: float) -> None:
        """Requests that arrived elsewhere will leave here; the seconds meanwhile do not count."""
        self._last += idle_seconds
        self._behind -= idle_seconds
        self._in_flight += in_flight
        self._peak = max(self._peak, self._in_flight)

    def connected(self) -> int:
        """A connection brought its first request; how many did before it."""
        before = self._connections
        self._connections += 1
        return before

    def arrived(self, now: float) -> None:
        """A request came in at that time of some clock; `left` must follow."""
        self._requests += 1
        self._in_flight += 1
        self._peak = max(self._peak, self._in_flight)
        if now < self._last:  # a time of day can be set back: then no time has passed
            self._behind += self._last - now
        self._last = now
        now += self._behind
        recent = self._recent
        recent.append(now)
        while recent[0] <= now - SECOND:
            recent.popleft()
        self._peak_recent = max(self._peak_recent, len(recent))

    def struck(self, kind: str) -> None:
        """A fault of that kind befell the request."""
        self._faults[kind] += 1

    def answered(self, retcode: str) -> None:
        """A whole reply with that result code is about to leave."""
        self._answered[retcode] += 1

    def left(self) -> None:
        """The request is over: answered, aborted, or processed for a client that has hung up."""
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
            peak_per_second=self._peak_recent,
        )
