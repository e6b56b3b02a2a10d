"""Waiting between attempts, without a slot: the one place where tenacity is used.

What may live here: the items between two attempts, and how a story is carried from one to the
next. What this room must not know: who makes the attempts, and when there is room for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import anyio
import tenacity

from bulkagent.clock import Clock
from bulkagent.engine.retry.due import Due
from bulkagent.engine.retry.parked import Parked
from bulkagent.engine.retry.policy import Again
from bulkagent.model import AttemptResult

__all__ = ["Parking", "until_enough"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Parking(Generic[ItemT, AttemptT]):
    """The items of one bulkhead that are between two attempts, and those of them that are due.

    Args:
        most: How many there is room for; a few more are taken in when they come at once.
    """

    __slots__ = ("_items", "_most", "_put_off", "due")

    def __init__(self, most: int) -> None:
        self._most = most
        # In the order in which their latest attempts ended.
        self._items: dict[Parked[ItemT, AttemptT], None] = {}
        self.due: Due[ItemT, AttemptT] = Due()
        """Those that may be attempted now."""
        self._put_off: list[Parked[ItemT, AttemptT]] = []

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Parked[ItemT, AttemptT]]:
        return iter(self._items)

    def __contains__(self, parked: Parked[ItemT, AttemptT]) -> bool:
        return parked in self._items

    @property
    def waiting(self) -> bool:
        """Whether there is any that no worker has."""
        return any(not parked.in_flight for parked in self._items)

    @property
    def full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._items) >= self._most

    def add(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Take one in, or note that its latest attempt has just ended."""
        self._items.pop(parked, None)
        self._items[parked] = None

    def remove(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Its story is over."""
        self._items.pop(parked, None)

    def put_off(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Its time has come, but it is not to be attempted before the sweep."""
        self._put_off.append(parked)

    def sweep(self) -> bool:
        """Make due all that were put off; whether there were any."""
        found = bool(self._put_off)
        self.due.extend(self._put_off)
        self._put_off.clear()
        return found

    def pick(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Hand one that is due to a worker."""
        self.due.remove(parked)
        parked.in_flight = True

    def longest(self, *, but: ItemT | None) -> Parked[ItemT, AttemptT] | None:
        """The one whose latest attempt is the longest ago, if possible another than `but`."""
        waiting = [parked for parked in self._items if not parked.in_flight]
        others = (parked for parked in waiting if parked.item is not but)
        return next(others, waiting[0] if waiting else None)

    def clear(self) -> None:
        """Nothing is due any more, now and later."""
        self.due.clear()
        self._put_off.clear()


async def until_enough(
    parked: Parked[ItemT, AttemptT],
    *,
    due: Callable[[], None],
    clock: Clock,
) -> None:
    """Carry an item's story on until there is enough of it.

    The first attempt was made already, by a worker and without tenacity, which costs as much
    as the request; it is replayed here as the first result. The tenacity object is this
    story's own: one that is shared by tasks mixes up their results without an error.

    Args:
        parked: The item. Whoever makes its attempts sets its story and decision, then `answered`.
        due: Called when a further attempt is to be made.
        clock: Time.
    """
    replayed = False

    async def attempt() -> None:
        nonlocal replayed
        if not replayed:
            replayed = True
            return
        parked.answered = anyio.Event()
        due()
        await parked.answered.wait()

    def wanted(state: tenacity.RetryCallState) -> bool:
        if state.outcome is None or state.outcome.failed:
            return False
        return isinstance(parked.decision, Again)

    def wait(_state: tenacity.RetryCallState) -> float:
        return parked.decision.after_s if isinstance(parked.decision, Again) else 0.0

    async def sleep(seconds: float) -> None:
        await parked.wait(seconds, clock)

    retrying = tenacity.AsyncRetrying(
        retry=wanted, wait=wait, stop=tenacity.stop_never, sleep=sleep, reraise=True
    )
    await retrying(attempt)
