"""The source of items, which the engine takes from and gives results to."""

from __future__ import annotations

from typing import Protocol, TypeVar

from bulkagent.attempt import AttemptHistory, AttemptResult

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Source(Protocol[ItemT, AttemptT]):
    """Hands out items and takes back what came of them.

    A lane is an opaque key. An item that was taken is always marked and attempted next, with
    nothing to wait for between but the mark, so that stopping strands nothing.
    """

    async def take(self, lane: int) -> ItemT | None:
        """The lane's next item, or None when it has no more, now and later.

        One that has ended may come again, where it was said so: `Bulkhead.reopen`.
        """

    async def mark(self, item: ItemT, attempt: int) -> bool:
        """Record durably that this attempt (1, 2, ...) is about to be made.

        Returns:
            Whether it may be made; where not, somebody else has taken the item, and nothing more
            is heard of one that has had no attempt.
        """

    def attempted(self, item: ItemT, attempt: int, ended: AttemptT) -> None:
        """Record an attempt after which another one follows."""

    def settle(self, item: ItemT, history: AttemptHistory[AttemptT]) -> None:
        """Record the end of an item; it counts once it is durable."""
