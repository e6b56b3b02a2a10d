"""Items that wait for whoever they are about: not there yet, and asked for again now and then.

What may live here: what is kept of an item meanwhile. What this room must not know: how an attempt
is made. A guest holds no slot, no task and no place in the parking.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from bulkagent.clock import Clock
from bulkagent.engine.retry.parked import Parked
from bulkagent.engine.retry.policy import Yet
from bulkagent.engine.retry.poller import Patience, Rounds
from bulkagent.model import AttemptHistory, AttemptResult

__all__ = ["Lobby"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class _Guest(msgspec.Struct, Generic[ItemT, AttemptT], frozen=True):
    item: ItemT
    lane: int
    history: AttemptHistory[AttemptT]
    since: float


class Lobby(Generic[ItemT, AttemptT]):
    """The guests of one bulkhead.

    Args:
        patience: How long they are waited for, and how gently; None: nobody is.
        clock: Time.
        random: Numbers from 0 up to 1.
        admit: Has an attempt made of a guest, who comes back by `receive` or does not: `left`.
        dismiss: Ends the story of a guest who is not waited for any more.
    """

    __slots__ = ("_admit", "_dismiss", "_rounds")

    def __init__(
        self,
        patience: Patience | None,
        clock: Clock,
        random: Callable[[], float],
        *,
        admit: Callable[[Parked[ItemT, AttemptT]], None],
        dismiss: Callable[[ItemT, int, AttemptHistory[AttemptT]], None],
    ) -> None:
        self._admit = admit
        self._dismiss = dismiss
        self._rounds: Rounds[_Guest[ItemT, AttemptT]] = Rounds(
            patience, clock, random, call=self._call, dismiss=self._farewell
        )

    def __len__(self) -> int:
        return len(self._rounds)

    @property
    def open(self) -> bool:
        """Whether anybody is waited for at this moment."""
        return self._rounds.open

    async def run(self) -> None:
        """See to the guests, for as long as this is not cancelled."""
        await self._rounds.run()

    def receive(self, parked: Parked[ItemT, AttemptT]) -> None:
        """Wait for the one whom an item is about."""
        guest = _Guest(parked.item, parked.lane, parked.history, parked.since)
        self._rounds.add(guest, again=parked.guest)

    def left(self) -> None:
        """A guest's story has come to its end."""
        self._rounds.left()

    def close(self) -> None:
        """Wait for nobody any more."""
        self._rounds.close()

    def _call(self, guest: _Guest[ItemT, AttemptT]) -> None:
        kept = {"lane": guest.lane, "since": guest.since, "guest": True}
        self._admit(Parked(guest.item, guest.history, Yet(), **kept))  # type: ignore[arg-type]

    def _farewell(self, guest: _Guest[ItemT, AttemptT]) -> None:
        self._dismiss(guest.item, guest.lane, guest.history)
