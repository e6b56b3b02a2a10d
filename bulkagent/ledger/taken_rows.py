"""The rows that a leg has handed out and not settled, as far as memory has to know of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from bulkagent.attempt import Carryover
from bulkagent.ledger.prefetch import Item
from bulkagent.ledger.redelivery import FormerOutcome
from bulkagent.model import Assignment, Cause

Told = Callable[[Sequence[tuple[int, FormerOutcome]]], None]
"""Called with the former outcomes of rows that are put in doubt, when that is on disk, and with
the lane as one of which each is handed out again."""


class TakenRows:
    """The rows that a leg has handed out.

    Args:
        whole: Whether their assignments are kept too, for a callback that is told of their ends.
    """

    __slots__ = (
        "_doubtful",
        "_followed",
        "_last_sent_at",
        "_marked",
        "_not_sent",
        "_resent",
        "_sent_at",
        "_waiting",
        "_whole",
        "assignments",
        "carried",
    )

    def __init__(self, *, whole: bool) -> None:
        self.carried: dict[int, Carryover] = {}
        """What earlier legs left of a row."""
        self.assignments: dict[int, tuple[int, Assignment]] = {}
        """Lane and assignment of a row, where they are kept."""
        self._whole = whole
        self._marked: set[int] = set()  # and not settled
        self._waiting: set[int] = set()  # put in doubt, and not marked since
        self._resent: dict[int, int] = {}  # handed out again in this leg, by which lane
        # Marked, and an attempt is not to be relied on: an earlier one (None), or the latest, which
        # may have been answered a moment ago.
        self._doubtful: dict[int, Told | None] = {}
        self._sent_at: dict[int, int] = {}
        # Of rows with an attempt that another is to follow: the latest such attempt's.
        self._followed: dict[int, int] = {}
        self._not_sent: dict[int, int] = {}  # of this leg's attempts of a row, where there are any
        self._last_sent_at = 0

    def take(self, lane: int, item: Item, *, again: bool) -> Assignment:
        """Hand out a row, which may have been handed out before in this leg."""
        assignment, carried = item
        if again:
            self._resent[assignment.row] = lane
        if carried is not None:
            self.carried[assignment.row] = carried
        if self._whole:
            self.assignments[assignment.row] = lane, assignment
        return assignment

    def number(self, row: int, attempt: int) -> int:
        """Which attempt of all legs an attempt of this leg is."""
        carried = self.carried.get(row) if self.carried else None
        return attempt + (carried.attempts if carried else 0)

    def mark(self, row: int, sent_at: int) -> None:
        """An attempt is about to be made, at that time of day."""
        self._sent_at[row] = sent_at
        self._last_sent_at = max(sent_at, self._last_sent_at)
        self._marked.add(row)
        self._waiting.discard(row)
        if row in self._doubtful:
            self._doubtful[row] = None

    def refuse(self, row: int, attempt: int) -> int | None:
        """That attempt is not made, because another run has taken the agent.

        Returns:
            The lane by which the row was handed out again; None where it was not, or where it has
            an earlier attempt of this leg, which is settled yet.
        """
        self._sent_at.pop(row, None)
        self._marked.discard(row)
        if attempt > 1:
            return None
        self.carried.pop(row, None)
        self.assignments.pop(row, None)
        return self._resent.get(row)

    def sent_at(self, row: int, otherwise: int) -> int:
        """When the last attempt was made, as its mark says, and another is to follow it."""
        self._followed[row] = sent_at = self._sent_at.pop(row, otherwise)
        return sent_at

    def not_before(self, began_at: int, now_ms: int) -> int:
        """When something began, where the machine's clock may have been set back in this leg.

        Every agent that a request was sent to was sent to before it.
        """
        return max(began_at, self._last_sent_at) if now_ms < self._last_sent_at else began_at

    def settle(self, row: int, now_ms: int) -> tuple[Carryover | None, Told | None, int]:
        """A row has come to its end.

        Returns:
            The remains of earlier legs; the callback where it was applied and is not to be relied
            on; the time of day, which is never before that of its last mark.
        """
        carried = self.carried.pop(row, None)
        self._marked.discard(row)
        told = None
        if row in self._doubtful:
            told = self._doubtful.pop(row)
            carried = carried or Carryover(0, None, None)
            carried = msgspec.structs.replace(carried, doubt=carried.doubt or Cause.BAD_REPLY)
        followed = self._followed.pop(row, 0) if self._followed else 0
        now_ms = max(now_ms, self._sent_at.pop(row, followed))
        return carried, told, now_ms

    def put_in_doubt(self, rows: Collection[int], told: Told) -> set[int]:
        """Attempts of these rows are not to be relied on; those that are settled already."""
        settled = set(rows) - self._marked - self._waiting
        self._doubtful.update(dict.fromkeys(self._marked.intersection(rows), told))
        self._waiting |= settled
        return settled

    def leave(self, row: int) -> None:
        """A row that was put in doubt is not sent any more."""
        self._waiting.discard(row)

    def was_resent(self, row: int) -> bool:
        """Whether it was handed out again in this leg."""
        return row in self._resent

    def unsent(self, row: int, attempt: int, carried: Carryover | None) -> tuple[int, bool]:
        """Of an attempt no byte left, which its mark said of it.

        Returns:
            How many attempts of the row have sent nothing, in all legs; whether this one was taken
            for a retry.
        """
        before = self._not_sent.get(row, 0)
        self._not_sent[row] = before + 1
        in_all = before + 1 + (carried.not_sent if carried else 0)
        return in_all, attempt - 1 + (row in self._resent) > before

    def unsent_so_far(self, row: int) -> int:
        """How many attempts of this leg have sent nothing."""
        return self._not_sent.get(row, 0) if self._not_sent else 0

    def forget_unsent(self, row: int) -> None:
        """The row has come to its end, and some of its attempts had sent nothing."""
        del self._not_sent[row]

    def before(self, row: int, attempts: int) -> int:
        """How many attempts of this leg were made of a row before one of that number in all legs.

        One more where the row was handed out again.
        """
        carried = self.carried.get(row) if self.carried else None
        return attempts - 1 - (carried.attempts if carried else 0) + (row in self._resent)
