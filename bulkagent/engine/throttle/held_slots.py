"""Slots that are kept although the connection of their request has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import anyio

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.clock import Clock
from bulkagent.engine.throttle.lingering_requests import Flight
from bulkagent.engine.throttle.throttle import Throttle

AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class HeldSlots(Generic[AttemptT]):
    """The requests of one bulkhead that the upstream may still be at work on.

    Args:
        throttle: What counts them.
        clock: Time.
        soon: Has `report_overdue` called soon, from within the loop.
        regulate: Assigns the slots anew.
        over: Whether nobody wants a slot any more.
    """

    __slots__ = ("_clock", "_holds", "_over", "_overdue", "_regulate", "_soon", "_throttle")

    def __init__(
        self,
        throttle: Throttle,
        clock: Clock,
        *,
        soon: Callable[[], None],
        regulate: Callable[[], None],
        over: Callable[[], bool],
    ) -> None:
        self._throttle = throttle
        self._clock = clock
        self._soon = soon
        self._regulate = regulate
        self._over = over
        self._overdue: list[Flight] = []  # of which nobody has been told
        self._holds: dict[anyio.CancelScope, AttemptHistory[AttemptT] | None] = {}

    def __len__(self) -> int:
        return len(self._holds)

    def undecided(self) -> Iterator[AttemptHistory[AttemptT]]:
        """The attempts of each item whose next step waits for the end of a hold."""
        return (history for history in self._holds.values() if history is not None)

    def busy_s(self) -> float:
        """For how many seconds the client has been busy so far, where the limit asks for it."""
        return self._clock.busy_s() if self._throttle.adapts else 0.0

    def overdue(self, flight: Flight) -> None:
        """An answer is overdue. Called by a timer, where nobody would hear of what is raised."""
        self._overdue.append(flight)
        self._soon()

    def report_overdue(self) -> None:
        """Tell the throttle of all answers that are overdue since the last call."""
        while self._overdue:
            flight = self._overdue.pop(0)
            self._throttle.overdue(flight, self._clock.monotonic(), self.busy_s())

    async def hold(self, flight: Flight, history: AttemptHistory[AttemptT] | None) -> None:
        """Keep the slot until nobody is at work on what was sent, or nobody wants it any more.

        Args:
            flight: The attempt, whose connection has ended.
            history: What is to be said of its item meanwhile; None: that is said already.
        """
        self._regulate()
        lingering = self._throttle.lingering
        if self._over():
            lingering.leave(flight)
            return
        with anyio.CancelScope() as scope:
            self._holds[scope] = history
            try:
                await self._clock.sleep(max(0.0, lingering.until(flight) - self._clock.monotonic()))
            finally:
                del self._holds[scope]
        if scope.cancelled_caught:  # the slot is given back, and it counts without
            lingering.leave(flight)
        else:
            lingering.remove(flight)
            self._regulate()

    def release(self) -> None:
        """Give all slots back at once."""
        for hold in self._holds:
            hold.cancel()
