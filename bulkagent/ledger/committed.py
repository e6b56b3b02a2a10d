"""Records of a leg that are on disk: they are counted, and told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bulkagent.ledger.counters import Counters
from bulkagent.ledger.group_commit import Batch
from bulkagent.ledger.redelivery import Doubted, FormerOutcome, Redelivery, doubtful
from bulkagent.ledger.taken_rows import TakenRows
from bulkagent.model import Assignment, Outcome


class Callbacks(msgspec.Struct, frozen=True):
    """The callbacks for a leg's outcomes, once each is on disk.

    What a callback raises ends the run: from then on every mark raises it.
    """

    settled: Callable[[Outcome], None] | None = None
    """Called with each outcome."""
    ended: Callable[[int, Assignment, Outcome], None] | None = None
    """Called with the lane, the assignment and the outcome."""
    batched: Callable[[], None] | None = None
    """Called when all outcomes of a commit have been told."""
    reopened: Callable[[FormerOutcome], int] = lambda former: former.lane
    """Called with each assignment that was finished and has been put in doubt; it says as one of
    which lane the assignment is to be handed out again."""


class Committed:
    """Counts and tells what is on disk of a leg.

    Args:
        rows: The rows that the leg has handed out.
        again: Takes those that are to be handed out again.
        spent: Takes those that were already, or are another run's: they are told alone.
        callbacks: Called with each outcome.
    """

    def __init__(
        self, rows: TakenRows, again: Redelivery, spent: Redelivery, callbacks: Callbacks
    ) -> None:
        self.counters = Counters()
        self._rows = rows
        self._again = again
        self._spent = spent
        self._callbacks = callbacks

    def __call__(self, batch: Batch) -> None:
        """Count and tell a batch that is on disk."""
        counters, rows, callbacks = self.counters, self._rows, self._callbacks
        counters.requests += len(batch.marks)
        for _, row, _, attempts, _ in batch.marks:
            before = rows.before(row, attempts)
            counters.retries += before > rows.unsent_so_far(row)
            counters.unfinished += not before
        if batch.took_back:
            counters.requests -= len(batch.took_back)
            counters.not_sent += len(batch.took_back)
            counters.retries -= sum(batch.took_back)
        counters.unfinished -= len(batch.ended)
        for outcome in batch.ended:
            counters.add(outcome)
        if callbacks.settled is not None:
            for outcome in batch.ended:
                callbacks.settled(outcome)
        if callbacks.ended is not None:
            for outcome in batch.ended:
                callbacks.ended(*rows.assignments.pop(outcome.row), outcome)
        for doubted in batch.doubts:
            self._reopen(doubted)
        if callbacks.batched is not None and (batch.ended or batch.doubts):
            callbacks.batched()

    async def leave(self, now_ms: Callable[[], int]) -> None:
        """Tell that rows which were put in doubt, and are not sent any more, are unknown.

        Raises:
            LedgerFailed: The ledger cannot be read any more.
        """
        for lane, (assignment, carried) in (*await self._again.rest(), *await self._spent.rest()):
            self._rows.leave(assignment.row)
            outcome = doubtful(assignment.row, carried, now_ms())
            self.counters.unfinished -= 1
            self.counters.add(outcome)
            if self._callbacks.settled is not None:
                self._callbacks.settled(outcome)
            if self._callbacks.ended is not None:
                self._callbacks.ended(lane, assignment, outcome)

    def _reopen(self, doubted: Doubted) -> None:
        reopened: list[tuple[int, FormerOutcome]] = []
        for former in doubted.former:
            self.counters.unfinished += 1
            self.counters.add(former.outcome, -1)
            row = former.outcome.row
            again = not self._rows.was_resent(row) and not former.left
            known = msgspec.structs.replace(former, again=again)
            lane = self._callbacks.reopened(known)
            (self._again if known.again else self._spent).add(lane, row)
            reopened.append((lane, known))
        doubted.told(reopened)
