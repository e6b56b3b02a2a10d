"""How many retries an upstream is given: a share of the first attempts, and a few a second.

Time is an argument.
"""

from __future__ import annotations

import math

# A caller that asks again when told is never a hair too early, and sent round in circles.
_MARGIN_S = 0.001


class RetryBudget:
    """A bucket of retries; granted never exceeds share x first attempts + per second x seconds.

    Retries of an upstream that fails everything multiply what it is asked by the number of
    attempts, just when it can do least. A budget bounds the factor for all items together,
    which no limit on each of them can. The figures are those of Finagle's `RetryBudget` (K.
    Oliver, "Retry Budgets", 2016): 20 %, 10 a second, and credit that lasts for 10 seconds.

    The bound on the balance is what makes an hour of health worth no more than ten seconds: 10 s
    at 10 a second, which is one second's work at the default rate, and six times what is in
    flight by default, so that a hiccup that fails all of it is retried without delay. Finagle
    lets each deposit expire instead, and keeps a ring of counters for it; a bound forgets much
    the same with one number.

    Args:
        share: Retries earned by a first attempt, from 0 up.
        per_second: Retries earned by a second, from 0 up; at 0 there must be first attempts.
        most: Retries in the bucket at most, at least 1; what is earned beyond is forgone.
    """

    __slots__ = ("_first", "_forgone", "_granted", "_most", "_per_second", "_share", "_start")

    def __init__(
        self, share: float = 0.2, per_second: float = 10.0, *, most: float = 100.0
    ) -> None:
        if share < 0 or per_second < 0 or most < 1:
            raise ValueError(
                f"no budget: {share} of first attempts, {per_second}/s, {most} at most"
            )
        self._share = share
        self._per_second = per_second
        self._most = most
        self._start: float | None = None
        # Counters, not a balance: summing up fifths would in time grant what nobody earned.
        self._first = 0
        self._granted = 0
        self._forgone = 0.0

    def __repr__(self) -> str:
        return (
            f"<RetryBudget {self._share:.0%} + {self._per_second:g}/s:"
            f" {self._granted} retries granted for {self._first} first attempts>"
        )

    @property
    def granted(self) -> int:
        """Retries granted so far."""
        return self._granted

    def left(self, now: float) -> int:
        """Retries that would be granted now, for an observer: it changes nothing."""
        start = now if self._start is None else self._start
        earned = self._share * self._first + self._per_second * (now - start)
        return max(0, int(min(self._most, earned - self._forgone - self._granted)))

    def first(self, now: float) -> None:
        """Count a first attempt. `now` is in seconds, as in `grant`; the first call starts time."""
        if self._start is None:
            self._start = now
        self._first += 1

    def grant(self, now: float) -> float:
        """Ask for a retry.

        Returns:
            0.0: it is granted, and counted; there is no way to give it back, because what is
            granted is sent. Else the seconds until there is room by the passing of time alone
            (infinity, where time earns nothing). First attempts may make room earlier, and others
            may take it: a waiter has to ask again.
        """
        wait_s = self.room_in(now)
        if not wait_s:
            self._granted += 1
        return wait_s

    def room_in(self, now: float) -> float:
        """What `grant` would return, without anything being granted."""
        balance = self._balance(now)
        if balance >= 1.0:
            return 0.0
        if not self._per_second:
            return math.inf
        return (1.0 - balance) / self._per_second + _MARGIN_S

    def _begin(self, now: float) -> float:
        if self._start is None:
            self._start = now
        return self._start

    def _balance(self, now: float) -> float:
        earned = self._share * self._first + self._per_second * (now - self._begin(now))
        balance = earned - self._forgone - self._granted
        if balance <= self._most:
            return balance
        self._forgone = earned - self._granted - self._most
        return self._most
