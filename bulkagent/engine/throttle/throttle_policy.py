"""How soon an upstream is spared; and what is told of it, as values."""

from __future__ import annotations

import msgspec

from bulkagent.engine.throttle.circuit_breaker import BreakerState, TripPolicy


class ThrottlePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How soon an upstream is spared, and for how long."""

    retry_share: float = 0.2
    """Retries for each first attempt, 0 or more."""
    retries_per_second: float = 10.0
    """Further retries a second, above 0: when all else is done, a waiting retry must get room."""
    trip: TripPolicy = TripPolicy()
    """When nothing more is sent for a while."""
    give_up_after_s: float = 300.0
    """Down-time in seconds after which it is given up."""
    never_answered_after_s: float = 30.0
    """The same where it never gave any answer, if that is shorter."""
    longest_pause_s: float = 120.0
    """The longest pause that it is granted when it asks for one."""
    timeout_s: float = 0.0
    """Seconds after which the answer to an attempt is overdue; for up to twice as long, what was
    sent counts as in flight although its connection may have ended. 0: it ends with that."""
    waits_out_resets: bool = True
    """Whether it does too where the connection ended before that."""

    def __post_init__(self) -> None:
        if self.retries_per_second <= 0:
            raise ValueError(f"retries a second must be above 0, not {self.retries_per_second}")


class ThrottleEvent(msgspec.Struct, frozen=True):
    """Something about an upstream as a whole that changed, for the log."""

    name: str
    """`breaker.open`, `breaker.half-open`, `breaker.closed`, `limit.changed`, `limit.kept`,
    `gateway.paused`."""
    reason: str
    limit: int
    """Attempts at once from now on, where nothing else holds them back."""
    breaker: BreakerState
    """The breaker's state from now on."""


class Permit(msgspec.Struct, frozen=True, gc=False):
    """How many attempts may be in flight."""

    tokens: int
    for_s: float
    """After so many seconds it has to be asked for again, even if nothing happened; infinity:
    nothing but an attempt's end changes it."""
    carried: int = 0
    """Of `tokens`, those in use by what others left behind: nobody here gives them back."""
