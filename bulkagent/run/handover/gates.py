"""The gates of a leg while it is sent: built from the ledger, told of outcomes, said to people."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.engine import End, Gatekeeper, GateResult
from bulkagent.gateway.credentials import CredentialSource
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.lane_keys import LaneKey
from bulkagent.ledger import FormerOutcome, Lane, RunRecord, applied_incoming, up_already
from bulkagent.model import Assignment, Cause, Outcome
from bulkagent.reasons import GroupHeld, Reason
from bulkagent.run.clients.factory import ClientFactory
from bulkagent.run.handover.readiness import ReadinessChecks
from bulkagent.run.handover.rules import (
    gatekeeper_for,
    group_name,
    result_of,
    taken_off_before,
)
from bulkagent.run.outputs.log import EventLog
from bulkagent.settings import Settings

if TYPE_CHECKING:
    from bulkagent.gateway.queries import Queries


class HandoverGates:
    """The gates of one leg, pass after pass.

    Args:
        record: The run.
        settings: Gate, floor and canaries among them.
        only: Only what ended with one of these causes is sent; none: whatever the cause.
        clock: Time.
        uniform: Numbers from 0 up to 1, for the jitter of looks.
        tell: Told what people should know of the order in which it is sent.
        log: Told of every decision.
        halted: Called with all reasons so far why a person must look.
    """

    def __init__(
        self,
        record: RunRecord,
        settings: Settings,
        *,
        only: Collection[Cause],
        clock: Clock,
        uniform: Callable[[], float],
        tell: Callable[[str], None],
        log: EventLog,
        halted: Callable[[Sequence[Reason]], None],
    ) -> None:
        self._record = record
        self._settings = settings
        self._only = only
        self._clock = clock
        self._uniform = uniform
        self._tell = tell
        self._log = log
        self._halted = halted
        self._going_off: frozenset[int] = frozenset()
        self.off_already: frozenset[int] = frozenset()
        """Rows of agents whom another run took off before; whatever ends them, they stay off."""
        self._up_already: set[int] = set()
        self._readiness: ReadinessChecks | None = None
        self.keeper: Gatekeeper | None = None
        """Of the present pass; None: nothing is held back."""
        self.reasons: list[Reason] = []
        """Why groups, or everything, were held back."""

    async def open(self, lanes: Sequence[Lane]) -> None:
        """Build the gates of these lanes from what is on disk.

        Raises:
            LedgerUnavailable: The ledger cannot be read.
        """
        self._readiness = None
        self._going_off = frozenset(lane.lane for lane in lanes if lane.goes_off)
        off = await in_thread(
            functools.partial(
                taken_off_before,
                *(self._record, lanes, self._settings),
                only=self._only,
                now_ms=self._clock.wall_ms(),
            )
        )
        self.off_already = frozenset().union(*off.rows.values())
        self.keeper = await in_thread(
            functools.partial(
                gatekeeper_for,
                *(self._record, lanes, self._settings),
                only=self._only,
                off=off,
                clock=self._clock,
                held_back=self._held_back,
            )
        )
        self._up_already = set()
        if self.keeper is not None and self.keeper.groups:
            self._up_already = await in_thread(up_already, self._record)
        held_s = self.keeper.opens_in(self._clock.monotonic()) if self.keeper else 0.0
        if held_s:
            self._tell(
                f"some agents wait for up to {held_s:.0f} s, because the last request asked for the"
                " opposite and may still take effect"
            )

    async def readiness_checks(
        self,
        stack: AsyncExitStack,
        clients: ClientFactory,
        names: Iterable[str],
        guids: CredentialSource,
        *,
        spent_s: float,
    ) -> ReadinessChecks | None:
        """The readiness checks of incoming agents, where `up` means available."""
        keeper = self.keeper
        if keeper is None or not keeper.by_sight:
            return None
        applied = await in_thread(applied_incoming, self._record)
        # Agents who came on before may be of gateways to which nothing is sent any more.
        asked = dict.fromkeys([*names, *(gateway for _, gateway, _, _ in applied)])
        ask = {
            name: await stack.enter_async_context(clients.queries(name, guids)) for name in asked
        }
        readiness = self._readiness = ReadinessChecks(
            {name: functools.partial(_is_there, queries) for name, queries in ask.items()},
            window_s=max(0.0, (self._settings.wait_for_sign_in_s or 0.0) - spent_s),
            seen=lambda group, up: keeper.seen(group, up=up),
            clock=self._clock,
            uniform=self._uniform,
        )
        for row, gateway, agent_id, group in applied:
            if keeper.watch(group, 1):
                agent = Assignment(row, gateway, agent_id, SET_TALK_RIGHT.name, "")
                readiness.watch(agent, group)
        return readiness

    def ended(self, key: int, assignment: Assignment, outcome: Outcome) -> None:
        """Tell the gates of an outcome that is on disk."""
        if self.keeper is None:
            return
        goes_off = LaneKey(key).lane in self._going_off
        result = self._result(outcome, goes_off=goes_off)
        if outcome.row in self._up_already:
            # From now on what this run was answered counts, and no more what another was.
            self._up_already.discard(outcome.row)
            result = msgspec.structs.replace(result, counted=True)
        self.keeper.ended(key, result)
        if self._readiness is not None and result.applied and not goes_off:
            self._readiness.watch(assignment, self.keeper.group(key))

    def reopened(self, former: FormerOutcome) -> int:
        """Tell the gates of a finished agent who is in doubt; the lane of the agent."""
        keeper, outcome = self.keeper, former.outcome
        if keeper is None:
            return former.lane
        goes_off = former.lane in self._going_off
        was = self._result(outcome, goes_off=goes_off)
        key = keeper.reopened(former.lane, was, again=former.again)
        if self._readiness is not None and not goes_off:
            up = self._readiness.forget(outcome.row)
            if up is not None:
                keeper.unseen(keeper.group(key), up=up)
        return key

    def _result(self, outcome: Outcome, *, goes_off: bool) -> GateResult:
        result = result_of(outcome, self._settings, goes_off=goes_off)
        if outcome.row in self.off_already:
            return msgspec.structs.replace(result, off=True)
        return result

    @property
    def seen_up(self) -> Mapping[str, int]:
        """By group, how many were seen to take calls, where that is what being up means."""
        return self.keeper.up if self.keeper is not None and self.keeper.by_sight else {}

    def _held_back(self, group: str, end: End) -> None:
        self._log.decided(f"run.{end.cause}", group=group, reason=str(end.reason or ""))
        if end.reason is None:
            return
        named = group_name(group, self._settings) if end.cause is not Cause.CANARY else ""
        self.reasons.append(GroupHeld(named, end.reason) if named else end.reason)
        self._halted(self.reasons)


async def _is_there(queries: Queries, agent: Assignment) -> bool:
    state = await queries.agent_state(agent)
    return state is not None and state.available
