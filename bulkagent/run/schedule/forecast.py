"""Whether a run can be done by a given time, before its first request.

It plans and warns; nothing here ever stops a run.

A gateway's requests go out at the allowed rate, or as fast as those in flight come back (Little's
law: in flight = rate x latency), whichever is slower. Gateways run side by side, so the slowest
counts.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence

import msgspec

from bulkagent.instants import Instant
from bulkagent.ledger import GatewayLatency

# Asked for with a little more than is needed, or advice would be met only if all went well.
_RESERVE = 1.1


class GatewayLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway is to do, and what holds it back."""

    gateway: str
    agents: int
    per_second: float | None
    """Requests started a second; None: no limit."""
    burst: int = 1
    in_flight: tuple[int, int]
    """Requests in flight at first and at most: two numbers where the limit adapts."""
    pace: GatewayLatency | None = None
    """The gateway's latency in earlier runs; None: none is known."""

    @property
    def requests(self) -> float:
        """How many requests to expect, with as many retries as the last time."""
        return self.agents * (1 + (self.pace.retry_share if self.pace else 0.0))


class Bottleneck(enum.Enum):
    """What decides how long a gateway takes."""

    RATE = "rate"
    IN_FLIGHT = "in flight"


class TimeNeeded(msgspec.Struct, frozen=True, kw_only=True):
    """How long one gateway takes, in seconds."""

    load: GatewayLoad
    least_s: float
    """With all that an adaptive limit may grow to."""
    most_s: float
    """With what it begins with; the same where the limit is fixed."""
    bound: Bottleneck


class Feasibility(enum.Enum):
    """The expected end of a run."""

    FITS = "fits"
    TIGHT = "tight"  # only if an adaptive limit grows
    LATE = "late"
    UNKNOWN = "unknown"  # neither a rate nor an earlier run says anything


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of a run that should end by a time."""

    finish_by: Instant
    begins_ms: int
    """Time of day of its first request."""
    slowest: TimeNeeded | None
    """The gateway that takes longest; None where that cannot be said."""
    unknown: tuple[str, ...] = ()
    """The gateways of which no latency is remembered."""

    @property
    def available_s(self) -> float:
        """How long there is."""
        return (self.finish_by.at_ms - self.begins_ms) / 1000

    @property
    def spare_s(self) -> float:
        """The seconds that are left in the end, below 0 where it does not do."""
        return self.available_s - (self.slowest.most_s if self.slowest else 0.0)

    @property
    def feasibility(self) -> Feasibility:
        """Whether it can be met."""
        if self.slowest is None:
            return Feasibility.UNKNOWN
        if self.spare_s >= 0:
            return Feasibility.FITS
        return Feasibility.TIGHT if self.slowest.least_s <= self.available_s else Feasibility.LATE


_NOTHING = TimeNeeded(
    load=GatewayLoad(gateway="", agents=0, per_second=None, in_flight=(1, 1)),
    least_s=0.0,
    most_s=0.0,
    bound=Bottleneck.RATE,
)


def need_of(load: GatewayLoad) -> TimeNeeded | None:
    """How long a gateway takes; None where neither a rate nor a latency is known."""
    pace = load.pace
    latency_s = pace.latency_s if pace else 0.0
    at_rate_s = max(0.0, load.requests - load.burst) / load.per_second if load.per_second else 0.0
    if pace is None and load.per_second is None:
        return None
    first, most = (load.requests * latency_s / in_flight for in_flight in load.in_flight)
    return TimeNeeded(
        load=load,
        # The last reply comes after the last request.
        least_s=max(at_rate_s, most) + latency_s,
        most_s=max(at_rate_s, first) + latency_s,
        bound=Bottleneck.RATE if at_rate_s >= first else Bottleneck.IN_FLIGHT,
    )


def forecast_of(loads: Sequence[GatewayLoad], *, finish_by: Instant, begins_ms: int) -> Forecast:
    """The forecast of gateways that run side by side."""
    needs = [need_of(load) for load in loads if load.agents]
    known = [need for need in needs if need is not None]
    slowest = max(known, key=lambda need: need.most_s, default=_NOTHING)
    return Forecast(
        finish_by=finish_by,
        begins_ms=begins_ms,
        # One of which nothing is known may be the slowest of all.
        slowest=slowest if len(known) == len(needs) else None,
        unknown=tuple(load.gateway for load in loads if load.agents and load.pace is None),
    )


def help_for(forecast: Forecast, *, start_at: Instant | None, now_ms: int) -> tuple[str, ...]:
    """What would help a run that comes too late: options with their values, each by itself."""
    need = forecast.slowest
    if need is None or forecast.feasibility in {Feasibility.FITS, Feasibility.UNKNOWN}:
        return ()
    load = need.load
    latency_s = load.pace.latency_s if load.pace else 0.0
    sending_s = (forecast.available_s - latency_s) / _RESERVE
    advice: list[str] = []
    if sending_s > 0:
        wanted = load.requests / sending_s
        options: list[str] = []
        if load.per_second is not None and wanted > load.per_second:
            options.append(f"--rate {_whole(wanted)}/s")
        if latency_s and wanted * latency_s > load.in_flight[0]:
            options.append(f"--concurrency {_whole(wanted * latency_s)}")
        if options:
            advice.append(" ".join(options))
    earliest_ms = forecast.finish_by.at_ms - round(need.most_s * _RESERVE * 1000)
    whole_minute_ms = earliest_ms // 60_000 * 60_000
    if start_at is not None and whole_minute_ms > now_ms:
        earlier = Instant(whole_minute_ms, start_at.zone)
        advice.append(f"--start-at {earlier.local:%Y-%m-%dT%H:%M}")
    return tuple(advice)


def _whole(number: float) -> int:
    return math.ceil(round(number, 6))
