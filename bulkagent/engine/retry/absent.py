"""Items whose agents are not there yet, and that are polled now and then.

Such an item holds no slot, no task and no place in the retry queue.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.retry.pending_retry import PendingRetry
from bulkagent.engine.retry.policy import Poll
from bulkagent.engine.retry.poller import Poller, PollPolicy

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class _Waiter(msgspec.Struct, Generic[ItemT, AttemptT], frozen=True):
    item: ItemT
    lane: int
    history: AttemptHistory[AttemptT]
    since: float


class AbsentQueue(Generic[ItemT, AttemptT]):
    """The items of one bulkhead whose agents are absent.

    Args:
        poll_policy: How long they are polled, and how gently; None: none is.
        clock: Time.
        random: Numbers from 0 up to 1.
        attempt: Has an attempt made of an item, which comes back by `add` or does not: `done`.
        expired: Ends an item that is not polled any more.
    """

    __slots__ = ("_attempt", "_on_expired", "_poller")

    def __init__(
        self,
        poll_policy: PollPolicy | None,
        clock: Clock,
        random: Callable[[], float],
        *,
        attempt: Callable[[PendingRetry[ItemT, AttemptT]], None],
        expired: Callable[[ItemT, int, AttemptHistory[AttemptT]], None],
    ) -> None:
        self._attempt = attempt
        self._on_expired = expired
        self._poller: Poller[_Waiter[ItemT, AttemptT]] = Poller(
            poll_policy, clock, random, poll=self._poll, expired=self._expire
        )

    def __len__(self) -> int:
        return len(self._poller)

    @property
    def open(self) -> bool:
        """Whether any item is polled at this moment."""
        return self._poller.open

    async def run(self) -> None:
        """Poll, for as long as this is not cancelled."""
        await self._poller.run()

    def add(self, pending: PendingRetry[ItemT, AttemptT]) -> None:
        """Poll an item."""
        waiter = _Waiter(pending.item, pending.lane, pending.history, pending.since)
        self._poller.add(waiter, again=pending.absent)

    def done(self) -> None:
        """An item that was attempted has ended."""
        self._poller.done()

    def close(self) -> None:
        """Poll nothing any more."""
        self._poller.close()

    def _poll(self, waiter: _Waiter[ItemT, AttemptT]) -> None:
        kept = {"lane": waiter.lane, "since": waiter.since, "absent": True}
        self._attempt(PendingRetry(waiter.item, waiter.history, Poll(), **kept))  # type: ignore[arg-type]

    def _expire(self, waiter: _Waiter[ItemT, AttemptT]) -> None:
        self._on_expired(waiter.item, waiter.lane, waiter.history)
