"""When a run starts, and whether it can end in time: what is known once it is planned."""

from __future__ import annotations

import msgspec

from bulkagent.engine import Bounds
from bulkagent.errors import ResumeRefused, SettingsRefused
from bulkagent.instants import Instant
from bulkagent.ledger import (
    endpoints_of,
    find_run,
    first_planned,
    last_latency,
)
from bulkagent.run.clients.credentials import guids_required
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.plan.recorded_checks import refuse_age
from bulkagent.run.schedule.forecast import Forecast, GatewayLoad, forecast_of, help_for
from bulkagent.units import Adaptive

# A GUID of dynamic authentication lives no longer (page 0005).
_STALE_AFTER_S = 120.0


class Timetable(msgspec.Struct, frozen=True, kw_only=True):
    """When a run starts and should end, as it looks once it is planned."""

    start_at: Instant | None = None
    """None: at once."""
    wait_s: float = 0.0
    """How long that is from the plan on."""
    guids_wait: bool = False
    """Whether GUIDs of the roster's column may be stale by then."""
    agent: tuple[int, str, str] | None = None
    """Row, gateway and ID of an agent whom a source of GUIDs may be asked for."""
    forecast: Forecast | None = None
    """The forecast of its end; None where no end is wished for."""
    advice: tuple[str, ...] = ()
    """What would help a run that comes too late."""


def timetable_of(leg: PlannedLeg, *, now_ms: int) -> Timetable:
    """The times of a planned run. Blocks.

    Raises:
        SettingsRefused: It should end before it starts.
        ResumeRefused: The run will be too old at its start.
        LedgerUnavailable: The ledger cannot be read.
    """
    start, finish = leg.asked.start_at, leg.asked.finish_by
    if start is None and finish is None:
        return Timetable()
    begins_ms = max(now_ms, start.at_ms) if start else now_ms
    if finish is not None and finish.at_ms <= begins_ms:
        raise SettingsRefused(
            f"--finish-by {finish} is not after the start, {Instant(begins_ms, finish.zone)}; give"
            " a later time, with its date if that is another one",
            totals=leg.plan.totals,
        )
    if start is not None and not leg.planned.new:
        _refuse_age(leg, start)
    forecast = None
    if finish is not None:
        loads = _loads(leg)
        forecast = forecast_of(loads, finish_by=finish, begins_ms=begins_ms)
    wait_s = (begins_ms - now_ms) / 1000
    return Timetable(
        start_at=start,
        wait_s=wait_s,
        guids_wait=guids_required(leg.settings, leg.gateways) and wait_s > _STALE_AFTER_S,
        agent=first_planned(leg.record),
        forecast=forecast,
        advice=help_for(forecast, start_at=start, now_ms=now_ms) if forecast else (),
    )


def _refuse_age(leg: PlannedLeg, start: Instant) -> None:
    """Refuse now what would be refused at the start."""
    facts = find_run(leg.database, leg.plan.run_id)
    try:
        refuse_age(leg.database, facts, leg.settings.max_age_s, start.at_ms)
    except ResumeRefused as refused:
        raise ResumeRefused(f"at the start, {start}: {refused}") from None


def _loads(leg: PlannedLeg) -> list[GatewayLoad]:
    urls = {at.gateway: at.url for at in endpoints_of(leg.record)}
    agents: dict[str, int] = {}
    for part in leg.plan.parts:
        agents[part.gateway] = agents.get(part.gateway, 0) + part.agents
    loads: list[GatewayLoad] = []
    for name, count in agents.items():
        at = leg.settings.limits(name)
        first = at.concurrency
        if isinstance(first, Adaptive):
            first = Bounds.between(first.least, first.most).start
        loads.append(
            GatewayLoad(
                gateway=name,
                agents=count,
                per_second=at.per_second,
                burst=at.burst,
                in_flight=(first, at.most_in_flight),
                pace=last_latency(leg.database, urls.get(name, "")),
            )
        )
    return loads
