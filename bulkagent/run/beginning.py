"""The last steps before the first request, when everybody has agreed.

What may live here: the wait for the start, whether gateways can be spoken to, and the beginning
of a leg. What this room
must not know: how a plan was made, and what is sent. The question may have been open for long, so
what it was about is looked at once more.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

from bulkagent.clock import Clock
from bulkagent.errors import BulkagentError, GuardrailRefused, ResumeRefused, SettingsRefused
from bulkagent.gateway.reaching import reach
from bulkagent.instants import Moment
from bulkagent.ledger import (
    Database,
    begin_leg,
    find_run,
    put_in_doubt,
    release_lease,
    set_out,
    sign_leg,
    supersede,
    take_lease,
    touched_since,
)
from bulkagent.run.looking import look_at
from bulkagent.run.planning import Planned
from bulkagent.run.preparing import Prepared
from bulkagent.run.request import Request, Resume, Revert
from bulkagent.run.resuming import refuse_age
from bulkagent.run.waiting import wait_for_start
from bulkagent.run.who import who

__all__ = ["await_start", "begin", "reach_gateways"]


async def await_start(
    start: Moment,
    planned: Planned,
    prepared: Prepared,
    agent: tuple[int, str, str] | None,
    *,
    clock: Clock,
    tell: Callable[[str], None],
) -> None:
    """Wait for the start, having looked at what it needs.

    Raises:
        SettingsRefused: It cannot start.
    """
    look = functools.partial(look_at, planned, prepared, agent, start=start, clock=clock)
    try:
        await wait_for_start(start, look, clock=clock, tell=tell)
    except SettingsRefused as refused:
        raise SettingsRefused(str(refused), totals=planned.plan.totals) from None


async def reach_gateways(planned: Planned, prepared: Prepared, clock: Clock) -> None:
    """Refuse gateways that no request can come to, as long as nothing was sent.

    Raises:
        SettingsRefused: One has no address, or cannot be trusted.
    """
    if prepared.gateways.emulated:
        return
    for name in sorted(planned.names):
        try:
            await reach(
                prepared.gateways.endpoint(name),
                connect_timeout_s=prepared.request.settings.connect_timeout_s,
                clock=clock,
            )
        except SettingsRefused as refused:
            raise SettingsRefused(str(refused), totals=planned.plan.totals) from None


def begin(
    asked: Request | Resume | Revert,
    planned: Planned,
    prepared: Prepared,
    database: Database,
    *,
    override: str,
    consent: str | None,
    now_ms: int,
) -> int:
    """Begin the leg that a plan is for; its number.

    Raises:
        GuardrailRefused: A run in progress has some of the agents.
        ResumeRefused: What was agreed to is not so any more.
        LedgerUnavailable, LedgerFailed: The ledger cannot be read or written.
    """
    overlap = take_lease(database, planned.run)
    if overlap is not None:
        raise GuardrailRefused(
            f"run {overlap.run_id} is at work on {overlap.agents:,} of these agents, so nothing was"
            f" sent; wait for its end, or have it drained first with --take-over {overlap.run_id}",
            totals=planned.plan.totals,
        )
    try:
        leg = _begin(asked, planned, prepared, database, override=override, now_ms=now_ms)
        sign_leg(
            database,
            planned.run,
            leg,
            who=who(),
            note=asked.note,
            consent=consent,
            on_behalf_of=asked.on_behalf_of,
        )
    except BaseException:
        with contextlib.suppress(BulkagentError):  # it ends with the process anyway
            release_lease(database, planned.run)
        raise
    return leg


def _begin(
    asked: Request | Resume | Revert,
    planned: Planned,
    prepared: Prepared,
    database: Database,
    *,
    override: str,
    now_ms: int,
) -> int:
    if isinstance(asked, Revert):
        supersede(database, planned.run, since_ms=planned.planned_at)
    if planned.new:
        set_out(database, planned.run, now_ms)
        return 1
    facts = find_run(database, planned.plan.run_id)
    if isinstance(asked, Request) and touched_since(database, planned.run):
        raise ResumeRefused(
            f"another run has set agents of run {facts.id} meanwhile, so nothing was sent;"
            " look at `bulkagent runs`, then apply the roster again"
        )
    refuse_age(database, facts, prepared.request.settings.max_age_s, now_ms)
    supersede(database, planned.run)
    leg = begin_leg(
        database,
        planned.run,
        command="resume",
        only=asked.only if isinstance(asked, Resume) else (),
        override=override or ("answered at the terminal" if planned.plan.guardrail else ""),
        now_ms=now_ms,
    )
    if planned.plan.once_more:
        put_in_doubt(database, planned.run)
    return leg
