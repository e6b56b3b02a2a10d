"""Retries whose time has come, by what each is charged to.

One queue for all would let a retry that waits for one budget hold up one that waits for another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from bulkagent.attempt import AttemptResult
from bulkagent.engine.retry.pending_retry import PendingRetry
from bulkagent.model import RetryCharge

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class ReadyQueue(Generic[ItemT, AttemptT]):
    """Items that may be attempted now; those that are charged to nothing come first."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        order = (RetryCharge.NOTHING, RetryCharge.RETRIES, RetryCharge.LOOKUPS)
        self._queues: dict[RetryCharge, deque[PendingRetry[ItemT, AttemptT]]] = {
            charge: deque() for charge in order
        }

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[PendingRetry[ItemT, AttemptT]]:
        return (pending for queue in self._queues.values() for pending in queue)

    def __contains__(self, pending: PendingRetry[ItemT, AttemptT]) -> bool:
        return pending in self._queues[pending.charge]

    def heads(self) -> list[PendingRetry[ItemT, AttemptT]]:
        """The first of each queue that has any."""
        return [queue[0] for queue in self._queues.values() if queue]

    def add(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Its time has come."""
        self._queues[pending.charge].append(pending)

    def extend(self, several: Iterable[PendingRetry[ItemT, AttemptT]]) -> None:
        """The time of these has come, in this order."""
        for pending in several:
            self.add(pending)

    def remove(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """It is handed out."""
        self._queues[pending.charge].remove(pending)

    def clear(self) -> None:
        """Nothing is ready any more."""
        for queue in self._queues.values():
            queue.clear()
