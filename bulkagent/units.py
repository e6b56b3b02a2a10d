"""Durations, rates and ranges as people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.text.near_units import (
    as_concurrency,
    as_duration,
    as_halt,
    as_range,
    as_rate,
    as_share,
)
from bulkagent.text.spelling import did_you_mean

_SECONDS: Mapping[str, float] = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "": 1.0,
}
_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_DURATION = re.compile(rf"{_NUMBER}\s*(ms|s|m|h|d|)", re.ASCII)
_RATE = re.compile(rf"{_NUMBER}\s*/\s*(s|m|h)", re.ASCII)
_HALT = re.compile(r"fail=(?:(\d{1,2}(?:\.\d{1,6})?|100)\s*%|(\d{1,9}))", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", re.ASCII)
_RANGE = re.compile(r"(\d{3,6})-(\d{3,6})", re.ASCII)
_CONCURRENCY = re.compile(r"(\d{1,5})|auto(?::(\d{1,5})-(\d{1,5}))?", re.ASCII)

# The widest range that any edition of the interface allows (page 0356).
_LOWEST, _HIGHEST = 101, 999_999

# Beyond it, one machine's sockets and loop are the limit and no gateway.
_MOST_IN_FLIGHT = 10_000
# Few enough for a gateway in trouble, and more than any is known to bear gladly.
_AUTO = (4, 256)


def duration_s(text: str) -> float:
    """Seconds of a duration such as `3s`, `500ms`, `10m`, `1.5h`, `90d` or `10` (seconds).

    Raises:
        SettingsRefused: It is no duration, or is zero.
    """
    match = _DURATION.fullmatch(text.strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if seconds <= 0:
        meant = _meant(text, as_duration, _DURATION)
        raise SettingsRefused(f"{text!r} is not a duration; write it like 3s, 500ms or 10m{meant}")
    return seconds


class Adaptive(msgspec.Struct, frozen=True):
    """A limit of requests in flight that follows what a gateway bears."""

    least: int
    """From 1 on."""
    most: int
    """Above `least`, up to 10000."""


def concurrency(text: str) -> int | Adaptive:
    """Requests in flight at once of a number such as `16`; of `auto:4-256` the bounds of a limit.

    All are 1 to 10000, the lower bound below the other; `auto` alone is `auto:4-256`.

    Raises:
        SettingsRefused: It is neither, or out of range.
    """
    match = _CONCURRENCY.fullmatch(text.strip().lower())
    if match and match[1] and 1 <= int(match[1]) <= _MOST_IN_FLIGHT:
        return int(match[1])
    if match and not match[1]:
        low, high = (int(match[2]), int(match[3])) if match[2] else _AUTO
        if 1 <= low < high <= _MOST_IN_FLIGHT:
            return Adaptive(low, high)
    raise SettingsRefused(
        f"{text!r} is not a concurrency; write a number from 1 to {_MOST_IN_FLIGHT}, auto, or"
        f" auto:{_AUTO[0]}-{_AUTO[1]} with the lower limit first"
        f"{_meant(text, as_concurrency, _CONCURRENCY)}"
    )


def rate_per_second(text: str) -> float | None:
    """Starts a second of a rate such as `200/s`, `300/m`; None for `none`.

    Raises:
        SettingsRefused: It is no rate, or is zero.
    """
    if text.strip().lower() == "none":
        return None
    match = _RATE.fullmatch(text.strip())
    rate = float(match[1]) / _SECONDS[match[2]] if match else 0.0
    if rate <= 0:
        meant = _meant(text, as_rate, _RATE)
        raise SettingsRefused(f"{text!r} is not a rate; write it like 100/s, 300/m or none{meant}")
    return rate


class HaltAtShare(msgspec.Struct, frozen=True):
    """A run halts where so large a share of the finished agents is not applied."""

    share: float
    """Above 0 to 1."""


class HaltAtCount(msgspec.Struct, frozen=True):
    """A run halts where so many of the finished agents are not applied."""

    agents: int
    """From 1 on."""


def halt_at(text: str) -> HaltAtShare | HaltAtCount | None:
    """The share (above 0 to 1) or the count of `fail=5%`, `fail=200`; None for `none`.

    Raises:
        SettingsRefused: It is no such rule, or is zero.
    """
    stripped = text.strip().lower()
    if stripped == "none":
        return None
    match = _HALT.fullmatch(stripped)
    share = float(match[1]) / 100 if match and match[1] else None
    count = int(match[2]) if match and match[2] else None
    if not (share or count):
        raise SettingsRefused(
            f"{text!r} is not a halt rule; write it like fail=5%, fail=200 or none"
            f"{_meant(text, as_halt, _HALT)}"
        )
    return HaltAtCount(count) if count else HaltAtShare(share or 0.0)


def share(text: str) -> float:
    """The part of a whole, 0 to 1, of a share such as `95%`.

    Raises:
        SettingsRefused: It is no share, or above 100 %.
    """
    match = _SHARE.fullmatch(text.strip())
    # The float that is nearest to what was written, and not to a quotient of two others.
    part = float(Decimal(match[1]) / 100) if match else 2.0
    if part > 1.0:
        meant = _meant(text, as_share, _SHARE)
        raise SettingsRefused(f"{text!r} is not a share; write it like 95%, from 0% to 100%{meant}")
    return part


def agent_id_range(text: str) -> tuple[int, int]:
    """Lowest and highest agent ID of a range such as `101-59999`.

    Raises:
        SettingsRefused: It is no range within 101 to 999999.
    """
    match = _RANGE.fullmatch(text.strip())
    low, high = (int(match[1]), int(match[2])) if match else (0, 0)
    if not _LOWEST <= low <= high <= _HIGHEST:
        raise SettingsRefused(
            f"{text!r} is not a range of agent IDs; write it like 101-59999, or 101-999999"
            f" for gateways of AICC 25.200 and later{_meant(text, as_range, _RANGE)}"
        )
    return low, high


def _meant(text: str, near: Callable[[str], str], right: re.Pattern[str]) -> str:
    """The question whether something else was meant, which is written as it should be."""
    found = near(text)
    written = found == "none" or right.fullmatch(found)
    return did_you_mean(found) if found and written and found != text.strip() else ""
