"""The sending of one leg: engine, journal and clients, put together and taken apart again.

What may live here: who is given what while requests are sent. What this room must not know: how
a leg came to be planned, and what is done after it.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio.to_thread

from bulkagent.clock import Clock
from bulkagent.engine import End, Engine, Gatekeeper
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT
from bulkagent.ledger import (
    Counters,
    Database,
    Journal,
    Lane,
    applied_incoming,
    endpoints_of,
    planned_rows,
    put_in_doubt,
)
from bulkagent.outcome import Assignment, Attempt, Cause, Outcome, Status
from bulkagent.run.bulkheads import Bulkheads, GatewayBulkhead, explained, halt_rules
from bulkagent.run.credentials import Supply
from bulkagent.run.events import EventLog
from bulkagent.run.gateways import Gateways
from bulkagent.run.handing_over import gatekeeper_for, group_name, lanes_of, result_of
from bulkagent.run.planning import Planned
from bulkagent.run.request import Request
from bulkagent.run.seeing import Watch
from bulkagent.run.sighting import Sightings
from bulkagent.run.verifying import Verification

if TYPE_CHECKING:
    from bulkagent.gateway.client import GatewayClient
    from bulkagent.gateway.queries import Queries

__all__ = ["Sending"]


class Sending:
    """Sends what one leg has to send.

    Args:
        request: Settings and scenario.
        gateways: Where to.
        planned: What.
        database: The ledger.
        supply: Where GUIDs come from; None: from the roster, by way of the plan.
        only: Only what ended with one of these causes; none: whatever the cause.
        clock: Time.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
        tell: Told what people should know of the order in which it is sent.
        log: Told of every attempt and decision.
        watches: The queues by which it is verified.
    """

    def __init__(
        self,
        request: Request,
        gateways: Gateways,
        planned: Planned,
        database: Database,
        *,
        supply: Supply | None = None,
        only: Collection[Cause],
        clock: Clock,
        uniform: Callable[[], float],
        settled: Callable[[Outcome], None] | None,
        tell: Callable[[str], None],
        log: EventLog,
        watches: Sequence[Watch] = (),
    ) -> None:
        self._settings = request.settings
        self._gateways = gateways
        self._planned = planned
        self._database = database
        self._supply = supply
        self._only = only
        self._clock = clock
        self._uniform = uniform
        self._settled = settled
        self._tell = tell
        self._log = log
        self._journal: Journal | None = None
        self._engines: list[Engine[Assignment, Attempt]] = []
        self._bulkheads = Bulkheads(
            request.settings, planned.answered, clock=clock, uniform=uniform, log=log
        )
        self._gatekeeper: Gatekeeper | None = None
        self._sightings: Sightings | None = None
        self._going_off: frozenset[int] = frozenset()
        self._reasons: list[str] = []
        self._before: Counters | None = None
        self._began: float | None = None
        self._stopped = False
        self._verification = (
            Verification(
                watches, request.settings, gateways, database, planned.run, clock=clock, log=log
            )
            if watches
            else None
        )
        self.looked_s = 0.0
        """For how long it was looked whether what is set is so, which is no sending."""
        self.once_more = 0
        """Agents who were put in doubt, to be sent once more."""

    async def run(self, leg: int) -> None:
        """Send until everything has an outcome, or it is stopped; at once where it was before.

        Args:
            leg: The leg's number.

        Raises:
            BaseExceptionGroup: Of what ended it before its time: the ledger's errors, defects.
        """
        planned = self._planned
        async with AsyncExitStack() as stack:
            guids: CredentialSource = planned.guids
            if self._supply is not None:
                guids = await self._supply.enter(stack)
            if self._gateways.emulated:
                rows = planned_rows(self._database, planned.run)
                names = [at.gateway for at in endpoints_of(self._database, planned.run)]
                guids = await self._gateways.emulate(stack, names, rows)
            if self._verification is not None and not self._stopped:
                await self._looked(self._verification.before(guids))
            await self._send(leg, planned.lanes, guids)
            if self._settings.resend_after_switchover and planned.resends:
                await self._send_once_more(leg, guids)
            counters = self.counters
            if self._verification is not None and counters and counters.by_status[Status.APPLIED]:
                await self._looked(self._verification.after(leg))

    async def _looked(self, look: Awaitable[None]) -> None:
        began = self._clock.monotonic()
        try:
            await look
        finally:
            self.looked_s += self._clock.monotonic() - began

    async def _send_once_more(self, leg: int, guids: CredentialSource) -> None:
        """Send those again who were set before their gateway switched over.

        They are in doubt from here on, also where nothing more may be sent.
        """
        lanes = await anyio.to_thread.run_sync(put_in_doubt, self._database, self._planned.run)
        if not lanes:
            return
        self.once_more = sum(lane.assignments for lane in lanes)
        self._log.decided("run.once_more", agents=self.once_more)
        if self.causes - {Cause.BREAKER_OPEN}:
            return
        down = {name for engine in self._engines for name, _ in engine.endings}
        if left := [lane for lane in lanes if lane.gateway not in down]:
            await self._send(leg, left, guids)

    async def _send(self, leg: int, lanes: Sequence[Lane], guids: CredentialSource) -> None:
        settings, planned = self._settings, self._planned
        gatekeeper = await anyio.to_thread.run_sync(
            functools.partial(
                gatekeeper_for,
                *(self._database, planned.run, lanes, settings),
                only=self._only,
                clock=self._clock,
                told=self._held_back,
            )
        )
        self._gatekeeper = gatekeeper
        held_s = gatekeeper.opens_in(self._clock.monotonic()) if gatekeeper else 0.0
        if held_s:
            self._tell(
                f"some agents wait for up to {held_s:.0f} s, because the last request asked for the"
                " opposite and may still take effect"
            )
        self._going_off = frozenset(lane.lane for lane in lanes if lane.wave)
        keys = lanes_of(lanes, gatekeeper)
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(
                Journal(
                    self._database,
                    planned.run,
                    leg=leg,
                    only=self._only,
                    operation=SET_TALK_RIGHT.name,
                    lanes=[key for several in keys.values() for key in several],
                    clock=self._clock,
                    synced=settings.durability == "full",
                    settled=self._settled,
                    ended=self._ended if gatekeeper else None,
                    batched=gatekeeper.announce if gatekeeper else None,
                )
            )
            if self._journal is not None:
                self._before = self._journal.counters
            self._journal = journal
            earlier = {head.name: head for engine in self._engines for head in engine.bulkheads}
            bulkheads = [
                self._bulkheads.make(
                    name,
                    [lane for lane in lanes if lane.gateway == name],
                    await stack.enter_async_context(self._client(name, guids)),
                    journal,
                    keys=keys[name],
                    gates=gatekeeper,
                    spent_s=self._spent_s(),
                    earlier=earlier.get(name),
                )
                for name in keys
            ]
            engine = Engine(
                bulkheads,
                clock=self._clock,
                rules=halt_rules(settings),
                deadline_s=self._deadline_s(),
                deadline_said_s=settings.deadline_s,
                grace_s=settings.grace_s,
            )
            self._engines.append(engine)
            if self._stopped:
                engine.stop()
            sightings = await self._sight(stack, keys, guids)
            async with anyio.create_task_group() as tasks:
                if sightings is not None:
                    tasks.start_soon(sightings.run)
                await engine.run()
                tasks.cancel_scope.cancel()

    async def _sight(
        self, stack: AsyncExitStack, names: Iterable[str], guids: CredentialSource
    ) -> Sightings | None:
        """Look whether who comes on is there, where that is what being up means."""
        settings, gatekeeper = self._settings, self._gatekeeper
        if gatekeeper is None or not gatekeeper.by_sight:
            return None
        applied = await anyio.to_thread.run_sync(
            applied_incoming, self._database, self._planned.run
        )
        # Those who came on before may be of gateways to which nothing is sent any more.
        asked = dict.fromkeys([*names, *(gateway for _, gateway, _, _ in applied)])
        ask = {name: await stack.enter_async_context(self._queries(name, guids)) for name in asked}
        window_s = settings.wait_for_sign_in_s or 0.0
        self._sightings = sightings = Sightings(
            {name: functools.partial(_is_there, queries) for name, queries in ask.items()},
            window_s=max(0.0, window_s - self._spent_s()),
            seen=lambda group, up: gatekeeper.seen(group, up=up),
            clock=self._clock,
            uniform=self._uniform,
        )
        for row, gateway, agent_id, group in applied:
            if gatekeeper.watch(group, 1):
                agent = Assignment(row, gateway, agent_id, SET_TALK_RIGHT.name, "")
                sightings.watch(agent, group)
        return sightings

    def _spent_s(self) -> float:
        """Seconds since the leg began to send."""
        now = self._clock.monotonic()
        if self._began is None:
            self._began = now
        return now - self._began

    def _deadline_s(self) -> float | None:
        """What is left of the deadline."""
        if self._settings.deadline_s is None:
            return None
        return max(0.0, self._settings.deadline_s - self._spent_s())

    def _ended(self, key: int, assignment: Assignment, outcome: Outcome) -> None:
        """Tell the gates of an outcome that is on disk."""
        if self._gatekeeper is None:
            return
        goes_off = max(key, ~key) in self._going_off
        result = result_of(outcome, self._settings, goes_off=goes_off)
        self._gatekeeper.ended(key, result)
        if self._sightings is not None and result.applied and not goes_off:
            self._sightings.watch(assignment, self._gatekeeper.group(key))

    def _held_back(self, group: str, end: End) -> None:
        """Note that a group, or everything, is held back, so that a person must look."""
        self._log.decided(f"run.{end.cause}", group=group, reason=end.reason)
        named = group_name(group, self._settings) if end.cause is not Cause.CANARY else ""
        self._reasons.append(f"{named}: {end.reason}" if named else end.reason)
        if self._journal is not None:
            self._journal.halted("; ".join(self._reasons))

    def stop(self) -> None:
        """Admit nothing more; requests in flight finish within the grace."""
        self._stopped = True
        for engine in self._engines:
            engine.stop()
        if self._verification is not None:
            self._verification.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well."""
        self._stopped = True
        for engine in self._engines:
            engine.cancel()
        if self._verification is not None:
            self._verification.cancel()

    @property
    def unseen(self) -> str:
        """What kept it from being verified, for people; "" where nothing did."""
        return self._verification.note if self._verification is not None else ""

    @property
    def counters(self) -> Counters | None:
        """What is on disk of this leg; None before it began."""
        if self._journal is None:
            return None
        if not self.once_more:
            return self._journal.counters
        if self._before is None:
            return self._journal.counters.followed_by(Counters(), self.once_more)
        return self._before.followed_by(self._journal.counters, self.once_more)

    @property
    def seen_up(self) -> Mapping[str, int]:
        """By group, how many were seen to take calls, where that is what being up means."""
        gatekeeper = self._gatekeeper
        return gatekeeper.up if gatekeeper is not None and gatekeeper.by_sight else {}

    @property
    def waiting(self) -> int:
        """Agents between two attempts."""
        return sum(head.parked for head in self._heads)

    @property
    def awaited(self) -> int:
        """Agents who are waited for to sign in."""
        return sum(head.awaited for head in self._heads)

    @property
    def causes(self) -> frozenset[Cause]:
        """Why any gateway's part ended before its time."""
        if not self._engines:
            return frozenset({Cause.INTERRUPTED} if self._stopped else ())
        ends = [end for engine in self._engines for _, end in engine.endings]
        held = [end for engine in self._engines for end in engine.lanes_ended.values()]
        return frozenset(end.cause for end in (*ends, *held))

    @property
    def not_attempted(self) -> dict[int, Cause]:
        """Lane -> why its last rows were not attempted."""
        left = {
            lane: head.ended.cause
            for head in self._heads
            if head.ended is not None
            for lane in head.lanes_left
        }
        held = {
            lane: end.cause for engine in self._engines for lane, end in engine.lanes_ended.items()
        }
        # Those of a lane who may be set already are not among those who were not attempted.
        return {lane: cause for lane, cause in {**left, **held}.items() if lane >= 0}

    @property
    def reason(self) -> str:
        """Why it ended before its time, and what to check, for people."""
        ended = [
            explained(head, head.ended)
            for head in self._heads
            if head.ended is not None and head.ended.reason
        ]
        return "; ".join(dict.fromkeys((*self._reasons, *ended)))

    @property
    def _heads(self) -> list[GatewayBulkhead]:
        return [head for engine in self._engines for head in engine.bulkheads]

    def _queries(self, name: str, guids: CredentialSource) -> Queries:
        from bulkagent.gateway.queries import Queries

        return Queries(
            self._gateways.endpoint(name),
            guids,
            connect_timeout_s=self._settings.connect_timeout_s,
            timeout_s=self._settings.timeout_s,
        )

    def _client(self, name: str, guids: CredentialSource) -> GatewayClient:
        # It brings the HTTP library, which commands that send nothing need not wait for.
        from bulkagent.gateway.client import GatewayClient

        return GatewayClient(
            self._gateways.endpoint(name),
            OPERATIONS[SET_TALK_RIGHT.name],
            guids,
            connect_timeout_s=self._settings.connect_timeout_s,
            timeout_s=self._settings.timeout_s,
            clock=self._clock,
        )


async def _is_there(queries: Queries, agent: Assignment) -> bool:
    state = await queries.agent_state(agent)
    return state is not None and state.available
