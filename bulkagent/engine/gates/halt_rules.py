"""Whether sending goes on, asked of counters: halt rules as values.

A rule is asked after every item, so counting keeps ready what a rule needs and nothing is counted
twice.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.model import Cause, Evidence, Status
from bulkagent.reasons import FirstAllGot, NotApplied, Reason

AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Tally:
    """Counters of finished items; `finished` is the sum of `applied`, `bad` and `aside`.

    Args:
        rows: How many items there are to finish in all; 0 where nobody knows.
        applied_before: Whether earlier items were applied, so that an end that may be about one
            item alone does not point to the setup.
    """

    __slots__ = (
        "_applied_before",
        "_mixed",
        "_verdict",
        "applied",
        "aside",
        "bad",
        "finished",
        "rows",
    )

    def __init__(self, rows: int = 0, *, applied_before: bool = False) -> None:
        self.rows = rows
        self._applied_before = applied_before
        self.finished = 0
        self.applied = 0
        self.bad = 0
        """Neither applied nor aside."""
        self.aside = 0
        """Not applied for a reason of their own, so no rule holds them against the run."""
        self._verdict: Cause | None = None
        self._mixed = False

    def __repr__(self) -> str:
        return (
            f"<Tally {self.finished} of {self.rows}: {self.applied} applied, {self.bad} bad,"
            f" {self.aside} aside>"
        )

    def copy(self) -> Tally:
        """The same counts, from here on independent of these."""
        twin = Tally(self.rows)
        for name in Tally.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin

    @property
    def counted(self) -> int:
        """Finished items that a rule may go by: all but those aside."""
        return self.finished - self.aside

    @property
    def verdict(self) -> Cause | None:
        """The one thing that all counted items began with, where it points to the setup.

        None where none is counted, any is applied, or they began with different things.
        """
        return None if self._mixed else self._verdict

    def count(self, history: AttemptHistory[AttemptT]) -> None:
        """Count an item by all its attempts. Runs for every item of a run."""
        self.finished += 1
        last = history.last.disposition
        if last.status is Status.APPLIED:
            self.applied += 1
            self._mixed = True
        elif last.evidence is Evidence.PERSONAL and history.doubt is None:
            self.aside += 1
        else:
            self.bad += 1
            if not self._mixed:
                self._compare(history)

    def take_back(self, *, applied: bool, aside: bool) -> None:
        """An item that was counted is not finished after all.

        Args:
            applied: Whether it was counted as applied.
            aside: Whether it was counted as aside.
        """
        self.finished -= 1
        if applied:
            self.applied -= 1
        elif aside:
            self.aside -= 1
        else:
            self.bad -= 1

    def lose(self) -> None:
        """One of the items is somebody else's now."""
        if self.rows > 1:  # 0 would say that nobody knows
            self.rows -= 1

    def put_down(self) -> None:
        """An item that was taken back is finished, and not applied."""
        self.finished += 1
        self.bad += 1
        self._mixed = True

    def _compare(self, history: AttemptHistory[AttemptT]) -> None:
        first = history.first.disposition
        points = first.evidence is Evidence.SETUP and not (first.lasting and self._applied_before)
        if not points or self._verdict not in {None, first.cause}:
            self._mixed = True
        self._verdict = first.cause


class Go(msgspec.Struct, frozen=True, gc=False):
    """Sending goes on."""


class End(msgspec.Struct, frozen=True, gc=False):
    """Nothing more is admitted."""

    cause: Cause
    """What is said of every row that was not attempted because of it."""
    reason: Reason | None = None
    """For people; None where there is nothing to say."""


HaltDecision = Go | End

_GO = Go()


class HaltRule(Protocol):
    """A rule over the tally of a whole run."""

    def ask(self, tally: Tally) -> HaltDecision:
        """Whether sending goes on."""


class HaltFirst(msgspec.Struct, frozen=True, gc=False):
    """Ends one bulkhead where its first items all say that something is set up wrongly.

    Stale GUIDs or a wrong address fail every agent alike, so a few are enough to know; going on
    would only burn the rest of the list. One other end among the first, and it never ends.
    """

    count: int = 50
    """How many are enough; where there are fewer, all of them. 0: the rule is off."""

    def ask(self, tally: Tally, name: str) -> HaltDecision:
        """Whether the bulkhead of that tally and name goes on."""
        needed = min(self.count, tally.rows - tally.aside) if tally.rows else self.count
        if tally.counted < needed:
            return _GO
        return self.blame(tally, name) or _GO

    def blame(self, tally: Tally, name: str) -> End | None:
        """The end where all that are counted say that something is set up wrongly, be they few."""
        if not self.count or (verdict := tally.verdict) is None:
            return None
        return End(Cause.HALTED, FirstAllGot(tally.counted, name, verdict))


class HaltShare(msgspec.Struct, frozen=True, gc=False):
    """Ends a run where too large a share of it goes wrong."""

    share: float
    """Bad among counted, above 0 and at most 1, from which on it ends."""
    at_least: int = 50
    """Not before as many are counted: a share of few is chance."""

    def ask(self, tally: Tally) -> HaltDecision:
        """Whether the run of that tally goes on."""
        counted = tally.counted
        if counted < max(1, self.at_least) or tally.bad / counted < self.share:
            return _GO
        return End(Cause.HALTED, NotApplied(tally.bad, counted, share=self.share))


class HaltCount(msgspec.Struct, frozen=True, gc=False):
    """Ends a run where too many of it go wrong."""

    count: int
    """Bad items, at least 1, from which on it ends."""
    at_least: int = 50
    """Not before as many are counted."""

    def ask(self, tally: Tally) -> HaltDecision:
        """Whether the run of that tally goes on."""
        if tally.counted < self.at_least or tally.bad < self.count:
            return _GO
        return End(Cause.HALTED, NotApplied(tally.bad, tally.counted, limit=self.count))
