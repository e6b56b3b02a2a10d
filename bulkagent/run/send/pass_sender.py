"""One pass of a leg after the other, each with an engine, a journal and clients of its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import anyio

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.engine import Engine
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.faults import WITHOUT_AN_ANSWER
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.ledger import Callbacks, Journal, Lane, endpoints_of, requests_at_work
from bulkagent.model import Assignment, Outcome
from bulkagent.run.clients.factory import ClientFactory
from bulkagent.run.handover.gates import HandoverGates
from bulkagent.run.handover.rules import lanes_of
from bulkagent.run.outputs.outlets import Outlets
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.send.bulkheads import Bulkheads, halt_rules
from bulkagent.run.send.listener import GatewayBulkhead
from bulkagent.run.send.passes import Passes
from bulkagent.run.sharing.shared_limits import Sharing


class PassSender:
    """Sends the passes of one leg.

    Args:
        leg: What, where to, and by which settings.
        outlets: Told of every attempt and decision, and of every outcome that is on disk.
        clock: Time.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
        tell: Told what people should know of the order in which it is sent.
    """

    def __init__(
        self,
        leg: PlannedLeg,
        *,
        outlets: Outlets,
        clock: Clock,
        uniform: Callable[[], float],
        settled: Callable[[Outcome], None] | None,
        tell: Callable[[str], None],
    ) -> None:
        self._leg = leg
        self._settings = leg.settings
        self._clock = clock
        self._settled = settled
        self._events = outlets.events
        self._clients = ClientFactory(leg.gateways, leg.settings, clock)
        self._began_s: float | None = None
        self.passes = Passes()
        self.bulkheads = Bulkheads(
            *(leg.settings, leg.planned.answered, leg.planned.applied),
            emulated=leg.gateways.emulated,
            clock=clock,
            uniform=uniform,
            log=outlets.log,
        )
        self.gates = HandoverGates(
            *(leg.record, leg.settings),
            only=leg.only,
            clock=clock,
            uniform=uniform,
            tell=tell,
            log=outlets.log,
            halted=self.passes.halted,
        )

    async def send(self, number: int, lanes: Sequence[Lane], guids: CredentialSource) -> None:
        """Send until every row of these lanes has an outcome, or the leg is stopped.

        Args:
            number: The leg's number.
            lanes: What is left to send.
            guids: The source of GUIDs.

        Raises:
            BaseExceptionGroup: Of what ended it before its time: the ledger's errors, defects.
        """
        await self.gates.open(lanes)
        keys = lanes_of(lanes, self.gates.keeper)
        async with AsyncExitStack() as stack:
            journal = await stack.enter_async_context(self._journal(number, keys))
            self.passes.journal(journal)
            bulkheads = await self._made(stack, journal, lanes, keys, guids)
            engine = Engine(
                bulkheads,
                clock=self._clock,
                rules=halt_rules(self._settings),
                deadline_s=self._deadline_s(),
                deadline_said_s=self._settings.deadline_s,
                grace_s=self._settings.grace_s,
            )
            self.passes.engine(engine)
            # Lanes that wait for others' outcomes would never hear of any again.
            journal.tell(engine.stop)
            sharing = await stack.enter_async_context(self._sharing(bulkheads, journal))
            readiness = await self.gates.readiness_checks(
                *(stack, self._clients, keys, guids), spent_s=self._spent_s()
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(sharing.run)
                if readiness is not None:
                    tasks.start_soon(readiness.run)
                await engine.run()
                await journal.leave()
                tasks.cancel_scope.cancel()

    def _journal(self, number: int, keys: Mapping[str, Sequence[int]]) -> Journal:
        leg, gatekeeper = self._leg, self.gates.keeper
        return Journal(
            leg.record,
            leg=number,
            applied=leg.planned.applied,
            only=leg.only,
            off_already=self.gates.off_already,
            operation=SET_TALK_RIGHT.name,
            lanes=[key for several in keys.values() for key in several],
            clock=self._clock,
            synced=self._settings.durability == "full",
            callbacks=Callbacks(
                settled=self._settled,
                ended=self._ended if gatekeeper or self._events else None,
                batched=gatekeeper.announce if gatekeeper else None,
                reopened=self.gates.reopened,
            ),
        )

    async def _made(
        self,
        stack: AsyncExitStack,
        journal: Journal,
        lanes: Sequence[Lane],
        keys: Mapping[str, Sequence[int]],
        guids: CredentialSource,
    ) -> list[GatewayBulkhead]:
        """The bulkheads of a pass, after those of the pass before."""
        earlier = {head.name: head for head in self.passes.bulkheads}
        at_work = {} if earlier else await self._at_work()
        return [
            self.bulkheads.make(
                name,
                [lane for lane in lanes if lane.gateway == name],
                await stack.enter_async_context(
                    self._clients.setter(name, guids, singly=name in self.bulkheads.out_of_step)
                ),
                journal,
                keys=keys[name],
                gates=self.gates.keeper,
                spent_s=self._spent_s(),
                earlier=earlier.get(name),
                at_work=at_work.get(name, ()),
            )
            for name in keys
        ]

    async def _at_work(self) -> Mapping[str, Sequence[int]]:
        """By gateway, until when each request counts as in flight that earlier legs left there."""
        if self._leg.gateways.emulated:
            return {}  # what was at work there ended with its command
        return await in_thread(
            functools.partial(
                requests_at_work,
                self._leg.record,
                without_answer=WITHOUT_AN_ANSWER,
                now_ms=self._clock.wall_ms(),
                timeout_s=self._settings.timeout_s,
            )
        )

    def _sharing(self, heads: Sequence[GatewayBulkhead], journal: Journal) -> Sharing:
        """What other commands on this ledger leave of the limits of these gateways."""
        leg = self._leg
        urls = {} if leg.gateways.emulated else {x.gateway: x.url for x in endpoints_of(leg.record)}
        return Sharing(
            *(leg.database, leg.planned.run, leg.plan.run_id or ""),
            {urls[head.name]: self.bulkheads.shared_gateway(head) for head in heads if urls},
            clock=self._clock,
            in_doubt=lambda: (
                journal.counters.unfinished > 0 or any(head.lingering for head in heads)
            ),
        )

    def _ended(self, key: int, item: Assignment, outcome: Outcome) -> None:
        if self.gates.keeper is not None:
            self.gates.ended(key, item, outcome)
        if self._events is not None:
            self._events.ended(item, outcome)

    def _spent_s(self) -> float:
        """Seconds since the leg began to send."""
        now = self._clock.monotonic()
        if self._began_s is None:
            self._began_s = now
        return now - self._began_s

    def _deadline_s(self) -> float | None:
        """The seconds that are left of the deadline; None: there is none."""
        if self._settings.deadline_s is None:
            return None
        return max(0.0, self._settings.deadline_s - self._spent_s())
