"""The last steps before the first request, when everybody has agreed.

The question may have been open for long, so what it was about is looked at once more.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import anyio
import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.errors import (
    BulkagentError,
    GuardrailRefused,
    Interrupted,
    Refused,
    RunBusy,
    SettingsRefused,
)
from bulkagent.gateway.preflight import run_preflight
from bulkagent.instants import Instant
from bulkagent.ledger import (
    begin_leg,
    find_run,
    finish_leg,
    leave_to,
    leave_to_persons,
    note_take_over,
    put_in_doubt,
    release_lease,
    sign_leg,
    supersede,
    take_from,
    take_lease,
)
from bulkagent.reasons import TakenOver
from bulkagent.run.beside import named_runs, refuse_against
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.plan.consent import Consent
from bulkagent.run.plan.operator_identity import operator_name
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.plan.recorded_checks import refuse_age
from bulkagent.run.plan.request import Revert
from bulkagent.run.plan.same_roster import begun_since
from bulkagent.run.schedule.preflight import preflight_problems
from bulkagent.run.schedule.wait import wait_for_start
from bulkagent.run.send.control import LegControl
from bulkagent.run.take_over import (
    TakeOverPlan,
    first_of,
    make_way,
    plan_take_over,
    watch,
)


async def await_start(
    start: Instant,
    leg: PlannedLeg,
    agent: tuple[int, str, str] | None,
    *,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Wait for the start, having looked at what it needs.

    Raises:
        SettingsRefused: It cannot start.
    """
    look = functools.partial(preflight_problems, leg, agent, start=start, clock=clock)
    try:
        await wait_for_start(start, look, clock=clock, tell=tell)
    except SettingsRefused as refused:
        raise SettingsRefused(str(refused), totals=leg.plan.totals) from None


async def reach_gateways(leg: PlannedLeg, clock: Clock) -> None:
    """Refuse gateways that no request can come to, as long as nothing was sent.

    Raises:
        SettingsRefused: One has no address, or cannot be trusted.
    """
    if leg.gateways.emulated:
        return
    for name in sorted(leg.planned.names):
        try:
            await run_preflight(
                leg.gateways.endpoint(name),
                connect_timeout_s=leg.settings.connect_timeout_s,
                clock=clock,
            )
        except SettingsRefused as refused:
            raise SettingsRefused(str(refused), totals=leg.plan.totals) from None


class Begun(msgspec.Struct, frozen=True):
    """A leg that has begun, and what becomes of the runs in its way."""

    leg: int
    take_over: TakeOverPlan

    @property
    def waits(self) -> bool:
        """Whether anybody has to leave something before it may send."""
        return bool(self.take_over.drained or self.take_over.corrected)


