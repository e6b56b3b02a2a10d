"""The queue of sign-ins: the next agent, the rate, and the result of each answer.

An agent is noted in the sessions file as begun before its sign-in is sent. After a kill nobody can
tell whether that was sent. It must not be sent again unasked.
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
from bulkagent.engine import RateLimiter
from bulkagent.gateway.session_requests import Answer, SignIn
from bulkagent.sessions.answers import after_sign_in
from bulkagent.sessions.intervals import NOT_NOW_TRIES, before_sign_in_s
from bulkagent.sessions.lockout_guard import LockoutGuard
from bulkagent.sessions.race import first_of
from bulkagent.sessions.registry import Registry, SessionEntry
from bulkagent.sessions.state_machine import NextStep, SessionEvent, SessionState
from bulkagent.sessions.store import StoreWriter

_NOTED_FOR_S = 0.25
"""As many sign-ins are noted together as start within so long; a kill leaves these in doubt."""


class SignInGateway(Protocol):
    """A client of one gateway's sign-in."""

    async def sign_in(self, sign_in: SignIn, *, forced: bool = False) -> Answer:
        """Sign an agent in."""


class SignInPace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast agents are signed in, and whether by force."""

    per_second: float = 5.0
    at_once: int = 4
    force: bool = False
    """Whether a session of the agent elsewhere is ended."""


class SignInQueue:
    """Signs in the agents of a queue.

    Args:
        registry: All sessions.
        writer: Writes the sessions file.
        pace: How fast.
        at: From a gateway's name to its client.
        ended: Told of each sign-in that ended and is not queued again.
        clock: Time.
        chance: Numbers from 0 up to 1, for spreading.
    """

    def __init__(
        self,
        registry: Registry,
        writer: StoreWriter,
        pace: SignInPace,
        *,
        at: Callable[[str], SignInGateway],
        ended: Callable[[SessionEntry, NextStep], None],
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self.lockout_guard = LockoutGuard(len(registry))
        self._registry = registry
        self._writer = writer
        self._pace = pace
        self._at = at
        self._ended = ended
        self._clock = clock
        self._chance = chance
        self._batch = max(1, math.ceil(pace.per_second * _NOTED_FOR_S))
        # The time that the wait for the file took is made up for, and no more.
        self._rate_limiter = RateLimiter(pace.per_second, self._batch)
        self._places = asyncio.Semaphore(pace.at_once)
        self._queue: list[tuple[float, int, SessionEntry]] = []
        self._order = itertools.count()
        self._more = asyncio.Event()
        self._flying = 0
        self._stopping = asyncio.Event()

    def __repr__(self) -> str:
        return f"<SignInQueue {len(self._queue)} queued, {self._flying} in flight>"

    @property
    def stopped(self) -> bool:
        """Whether no more agents will be signed in."""
        return self._stopping.is_set() or bool(self.lockout_guard.verdict)

    def queue(self, entry: SessionEntry, after_s: float = 0.0) -> None:
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

    def _due(self) -> list[SessionEntry]:
        now = self._clock.monotonic()
        batch: list[SessionEntry] = []
        while self._queue and self._queue[0][0] <= now and len(batch) < self._batch:
            batch.append(heapq.heappop(self._queue)[2])
        return batch

    async def _wait(self) -> None:
        """Wait until an agent is due or queued, or until stopped."""
        self._more.clear()
        waits: list[Coroutine[Any, Any, object]] = [self._more.wait(), self._stopping.wait()]
        if self._queue:
            left_s = max(0.0, self._queue[0][0] - self._clock.monotonic())
            waits.append(self._clock.sleep(left_s))
        await first_of(*waits)

    async def _begin(self, flying: asyncio.TaskGroup, batch: list[SessionEntry]) -> None:
        for entry in batch:
            self._registry.advance(entry, SessionEvent.BEGUN)
        try:
            await first_of(self._writer.until_saved(), self._stopping.wait())
            while batch and await self._has_turn():
                flying.create_task(self._sign_in(batch.pop(0)))
        finally:
            for entry in batch:
                self._registry.advance(entry, SessionEvent.WITHHELD)

    async def _has_turn(self) -> bool:
        """Wait for a place and for the pace; False, without a place, once stopped."""
        await self._places.acquire()
        if not self.stopped:
            await self._clock.sleep(self._rate_limiter.reserve(self._clock.monotonic()))
        if self.stopped:
            self._places.release()
        return not self.stopped

    async def _sign_in(self, entry: SessionEntry) -> None:
        """One agent's sign-in, to its end."""
        self._flying += 1
        try:
            next_step = await self._attempt(entry, forced=False)
            if (
                entry.state is SessionState.ALREADY_SIGNED_IN
                and self._pace.force
                and not self.stopped
            ):
                next_step = await self._force(entry)
        except asyncio.CancelledError:
            if entry.state is SessionState.SIGNING_IN:
                self._registry.advance(entry, SessionEvent.DOUBTED, "cut off")
            raise
        finally:
            self._flying -= 1
            self._places.release()
            # A refusal may have been one too many: the loop looks again.
            self._more.set()
        if next_step is NextStep.QUEUE:
            self.queue(entry, before_sign_in_s(entry.tries, self._chance()))
        else:
            self._ended(entry, next_step)

    async def _force(self, entry: SessionEntry) -> NextStep:
        self._registry.advance(entry, SessionEvent.FORCING)
        await first_of(self._writer.until_saved(), self._stopping.wait())
        if self.stopped:
            return self._registry.advance(entry, SessionEvent.WITHHELD)
        return await self._attempt(entry, forced=True)

    async def _attempt(self, entry: SessionEntry, *, forced: bool) -> NextStep:
        answer = await self._at(entry.gateway).sign_in(entry.sign_in, forced=forced)
        event = after_sign_in(answer)
        entry.tries = entry.tries + 1 if event in _AGAIN else 0
        if event is SessionEvent.NOT_NOW and entry.tries >= NOT_NOW_TRIES:
            event = SessionEvent.REFUSED
        if event in _OF_THE_PASSWORD:
            self.lockout_guard.refused()
        elif event in _PASSWORD_ACCEPTED:
            self.lockout_guard.accepted()
        why, message = answer.disposition.name, answer.message
        if event is SessionEvent.SIGNED_IN:
            entry.credential = answer.credential
            entry.must_change_password = answer.must_change_password
            why = "must_change_password" if answer.must_change_password else ""
        elif event is SessionEvent.DOUBTED and why == "0":
            why = "no_guid"
        return self._registry.advance(entry, event, why, message)


_AGAIN = frozenset({SessionEvent.NEVER_SENT, SessionEvent.NOT_NOW})
_OF_THE_PASSWORD = frozenset({SessionEvent.REFUSED_PASSWORD, SessionEvent.REFUSED_LOCKED})
# "Already signed in" may be said before a password is looked at, so it proves nothing.
_PASSWORD_ACCEPTED = frozenset({SessionEvent.SIGNED_IN})
