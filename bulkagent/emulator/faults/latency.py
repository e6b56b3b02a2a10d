"""Pace: how long a settalkright request takes, by its latency, the load, and the warmth.

Randomness, seconds and load come in as arguments.

Load is the number of settalkright requests in flight, the new one among them, over the capacity.
A request takes its latency x max(1, load) ** exponent. Above `refuse_over`, a share of
1 - refuse_over / load is refused instead, so that about refuse_over x capacity stay.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta

from bulkagent.emulator.protocol.limits import (
    LONGEST_MS,
    Keys,
    Length,
    Milliseconds,
    RetryAfter,
    check_keys,
)


class Distribution(enum.StrEnum):
    """How the latencies of single requests lie around their setting."""

    FIXED = "fixed"
    UNIFORM = "uniform"
    LOGNORMAL = "lognormal"
    EXPONENTIAL = "exponential"


LATENCY_KEYS: Mapping[Distribution, Keys] = MappingProxyType(
    {
        Distribution.FIXED: Keys(needed=frozenset({"milliseconds"})),
        Distribution.UNIFORM: Keys(needed=frozenset({"low_milliseconds", "high_milliseconds"})),
        Distribution.LOGNORMAL: Keys(needed=frozenset({"milliseconds", "sigma"})),
        Distribution.EXPONENTIAL: Keys(needed=frozenset({"milliseconds"})),
    }
)


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long every settalkright reply is held."""

    distribution: Annotated[
        Distribution, Meta(description="Give fixed, uniform, lognormal or exponential.")
    ] = Distribution.FIXED
    milliseconds: Milliseconds | None = None
    """fixed: the value; lognormal: the median; exponential: the mean."""
    low_milliseconds: Milliseconds | None = None
    high_milliseconds: Milliseconds | None = None
    sigma: (
        Annotated[float, Meta(ge=0, le=5, description="Give the spread, from 0 to 5.")] | None
    ) = None
    """lognormal: the standard deviation of the logarithm."""

    def __post_init__(self) -> None:
        check_keys(self, self.distribution, LATENCY_KEYS[self.distribution], ("distribution",))
        low, high = self.low_milliseconds, self.high_milliseconds
        if low is not None and high is not None and low > high:
            raise ValueError("`low_milliseconds` is above `high_milliseconds`: swap them")
        if self.distribution is Distribution.LOGNORMAL and self.milliseconds == 0:
            raise ValueError("a lognormal median of 0 has no spread: give `milliseconds` above 0")


class OverloadRefusal(enum.StrEnum):
    """How a request over the capacity is refused; the words are those of the faults."""

    UNAVAILABLE = "unavailable"
    TOO_MANY = "too_many"


class Capacity(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many requests at once the gateway bears, and how it refuses more."""

    in_flight: Annotated[
        int, Meta(ge=1, le=10_000, description="Give a number of requests, from 1 to 10000.")
    ]
    """So many at once take their latency and no longer."""
    exponent: Annotated[
        float, Meta(ge=0, le=10, description="Give the power of the load, from 0 to 10.")
    ] = 2.0
    """How steeply the time of a request grows with the load; 0 for not at all."""
    refuse_over: Annotated[
        float, Meta(ge=1, le=10_000, description="Give a multiple of the capacity, from 1.")
    ] = 2.0
    """The load above which requests are refused."""
    refusal: Annotated[OverloadRefusal, Meta(description="Give unavailable or too_many.")] = (
        OverloadRefusal.UNAVAILABLE
    )
    retry_after: RetryAfter | None = None
    """The Retry-After header of a refusal, verbatim."""

    def load(self, in_flight: int) -> float:
        """The load that so many requests are."""
        return in_flight / self.in_flight

    def slowdown(self, load: float) -> float:
        """How many times its latency a request takes that arrives under this load."""
        return math.pow(max(1.0, load), self.exponent)

    def refused_share(self, load: float) -> float:
        """The share of the requests arriving under this load that are refused."""
        return max(0.0, 1.0 - self.refuse_over / load)


class ColdStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A gateway that is slow at first."""

    seconds: Length
    """Until it is warm, counted from the arrival of the first settalkright request."""
    factor: Annotated[
        float, Meta(gt=1, le=1000, description="Give a factor above 1, at most 1000.")
    ]
    """How many times its latency the first request takes; from there on it falls evenly to 1."""

    def slowdown(self, seconds: float) -> float:
        """How many times its latency a request takes that arrives then."""
        cold = max(0.0, 1.0 - seconds / self.seconds)
        return 1.0 + (self.factor - 1.0) * cold


def draw_latency(latency: Latency, random: Random) -> float:
    """One latency in milliseconds, at most ten minutes."""
    return min(_DRAWS[latency.distribution](latency, random), LONGEST_MS)


def _fixed(latency: Latency, _random: Random) -> float:
    return latency.milliseconds or 0


def _uniform(latency: Latency, random: Random) -> float:
    return random.uniform(latency.low_milliseconds or 0, latency.high_milliseconds or 0)


def _lognormal(latency: Latency, random: Random) -> float:
    # The logarithm of the median is the mean of the logarithms; the record refuses a median of 0.
    return random.lognormvariate(math.log(latency.milliseconds or 1), latency.sigma or 0)


def _exponential(latency: Latency, random: Random) -> float:
    mean = latency.milliseconds or 0
    return random.expovariate(1 / mean) if mean else 0.0


_DRAWS: Mapping[Distribution, Callable[[Latency, Random], float]] = MappingProxyType(
    {
        Distribution.FIXED: _fixed,
        Distribution.UNIFORM: _uniform,
        Distribution.LOGNORMAL: _lognormal,
        Distribution.EXPONENTIAL: _exponential,
    }
)
