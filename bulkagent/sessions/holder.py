"""The holder: our own sessions adopted, agents signed in, each session polled until the end.

Only sessions of our own are ever polled. These are of sign-ins of this process, or were left by an
earlier one in the same file. Reading an event takes it from any other client that waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from bulkagent.clock import Clock
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.session_requests import Answer
from bulkagent.model import Delivery
from bulkagent.sessions.answers import after_poll, is_signed_out, may_linger
from bulkagent.sessions.intervals import (
    GIVE_UP_AFTER_S,
    SESSION_LIFE_S,
    after_answer_s,
    after_failure_s,
)
from bulkagent.sessions.race import first_of
from bulkagent.sessions.registry import Registry, SessionEntry
from bulkagent.sessions.sign_in_queue import SignInGateway, SignInPace, SignInQueue
from bulkagent.sessions.state_machine import LIVE, NextStep, SessionEvent, SessionState
from bulkagent.sessions.store import StoreWriter

_SIGN_OUTS_AT_ONCE = 16
_SIGN_IN_AGAIN_AFTER_S = 60.0


class SessionGateway(SignInGateway, Protocol):
    """A client of one gateway's interfaces for sessions."""

    async def poll(
        self, agent_id: str, credential: Credential, *, returning: bool = False
    ) -> Answer:
        """Wait for an agent's next event."""

    async def renew(self, agent_id: str, credential: Credential) -> Answer:
        """Have a session's GUID renewed."""

    async def sign_out(self, agent_id: str, credential: Credential) -> Answer:
        """Sign an agent out."""


class HoldPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How sessions are held."""

    sign_in: SignInPace = SignInPace()
    poll_pause_s: float = 0.5
    """The longest pause between a poll's answer and the next poll, 0.2 to 60."""
    sign_in_again: bool = False
    """Whether a session that was lost is signed in again, a minute later at the earliest."""
    sign_out_on_exit: bool = False


