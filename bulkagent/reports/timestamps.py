"""A moment, as reports write it: ISO 8601 in UTC with milliseconds."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

_MILLISECONDS = tuple(f".{number:03d}Z" for number in range(1000))


# In a fast run a handful of rows share a millisecond, and they stand near each other.
@functools.lru_cache(maxsize=2048)
def iso(moment: int) -> str:
    """The moment, milliseconds since the Unix epoch, such as `2026-11-22T06:00:00.123Z`.

    Raises:
        ValueError: the year is not one of 1 to 9999.
        OverflowError: the same, beyond what the platform counts.
    """
    return _second(moment // 1000) + _MILLISECONDS[moment % 1000]


# Many rows share a second, and neighbours in a roster were sent within minutes: an hour of
# seconds is remembered, so that formatting is not half the cost of a line.
@functools.lru_cache(maxsize=3600)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
