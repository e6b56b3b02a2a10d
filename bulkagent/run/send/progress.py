"""A run at one moment, for observers.

It is asked from another thread than that of the sending, so it reads numbers and copies, and
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from bulkagent.engine import Gatekeeper, needed
from bulkagent.instants import Instant
from bulkagent.run.handover.rules import group_name
from bulkagent.run.send.listener import GatewayBulkhead, GatewayListener
from bulkagent.settings import Settings


class GatewayProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway."""

    name: str
    agents: int
    finished: int
    in_flight: int = 0
    """Requests that the gateway may be at work on."""
    in_doubt: int = 0
    """Of these, those whose answer is overdue or will not come; their slots stay taken."""
    limit: int = 0
    """Requests at once, where its breaker is closed."""
    commands: int = 1
    """Commands on this ledger, this one included, that share its limits at this moment."""
    breaker: str = "closed"
    """`closed`, `open` or `half-open`."""
    median_ms: float | None = None
    """Of the latest answers; None: there was none."""
    p95_ms: float | None = None
    """What nineteen of twenty of the latest answers did not exceed."""
    paused_s: float = 0.0
    """For how many seconds it has asked for no requests."""
    retries: int = 0
    """Attempts beyond an agent's first that its budget has granted, also those of which nothing
    left."""
    retries_left: int = 0
    """Retries that its budget would grant at this moment."""
    waiting: int = 0
    """Agents between two attempts."""
    awaited: int = 0
    """Agents who are waited for to sign in."""
    ended: str = ""
    """Why nothing more is sent to it; "" where it goes on."""


class GroupProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One group of a handover."""

    name: str
    incoming: int
    up: int
    gate: int
    """How many incoming agents must be up."""
    outgoing: int
    off: int
    """How many outgoing agents are off, or may be."""
    floor: int
    """How many agents must be left; 0: any number."""
    held: bool = False
    """Whether the rest of it stays on for good."""

    @property
    def done(self) -> bool:
        """Whether all who go off are off."""
        return self.off >= self.outgoing


class Progress(msgspec.Struct, frozen=True):
    """A run at one moment; every count of agents by status is of what is on disk."""

    agents: int
    finished: int
    by_status: Mapping[str, int]
    requests: int
    """Attempts of this leg of which a byte may have left."""
    retries: int
    """Of these, beyond the first for an agent."""
    waiting: int
    """Agents between two attempts."""
    elapsed_s: float
    not_sent: int = 0
    """Further attempts, of which no byte left."""
    awaited: int = 0
    """Agents who are waited for to sign in."""
    finish_by: Instant | None = None
    """When it should be done; None: no matter when."""
    causes: Mapping[str, int] = {}
    """Agents who are not applied, by cause."""
    gateways: tuple[GatewayProgress, ...] = ()
    groups: tuple[GroupProgress, ...] = ()
    """Of a handover; none: it is none, or does not hold anybody back."""


def gateway_progress(
    head: GatewayBulkhead, listener: GatewayListener, now: float
) -> GatewayProgress:
    """How one gateway is sent to.

    Args:
        head: Its bulkhead.
        listener: What is known of it.
        now: The time in seconds.
    """
    latencies = sorted(listener.latencies_ms)
    end, throttle = head.ended, head.throttle
    return GatewayProgress(
        name=head.name,
        agents=head.tally.rows,
        finished=head.tally.finished,
        in_flight=head.under_way + head.held,
        in_doubt=head.lingering,
        limit=listener.most,
        commands=listener.shared.commands if listener.shared else 1,
        breaker=listener.breaker.value,
        median_ms=_share(latencies, 0.5),
        p95_ms=_share(latencies, 0.95),
        paused_s=throttle.paused_s(now),
        retries=throttle.retries,
        retries_left=throttle.retries_left(now),
        waiting=head.pending,
        awaited=head.awaited,
        ended=str(end.cause) if end is not None else "",
    )


def group_progress(keeper: Gatekeeper, settings: Settings) -> tuple[GroupProgress, ...]:
    """How the groups of a handover stand, by name."""
    held = keeper.held
    return tuple(
        GroupProgress(
            name=group_name(name, settings),
            incoming=coverage.incoming,
            up=coverage.up,
            gate=needed(settings.gate, coverage.incoming),
            outgoing=coverage.outgoing,
            off=coverage.down,
            floor=0 if settings.floor is None else needed(settings.floor, coverage.outgoing),
            held=name in held,
        )
        for name, coverage in sorted(keeper.groups.items())
    )


def _share(ordered: Sequence[float], share: float) -> float | None:
    """The least of the numbers that such a share of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