class Holder:
    """Holds all sessions of a registry.

    Args:
        registry: All sessions, as our own file has them.
        gateways: The client of each gateway, by its name.
        writer: Writes the sessions file.
        policy: How sessions are held.
        clock: Time.
        chance: Numbers from 0 up to 1, for spreading.
    """

    def __init__(
        self,
        registry: Registry,
        gateways: Mapping[str, SessionGateway],
        writer: StoreWriter,
        policy: HoldPolicy,
        *,
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self.registry = registry
        self.writer = writer
        self.sign_in_queue = SignInQueue(
            registry,
            writer,
            policy.sign_in,
            at=gateways.__getitem__,
            ended=self._signed_in,
            clock=clock,
            chance=chance,
        )
        self._gateways = gateways
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._stopping = asyncio.Event()
        self._cut = asyncio.Event()
        self._unheld = asyncio.Event()
        self._adopting = 0
        self._adopted = asyncio.Event()
        self._held: set[asyncio.Task[None]] = set()
        self._sign_outs = asyncio.Semaphore(_SIGN_OUTS_AT_ONCE)
        self._group: asyncio.TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<Holder {self.registry!r}>"

    @property
    def stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Begin no more sign-ins, let those in flight finish, save, and end."""
        self._stopping.set()
        self.sign_in_queue.stop()

    def cut(self) -> None:
        """End without waiting for anything but the file."""
        self.stop()
        self._cut.set()

    async def run(self) -> None:
        """Hold until stopped, or until nothing is left to hold."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.writer.run())
            try:
                work = group.create_task(self._work())
                await first_of(asyncio.wait({work}), self._cut.wait())
                work.cancel()
                await asyncio.wait({work})
            finally:
                self.writer.end()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            # Before any session turns out to have died, which queues its agent as well.
            for entry in self.registry:
                if entry.state is SessionState.WAITING:
                    self.sign_in_queue.queue(entry)
            self._adopt()
            signing = group.create_task(self._sign_in())
            await self._until_over()
            self.stop()
            await asyncio.wait({signing})
            if not self._policy.sign_out_on_exit:
                for task in self._held:
                    task.cancel()

    def _adopt(self) -> None:
        """Poll for the sessions of our own file, before any agent is signed in."""
        adopted = [entry for entry in self.registry if entry.state is SessionState.ADOPTING]
        # The oldest GUID dies first.
        adopted.sort(key=lambda entry: (entry.credential and entry.credential.issued_at) or 0)
        self._adopting = len(adopted)
        if not adopted:
            self._adopted.set()
        for entry in adopted:
            self._hold(entry)

    async def _sign_in(self) -> None:
        await first_of(self._adopted.wait(), self._stopping.wait())
        await self.sign_in_queue.run()
        self._look_whether_over()

    async def _until_over(self) -> None:
        """Wait until told to stop, or until no session is held and none will be."""
        self._look_whether_over()
        await first_of(self._stopping.wait(), self._unheld.wait())

    def _look_whether_over(self) -> None:
        counts = self.registry.counts
        to_come = counts[SessionState.SIGNING_IN]
        if not self.sign_in_queue.stopped:
            to_come += counts[SessionState.WAITING]
        if not (self.registry.live or to_come):
            self._unheld.set()

    def _signed_in(self, entry: SessionEntry, next_step: NextStep) -> None:
        if next_step is NextStep.POLL:
            self._hold(entry)
        self._look_whether_over()

    def _hold(self, entry: SessionEntry) -> None:
        if self._group is None:
            raise RuntimeError("sessions are held only while the holding runs")
        task = self._group.create_task(self._keep(entry))
        self._held.add(task)
        task.add_done_callback(self._held.discard)

    async def _keep(self, entry: SessionEntry) -> None:
        """Poll for one session until it ends, or until the hold is stopped."""
        gateway = self._gateways[entry.gateway]
        entry.answered_at = self._clock.monotonic()
        entry.failures = 0
        # The process that held it before may have ended with a poll in flight.
        adopting = entry.missed = entry.state is SessionState.ADOPTING
        returning, next_step = True, NextStep.POLL
        try:
            while entry.credential is not None and not self.stopping:
                answer = await gateway.poll(entry.agent_id, entry.credential, returning=returning)
                next_step = self._polled(entry, answer)
                returning = next_step is not NextStep.POLL
                if entry.missed and entry.state is SessionState.UP:
                    await self._renew(entry, entry.credential)
                if adopting:
                    adopting = False
                    self._one_adopted()
                if entry.state not in LIVE or self.stopping:
                    break
                await self._clock.sleep(self._pause_s(entry, next_step))
        finally:
            if adopting:
                self._one_adopted()
        if self.stopping and self._policy.sign_out_on_exit and entry.credential is not None:
            await self._sign_out(entry, entry.credential)
        elif next_step is NextStep.QUEUE:
            self.sign_in_queue.queue(entry, SESSION_LIFE_S if may_linger(entry.why) else 0.0)
        elif entry.state is SessionState.LOST and self._policy.sign_in_again:
            self.registry.advance(entry, SessionEvent.AGAIN, entry.why)
            self.sign_in_queue.queue(entry, _SIGN_IN_AGAIN_AFTER_S)
        self._look_whether_over()

    def _polled(self, entry: SessionEntry, answer: Answer) -> NextStep:
        """Take up a poll's answer."""
        now = self._clock.monotonic()
        event = after_poll(answer)
        if event is SessionEvent.ANSWERED:
            entry.answered_at, entry.failures = now, 0
            if answer.credential is not None:
                self._renewed(entry, answer.credential)
        elif event is SessionEvent.UNANSWERED:
            entry.failures += 1
            entry.missed = entry.missed or answer.disposition.delivery is Delivery.IN_DOUBT
            if now - entry.answered_at >= GIVE_UP_AFTER_S:
                event = SessionEvent.GIVEN_UP
        ended = answer.disposition
        why = "" if event is SessionEvent.ANSWERED else ended.name
        return self.registry.advance(entry, event, why, answer.message)

    async def _renew(self, entry: SessionEntry, credential: Credential) -> None:
        """Ask for the GUID that a lost reply may have brought.

        A gateway hands a renewed GUID out once, with the poll that is due for it (page 0005). If
        that reply is lost, the next one comes when the old GUID is as good as dead.
        """
        answer = await self._gateways[entry.gateway].renew(entry.agent_id, credential)
        if answer.credential is not None:
            self._renewed(entry, answer.credential)
        elif answer.disposition.delivery is Delivery.ANSWERED:
            entry.missed = False  # refused: the polls tell whether the old one is still good

    def _renewed(self, entry: SessionEntry, credential: Credential) -> None:
        if entry.credential is None or credential.guid != entry.credential.guid:
            entry.missed = False
        self.registry.renewed(entry, credential)
        self.writer.changed()

    def _pause_s(self, entry: SessionEntry, next_step: NextStep) -> float:
        if next_step is NextStep.BACK_OFF:
            return after_failure_s(entry.failures, self._chance())
        return after_answer_s(self._policy.poll_pause_s, self._chance())

    def _one_adopted(self) -> None:
        self._adopting -= 1
        if not self._adopting:
            self._adopted.set()

    async def _sign_out(self, entry: SessionEntry, credential: Credential) -> None:
        async with self._sign_outs:
            answer = await self._gateways[entry.gateway].sign_out(entry.agent_id, credential)
        ended = answer.disposition
        if is_signed_out(answer):
            self.registry.advance(entry, SessionEvent.SIGNED_OUT)
        else:
            entry.why, entry.message = f"sign-out {ended.name}", answer.message
