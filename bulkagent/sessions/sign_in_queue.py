"""Signing agents in: who is next, how fast, and what each answer leads to.

What may live here: the queue, the pace, and one sign-in at a time per agent. What this room must
not know: how sessions are kept once they are there.

An agent is noted in the sessions file as begun before its sign-in is sent: after a kill nobody
can tell whether it was, and then it must not be sent again unasked.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from bulkagent.clock import Clock
from bulkagent.engine import Pacer
from bulkagent.gateway.session_requests import Answer, SignIn
from bulkagent.sessions.answers import after_sign_in
from bulkagent.sessions.intervals import NOT_NOW_TRIES, before_sign_in_s
from bulkagent.sessions.lockout_guard import Refusals
from bulkagent.sessions.registry import Book, Entry
from bulkagent.sessions.state_machine import Happened, State, Then
from bulkagent.sessions.store import Saving
from bulkagent.sessions.waiting import first_of

__all__ = ["SignInPace", "SigningIn", "Signs"]

_NOTED_FOR_S = 0.25
"""As many sign-ins are noted together as start within so long; a kill leaves these in doubt."""


class Signs(Protocol):
    """Whoever signs in at a gateway."""

    async def sign_in(self, sign_in: SignIn, *, forced: bool = False) -> Answer:
        """Sign an agent in."""


class SignInPace(msgspec.Struct, frozen=True, kw_only=True):
    """How gently agents are signed in."""

    per_second: float = 5.0
    at_once: int = 4
    force: bool = False
    """Whether somebody who is signed in as the agent elsewhere is signed out."""


class SigningIn:
    """Signs in whoever is queued.

    Args:
        book: All sessions.
        saving: The sessions file.
        pace: How gently.
        at: Who signs in at a gateway.
        ended: Told of each sign-in that ended and is not queued again.
        clock: Time.
        chance: Numbers from 0 up to 1, for spreading.
    """

    def __init__(
        self,
        book: Book,
        saving: Saving,
        pace: SignInPace,
        *,
        at: Callable[[str], Signs],
        ended: Callable[[Entry, Then], None],
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self.refusals = Refusals(len(book))
        self._book = book
        self._saving = saving
        self._pace = pace
        self._at = at
        self._ended = ended
        self._clock = clock
        self._chance = chance
        self._batch = max(1, math.ceil(pace.per_second * _NOTED_FOR_S))
        # What the wait for the file took is made up for, and no more than that.
        self._pacer = Pacer(pace.per_second, self._batch)
        self._places = asyncio.Semaphore(pace.at_once)
        self._queue: list[tuple[float, int, Entry]] = []
        self._order = itertools.count()
        self._more = asyncio.Event()
        self._flying = 0
        self._stopping = asyncio.Event()

    def __repr__(self) -> str:
        return f"<SigningIn {len(self._queue)} queued, {self._flying} in flight>"

    @property
    def stopped(self) -> bool:
        """Whether nobody will be signed in any more."""
        return self._stopping.is_set() or bool(self.refusals.verdict)

    def queue(self, entry: Entry, after_s: float = 0.0) -> None:
        """Have an agent signed in, at the earliest after so many seconds."""
        due = self._clock.monotonic() + after_s
        heapq.heappush(self._queue, (due, next(self._order), entry))
        self._more.set()

    def stop(self) -> None:
        """Begin no more sign-ins; those in flight may finish."""
        self._stopping.set()

    async def run(self) -> None:
        """Sign in until stopped; ends when the last sign-in in flight has."""
        async with asyncio.TaskGroup() as flying:
            while not self.stopped:
                batch = self._due()
                if batch:
                    await self._begin(flying, batch)
                else:
                    await self._wait()

    def _due(self) -> list[Entry]:
        now = self._clock.monotonic()
        batch: list[Entry] = []
        while self._queue and self._queue[0][0] <= now and len(batch) < self._batch:
            batch.append(heapq.heappop(self._queue)[2])
        return batch

    async def _wait(self) -> None:
        """Until somebody is due or queued, or there is no more to do."""
        self._more.clear()
        waits: list[Coroutine[Any, Any, object]] = [self._more.wait(), self._stopping.wait()]
        if self._queue:
            left_s = max(0.0, self._queue[0][0] - self._clock.monotonic())
            waits.append(self._clock.sleep(left_s))
        await first_of(*waits)

    async def _begin(self, flying: asyncio.TaskGroup, batch: list[Entry]) -> None:
        for entry in batch:
            self._book.happened(entry, Happened.BEGUN)
        try:
            await first_of(self._saving.until_saved(), self._stopping.wait())
            while batch and await self._has_turn():
                flying.create_task(self._sign_in(batch.pop(0)))
        finally:
            for entry in batch:
                self._book.happened(entry, Happened.WITHHELD)

    async def _has_turn(self) -> bool:
        """Wait for a place and for the pace; False, without a place, once stopped."""
        await self._places.acquire()
        if not self.stopped:
            await self._clock.sleep(self._pacer.reserve(self._clock.monotonic()))
        if self.stopped:
            self._places.release()
        return not self.stopped

    async def _sign_in(self, entry: Entry) -> None:
        """One agent's sign-in to its end, whatever that is."""
        self._flying += 1
        try:
            then = await self._attempt(entry, forced=False)
            if entry.state is State.ALREADY_SIGNED_IN and self._pace.force and not self.stopped:
                then = await self._force(entry)
        except asyncio.CancelledError:
            if entry.state is State.SIGNING_IN:
                self._book.happened(entry, Happened.DOUBTED, "cut off")
            raise
        finally:
            self._flying -= 1
            self._places.release()
            # A refusal may have been one too many for whoever waits.
            self._more.set()
        if then is Then.QUEUE:
            self.queue(entry, before_sign_in_s(entry.tries, self._chance()))
        else:
            self._ended(entry, then)

    async def _force(self, entry: Entry) -> Then:
        self._book.happened(entry, Happened.FORCING)
        await first_of(self._saving.until_saved(), self._stopping.wait())
        if self.stopped:
            return self._book.happened(entry, Happened.WITHHELD)
        return await self._attempt(entry, forced=True)

    async def _attempt(self, entry: Entry, *, forced: bool) -> Then:
        answer = await self._at(entry.gateway).sign_in(entry.sign_in, forced=forced)
        happened = after_sign_in(answer)
        entry.tries = entry.tries + 1 if happened in _AGAIN else 0
        if happened is Happened.NOT_NOW and entry.tries >= NOT_NOW_TRIES:
            happened = Happened.REFUSED
        if happened in _OF_THE_PASSWORD:
            self.refusals.refused()
        elif happened in _PASSWORD_ACCEPTED:
            self.refusals.accepted()
        why, message = answer.disposition.name, answer.message
        if happened is Happened.SIGNED_IN:
            entry.credential = answer.credential
            entry.must_change_password = answer.must_change_password
            why = "must_change_password" if answer.must_change_password else ""
        elif happened is Happened.DOUBTED and why == "0":
            why = "no_guid"
        return self._book.happened(entry, happened, why, message)


_AGAIN = frozenset({Happened.NEVER_SENT, Happened.NOT_NOW})
_OF_THE_PASSWORD = frozenset({Happened.REFUSED_PASSWORD, Happened.REFUSED_LOCKED})
# "Already signed in" may be said before a password is looked at, so it proves nothing.
_PASSWORD_ACCEPTED = frozenset({Happened.SIGNED_IN})
