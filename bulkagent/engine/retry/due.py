"""Those whose time has come, by what a further attempt of theirs draws on.

What may live here: the queues, and who is first in each. What this room must not know: whether
there is room in any budget. One queue for all would let who waits for one budget hold up who
waits for another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from bulkagent.engine.retry.parked import Parked
from bulkagent.model import AttemptResult, RetryCharge

__all__ = ["Due"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Due(Generic[ItemT, AttemptT]):
    """Items that may be attempted now; those that draw on nothing come first."""

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        order = (RetryCharge.NOTHING, RetryCharge.RETRIES, RetryCharge.LOOKUPS)
        self._queues: dict[RetryCharge, deque[Parked[ItemT, AttemptT]]] = {
            charge: deque() for charge in order
        }

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Parked[ItemT, AttemptT]]:
        return (parked for queue in self._queues.values() for parked in queue)

    def __contains__(self, parked: Parked[ItemT, AttemptT]) -> bool:
        return parked in self._queues[parked.charge]

    def heads(self) -> list[Parked[ItemT, AttemptT]]:
        """The first of each queue that has any."""
        return [queue[0] for queue in self._queues.values() if queue]

    def add(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Its time has come."""
        self._queues[parked.charge].append(parked)

    def extend(self, several: Iterable[Parked[ItemT, AttemptT]]) -> None:
        """Their time has come, in this order."""
        for parked in several:
            self.add(parked)

    def remove(self, parked: Parked[ItemT, AttemptT]) -> None:
        """It is handed out."""
        self._queues[parked.charge].remove(parked)

    def clear(self) -> None:
        """Nobody's time will come any more."""
        for queue in self._queues.values():
            queue.clear()