def begin(leg: PlannedLeg, *, consent: Consent | None, now_ms: int) -> Begun:
    """Begin the leg that a plan is for, with all that it takes from other runs on disk.

    Raises:
        RunBusy: A run of the same roster is in progress elsewhere.
        GuardrailRefused: A run in progress has some of the agents.
        ResumeRefused: What was agreed to is not so any more.
        RunNotFound: There is no run of a name that is to be taken over.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    asked, planned = leg.asked, leg.planned
    named = named_runs(leg)
    person = consent is Consent.TERMINAL
    overlaps = take_lease(leg.record)
    try:
        take_over = plan_take_over(
            overlaps, named=named, person=person, new=planned.new, run=planned.run
        )
        refuse_against(leg, take_over, consent)
        number = _begin(leg, take_over, now_ms=now_ms)
        sign_leg(
            leg.record,
            number,
            who=operator_name(),
            note=asked.note,
            consent=consent,
            on_behalf_of=asked.on_behalf_of,
        )
    except BaseException:
        with contextlib.suppress(BulkagentError):  # it ends with the process anyway
            release_lease(leg.record)
        raise
    return Begun(number, take_over)


def _begin(leg: PlannedLeg, take_over: TakeOverPlan, *, now_ms: int) -> int:
    planned, record, override = leg.planned, leg.record, leg.override
    if not planned.new:
        facts = find_run(leg.database, planned.plan.run_id)
        refuse_age(leg.database, facts, leg.settings.max_age_s, now_ms)
        override = override or ("answered at the terminal" if planned.plan.guardrail else "")

    def come_to_terms(number: int) -> None:
        # Only one of several that began at once gets here first, and the others see it.
        if rival := begun_since(leg.database, planned):
            raise RunBusy(
                f"run {rival.id} of this roster has begun elsewhere meanwhile, so nothing was sent."
                " Trying again is safe",
                totals=planned.plan.totals,
            )
        if leg.asked.take_over:
            note_take_over(record, number, take_over.drained)
        # From here on a drained run sends to none of them either, however late it hears of it.
        for overlap in (*take_over.drained, *take_over.corrected):
            take_from(record, overlap.run)
        for overlap in take_over.left:
            leave_to(record, overlap.run)

    return begin_leg(
        record,
        command=planned.plan.command,
        only=leg.only,
        override="" if planned.new else override,
        now_ms=now_ms,
        within=come_to_terms,
    )


async def clear_the_way(
    leg: PlannedLeg,
    begun: Begun,
    control: LegControl,
    *,
    consent: Consent | None,
    log: EventLog,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Have runs in the way leave what is this one's, and leave to later ones what is theirs.

    Args:
        leg: The leg that has begun.
        begun: Its number, and the runs in its way.
        control: By what it may be stopped meanwhile.
        consent: How it was agreed to.
        log: Told of every decision.
        clock: Time.
        tell: Told what is waited for.

    Raises:
        Refused: One does not, or it was stopped; the leg has ended by then.
    """
    refused = None
    if begun.waits:
        refused = await _wait_for_others(leg, begun, control, log=log, clock=clock, tell=tell)
    if control.drained_for:
        refused = GuardrailRefused(f"{TakenOver(control.drained_for)}; nothing was sent")
    elif control.signal is not None and begun.waits:
        refused = Interrupted("interrupted; nothing was sent", signal=control.signal)
    if refused is None:
        await in_thread(functools.partial(_leave_to_later, leg, consent=consent))
        return
    refused.totals = leg.plan.totals
    log.decided("run.refused", reason=str(refused))
    await in_thread(functools.partial(_give_up, leg, begun.leg, refused, now_ms=clock.wall_ms()))
    raise refused


async def _wait_for_others(
    leg: PlannedLeg,
    begun: Begun,
    control: LegControl,
    *,
    log: EventLog,
    clock: Clock,
    tell: Callable[[str], None],
) -> Refused | None:
    """Wait until the runs in the way have left what is this one's; why one does not."""
    for taken in begun.take_over.drained:
        log.decided("run.took_over", run=taken.run_id, agents=taken.agents)
    for taken in begun.take_over.corrected:
        log.decided("run.corrected", run=taken.run_id, agents=taken.agents)
    refused: Refused | None = None
    with control.interruptible():
        try:
            async with anyio.create_task_group() as watches:
                watches.start_soon(watch, leg.planned.locks, clock, control.taken_over)
                await make_way(
                    leg.database,
                    begun.take_over,
                    run=leg.planned.run,
                    by=leg.plan.run_id,
                    timeout_s=leg.settings.timeout_s,
                    clock=clock,
                    tell=tell,
                )
                watches.cancel_scope.cancel()
        except* BulkagentError as failed:
            known = first_of(failed)
            refused = known if isinstance(known, Refused) else Refused(str(known))
    return refused


def _leave_to_later(leg: PlannedLeg, *, consent: Consent | None) -> None:
    """Leave to others what is theirs by now, once everybody else has come to an end with it.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    planned, record = leg.planned, leg.record
    if isinstance(leg.asked, Revert):
        supersede(
            record,
            since_ms=planned.planned_at,
            since_turn=planned.planned_turn,
        )
    elif not planned.new:
        supersede(record)
    elif planned.latest is not None and consent is not Consent.TERMINAL:
        leave_to_persons(record, planned.latest)
    if planned.plan.once_more:
        put_in_doubt(record)


def _give_up(leg: PlannedLeg, number: int, refused: Refused, *, now_ms: int) -> None:
    """Record that a leg which has begun was refused before anything was sent.

    It stays in the ledger, because another run may have been drained for it.
    """
    with contextlib.suppress(BulkagentError):
        finish_leg(
            leg.record,
            number,
            state="interrupted" if isinstance(refused, Interrupted) else "halted",
            exit_code=refused.exit_code,
            reason=str(refused),
            not_attempted={},
            now_ms=now_ms,
        )
