"""Waiting between attempts, without a slot.

The workers that make the attempts, and when there is room for one, are not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import anyio

from bulkagent.attempt import AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.retry.pending_retry import PendingRetry
from bulkagent.engine.retry.policy import Retry
from bulkagent.engine.retry.ready import ReadyQueue

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class RetryQueue(Generic[ItemT, AttemptT]):
    """The items of one bulkhead that are between two attempts, and those of them that are due.

    Args:
        most: How many there is room for; a few more are taken in when they come at once.
    """

    __slots__ = ("_items", "_most", "_put_off", "ready")

    def __init__(self, most: int) -> None:
        self._most = most
        # In the order in which their latest attempts ended.
        self._items: dict[PendingRetry[ItemT, AttemptT], None] = {}
        self.ready: ReadyQueue[ItemT, AttemptT] = ReadyQueue()
        """Those that may be attempted now."""
        self._put_off: list[PendingRetry[ItemT, AttemptT]] = []

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[PendingRetry[ItemT, AttemptT]]:
        return iter(self._items)

    def __contains__(self, pending: PendingRetry[ItemT, AttemptT]) -> bool:
        return pending in self._items

    @property
    def waiting(self) -> bool:
        """Whether there is any that no worker has."""
        return any(not pending.in_flight for pending in self._items)

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._items) >= self._most

    def add(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Take one in, or note that its latest attempt has just ended."""
        self._items.pop(pending, None)
        self._items[pending] = None

    def remove(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """It has ended."""
        self._items.pop(pending, None)

    def put_off(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Its time has come, but it is not to be attempted before the sweep."""
        self._put_off.append(pending)

    def sweep(self) -> bool:
        """Make due all that were put off; whether there were any."""
        found = bool(self._put_off)
        self.ready.extend(self._put_off)
        self._put_off.clear()
        return found

    def pick(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Hand one that is due to a worker."""
        self.ready.remove(pending)
        pending.in_flight = True

    def longest(self, *, but: ItemT | None) -> PendingRetry[ItemT, AttemptT] | None:
        """The one whose latest attempt is the longest ago, if possible another than `but`."""
        waiting = [pending for pending in self._items if not pending.in_flight]
        others = (pending for pending in waiting if pending.item is not but)
        return next(others, waiting[0] if waiting else None)

    def clear(self) -> None:
        """Nothing is due any more, now and later."""
        self.ready.clear()
        self._put_off.clear()


async def until_enough(
    pending: PendingRetry[ItemT, AttemptT],
    *,
    due: Callable[[], None],
    clock: Clock,
) -> None:
    """Wait between the attempts of an item until no further one follows.

    Args:
        pending: The item. Its worker sets its history and decision, then `answered`.
        due: Called when a further attempt is to be made.
        clock: Time.
    """
    while isinstance(pending.decision, Retry):
        await pending.wait(pending.decision.after_s, clock)
        pending.answered = anyio.Event()
        due()
        await pending.answered.wait()
