"""Times of day as people say them: with the zone, and with the date where it is another day."""

from __future__ import annotations

from bulkagent.instants import Instant


def moment(at_ms: int, now_ms: int, zone: str = "") -> str:
    """A time that is past.

    Args:
        at_ms: Milliseconds since the Unix epoch.
        now_ms: Now, the same.
        zone: A name such as `Europe/Berlin`; "" for the machine's own.
    """
    at = Instant(at_ms, zone)
    if at.local.date() == Instant(now_ms, zone).local.date():
        return at.time
    return f"{at.local:%Y-%m-%d} {at.time}"
