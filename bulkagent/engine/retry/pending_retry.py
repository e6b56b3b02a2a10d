"""An item between two attempts.

It knows its attempts so far and its own waiting, and nothing of other items.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import anyio

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.retry.policy import Decision
from bulkagent.model import RetryCharge

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class PendingRetry(Generic[ItemT, AttemptT]):
    """An item that is to be attempted again.

    Attempts and decision always belong together: the worker of an attempt sets both at once, so
    there is no moment at which an attempt has ended and nothing has been decided on it.
    """

    __slots__ = (
        "_hurried",
        "_sleep",
        "absent",
        "answered",
        "decision",
        "history",
        "in_flight",
        "item",
        "lane",
        "scope",
        "since",
    )

    def __init__(
        self,
        item: ItemT,
        history: AttemptHistory[AttemptT],
        decision: Decision,
        *,
        lane: int = 0,
        since: float = 0.0,
        absent: bool = False,
    ) -> None:
        self.item = item
        self.lane = lane
        self.absent = absent
        """Whether the queue of the absent sees to its waiting, so that no task of its own does."""
        self.history = history
        self.decision = decision
        self.since = since
        """When its first attempt began."""
        self.scope = anyio.CancelScope()
        self.in_flight = False
        """Whether a worker has it; then only the worker knows how it ends."""
        self.answered = anyio.Event()
        self._sleep: anyio.CancelScope | None = None
        self._hurried = False

    async def wait(self, seconds: float, clock: Clock) -> None:
        """Wait for its time, or until it is hurried."""
        if not self._hurried:
            with anyio.CancelScope() as self._sleep:
                await clock.sleep(seconds)
            self._sleep = None
        self._hurried = False

    @property
    def charge(self) -> RetryCharge:
        """What its next attempt is charged to; the queue of the absent has a pace of its own."""
        if self.absent:
            return RetryCharge.NOTHING
        return self.history.last.disposition.charge

    def hurry(self) -> None:
        """End its wait between two attempts, also one that has not begun yet."""
        self._hurried = True
        if self._sleep is not None:
            self._sleep.cancel()
