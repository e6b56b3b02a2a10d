"""The last steps before the first request, when everybody has agreed.

What may live here: the wait for the start, whether gateways can be spoken to, and the beginning
of a leg. What this room
must not know: how a plan was made, and what is sent. The question may have been open for long, so
what it was about is looked at once more.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable

import msgspec

from bulkagent.clock import Clock
from bulkagent.errors import (
    BulkagentError,
    GuardrailRefused,
    Interrupted,
    Refused,
    ResumeRefused,
    RunBusy,
    SettingsRefused,
)
from bulkagent.gateway.preflight import run_preflight
from bulkagent.instants import Instant
from bulkagent.ledger import (
    Database,
    RunRecord,
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
from bulkagent.run.operator import operator_name
from bulkagent.run.plan.apply import Planned
from bulkagent.run.plan.consent import Consent
from bulkagent.run.plan.prepare import ResolvedRequest
from bulkagent.run.plan.request import Request, Resume, Revert
from bulkagent.run.plan.resume import begun_since, refuse_age
from bulkagent.run.schedule.preflight import preflight_problems
from bulkagent.run.schedule.wait import wait_for_start
from bulkagent.run.take_over import ALL, TakeOverPlan, plan_take_over, refusal

__all__ = ["Begun", "await_start", "begin", "give_up", "leave_to_later", "reach_gateways"]


async def await_start(
    start: Instant,
    planned: Planned,
    prepared: ResolvedRequest,
    agent: tuple[int, str, str] | None,
    *,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Wait for the start, having looked at what it needs.

    Raises:
        SettingsRefused: It cannot start.
    """
    look = functools.partial(preflight_problems, planned, prepared, agent, start=start, clock=clock)
    try:
        await wait_for_start(start, look, clock=clock, tell=tell)
    except SettingsRefused as refused:
        raise SettingsRefused(str(refused), totals=planned.plan.totals) from None


async def reach_gateways(planned: Planned, prepared: ResolvedRequest, clock: Clock) -> None:
    """Refuse gateways that no request can come to, as long as nothing was sent.

    Raises:
        SettingsRefused: One has no address, or cannot be trusted.
    """
    if prepared.gateways.emulated:
        return
    for name in sorted(planned.names):
        try:
            await run_preflight(
                prepared.gateways.endpoint(name),
                connect_timeout_s=prepared.request.settings.connect_timeout_s,
                clock=clock,
            )
        except SettingsRefused as refused:
            raise SettingsRefused(str(refused), totals=planned.plan.totals) from None


class Begun(msgspec.Struct, frozen=True):
    """A leg that has begun, and what becomes of the runs in its way."""

    leg: int
    ways: TakeOverPlan

    @property
    def waits(self) -> bool:
        """Whether anybody has to leave something before it may send."""
        return bool(self.ways.drained or self.ways.corrected)


def begin(
    asked: Request | Resume | Revert,
    planned: Planned,
    prepared: ResolvedRequest,
    database: Database,
    *,
    override: str,
    consent: Consent | None,
    now_ms: int,
) -> Begun:
    """Begin the leg that a plan is for, with all that it takes from other runs on disk.

    Raises:
        RunBusy: A run of the same roster is in progress elsewhere.
        GuardrailRefused: A run in progress has some of the agents.
        ResumeRefused: What was agreed to is not so any more.
        RunNotFound: There is no run of a name that is to be taken over.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    record = RunRecord(database, planned.run)
    named = _named(database, asked, planned)
    person = consent is Consent.TERMINAL
    overlaps = take_lease(record)
    try:
        ways = plan_take_over(
            overlaps, named=named, person=person, new=planned.new, run=planned.run
        )
        _refuse(ways, planned, person=person)
        leg = _begin(asked, planned, prepared, database, ways, override=override, now_ms=now_ms)
        sign_leg(
            record,
            leg,
            who=operator_name(),
            note=asked.note,
            consent=consent,
            on_behalf_of=asked.on_behalf_of,
        )
    except BaseException:
        with contextlib.suppress(BulkagentError):  # it ends with the process anyway
            release_lease(record)
        raise
    return Begun(leg, ways)


def _refuse(ways: TakeOverPlan, planned: Planned, *, person: bool) -> None:
    if not ways.against:
        return
    elsewhere = all(overlap.same for overlap in ways.against)
    kind = RunBusy if elsewhere else GuardrailRefused
    raise kind(refusal(ways, person=person), totals=planned.plan.totals)


def _named(
    database: Database, asked: Request | Resume | Revert, planned: Planned
) -> frozenset[int] | None:
    """The keys of the runs that are to be taken over; None: all."""
    names = asked.take_over
    if isinstance(names, str):
        warnings.warn(
            "take_over is a tuple of runs now; give (run,)", DeprecationWarning, stacklevel=2
        )
        names = (names,) if names else ()
    if ALL in names:
        return None
    found = frozenset(find_run(database, name).run for name in names)
    if planned.run in found:
        raise ResumeRefused(
            f"--take-over {planned.plan.run_id}: that is this run itself; name the other one"
        )
    return found


def _begin(
    asked: Request | Resume | Revert,
    planned: Planned,
    prepared: ResolvedRequest,
    database: Database,
    ways: TakeOverPlan,
    *,
    override: str,
    now_ms: int,
) -> int:
    record = RunRecord(database, planned.run)
    if not planned.new:
        facts = find_run(database, planned.plan.run_id)
        refuse_age(database, facts, prepared.request.settings.max_age_s, now_ms)
        override = override or ("answered at the terminal" if planned.plan.guardrail else "")

    def come_to_terms(leg: int) -> None:
        # Only one of several that began at once gets here first, and the others see it.
        if rival := begun_since(database, planned):
            raise RunBusy(
                f"run {rival.id} of this roster has begun elsewhere meanwhile, so nothing was sent."
                " Trying again is safe",
                totals=planned.plan.totals,
            )
        if asked.take_over:
            note_take_over(record, leg, ways.drained)
        # Who is drained sends to none of them either from here on, however late it hears of it.
        for overlap in (*ways.drained, *ways.corrected):
            take_from(record, overlap.run)
        for overlap in ways.left:
            leave_to(record, overlap.run)

    return begin_leg(
        record,
        command=planned.plan.command,
        only=asked.only if isinstance(asked, Resume) else (),
        override="" if planned.new else override,
        now_ms=now_ms,
        within=come_to_terms,
    )


def leave_to_later(
    asked: Request | Resume | Revert,
    planned: Planned,
    database: Database,
    *,
    consent: Consent | None,
) -> None:
    """Leave to others what is theirs by now, once everybody else has come to an end with it.

    Raises:
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    record = RunRecord(database, planned.run)
    if isinstance(asked, Revert):
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


def give_up(
    database: Database, planned: Planned, leg: int, refused: Refused, *, now_ms: int
) -> None:
    """Record that a leg which has begun was refused before anything was sent.

    It stays in the ledger, because another run may have been drained for it.
    """
    with contextlib.suppress(BulkagentError):
        finish_leg(
            RunRecord(database, planned.run),
            leg,
            state="interrupted" if isinstance(refused, Interrupted) else "halted",
            exit_code=refused.exit_code,
            reason=str(refused),
            not_attempted={},
            now_ms=now_ms,
        )
