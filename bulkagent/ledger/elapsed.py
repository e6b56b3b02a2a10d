"""How long ago something was, also where the machine's clock was wrong.

Legs have turns, which say in which order they began, whatever the clock said. A leg that says that
it was at work later than another one began, which has a later turn, had a clock that was ahead, or
two commands were at work at once. A clock that leaps leaves a gap between the times of a leg.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bulkagent.ledger.database import Database

SKEW_MS = 60_000
"""By so much clocks differ, and are set back, without anything being wrong."""

_TURNS = "SELECT run, leg, turn, started_at, finished_at FROM legs ORDER BY turn, run, leg"


class OrderedLeg(msgspec.Struct, frozen=True):
    """A leg in the order of all legs."""

    run: int
    leg: int
    turn: int
    started_at: int
    finished_at: int | None
    """None: it is under way, or was killed."""


class LegOrder:
    """The legs of a ledger, and what can be said of when they were.

    Args:
        legs: All of them, the first that began first.
        now_ms: Time of day.
    """

    def __init__(self, legs: Iterable[OrderedLeg], now_ms: int) -> None:
        self.latest_first = tuple(reversed(tuple(legs)))
        """The legs, the last that began first."""
        self.now_ms = now_ms
        self._caps: dict[tuple[int, int], int] = {}
        earliest = now_ms
        for leg in self.latest_first:
            cap = earliest if leg.finished_at is None else min(earliest, leg.finished_at)
            self._caps[leg.run, leg.leg] = cap
            earliest = min(cap, leg.started_at)

    def idle_ms(self, leg: OrderedLeg, at_ms: int) -> int | None:
        """How long ago something of a leg was, never negative; None: it cannot be known.

        That is so where the clock was ahead: it may have been at any time before what followed.
        """
        if at_ms > self._caps.get((leg.run, leg.leg), self.now_ms) + SKEW_MS:
            return None
        return max(0, self.now_ms - at_ms)

    def meanwhile(self, leg: OrderedLeg, at_ms: int) -> bool:
        """Whether a leg may have been at work until then, beside others that had begun since."""
        began = self.idle_ms(leg, leg.started_at) is not None
        return began and leg.started_at <= at_ms <= self.now_ms + SKEW_MS


def leg_order(database: Database, now_ms: int) -> LegOrder:
    """The turns of a ledger.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    return LegOrder((OrderedLeg(*row) for row in database.all(_TURNS)), now_ms)


def surely_at_work_until(database: Database, leg: OrderedLeg) -> int:
    """The last time of a leg before the first gap in which its clock may have leapt.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    ((until,),) = database.all(
        _BEFORE_A_GAP, (leg.run, leg.leg, leg.started_at, leg.finished_at, SKEW_MS)
    )
    return int(until)


_BEFORE_A_GAP = """
WITH times (at) AS (
    SELECT ?3
    UNION ALL SELECT sent_at FROM outcomes WHERE run = ?1 AND abs(leg) = ?2 AND sent_at >= ?3
    UNION ALL SELECT ?4 WHERE ?4 >= ?3
)
SELECT min(at) FROM (SELECT at, lead(at) OVER (ORDER BY at) AS next FROM times)
WHERE next IS NULL OR next - at > ?5
"""
