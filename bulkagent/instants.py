"""Times of day as people write them, as instants.

Times and zones come in as arguments; the machine's own zone is asked of the machine.
"""

from __future__ import annotations

import datetime as dt
import re

import msgspec

from bulkagent.errors import SettingsRefused

_WRITTEN = re.compile(
    r"(?:(?P<day>today|tomorrow|\d{4}-\d{2}-\d{2})(?:T|\s+))?"
    r"(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"
    r"\s*(?P<offset>Z|[+-]\d{2}:\d{2})?",
    re.ASCII | re.IGNORECASE,
)
_HOW = "write it like 07:45, 07:45:30, tomorrow 07:45 or 2026-03-29T07:45+02:00"
_LONGEST = dt.timedelta(days=7)
_DAY = dt.timedelta(days=1)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Instant(msgspec.Struct, frozen=True):
    """An instant, and the time zone in which its user thinks of it."""

    at_ms: int
    """Milliseconds since the Unix epoch."""
    zone: str = ""
    """A name such as `Europe/Berlin`; "" for the machine's own."""

    @property
    def local(self) -> dt.datetime:
        """Date and time in its zone."""
        return _local(self.at_ms, zone_of(self.zone))

    @property
    def time(self) -> str:
        """The time of day, as in `07:45:00 CET`."""
        local = self.local
        return f"{local:%H:%M:%S} {local.tzname()}"

    @property
    def iso(self) -> str:
        """Date, time and offset; `parse_instant` reads it as this instant."""
        return self.local.isoformat(timespec="seconds")

    def __str__(self) -> str:
        named = f" ({self.zone})" if self.zone else ""
        return f"{self.local:%Y-%m-%d} {self.time}{named}"


def zone_of(name: str) -> dt.tzinfo:
    """The time zone of a name, or the machine's own for "".

    Raises:
        SettingsRefused: This machine knows no such zone.
    """
    if not name:
        return _MachineZone()
    # Commands that name no zone need not wait for it.
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise SettingsRefused(
            f"{name!r} is no time zone that this machine knows; write it like Europe/Berlin, or"
            " leave it out for the machine's own"
        ) from None


def parse_instant(text: str, *, now_ms: int, zone: str = "", day_ms: int | None = None) -> Instant:
    """The instant that a text means: a time of today, of tomorrow, or of a date.

    A time that does not exist because clocks are put forward is refused, and so is one that comes
    twice because they are put back, unless the text says the offset.

    Args:
        text: Such as `07:45`, `tomorrow 07:45:30`, `2026-03-29T07:45` or the same with `+02:00`.
        now_ms: Time of day.
        zone: The time zone that is meant where the text has no offset; "" for the machine's.
        day_ms: An instant of the day that a time without a date is of; by default now.

    Raises:
        SettingsRefused: It is no such text, is past, is more than a week away, or there is none
            or more than one such time.
    """
    at = zone_of(zone)
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise SettingsRefused(f"{text!r} is not a time; {_HOW}")
    offset = _offset(match["offset"])
    now = _local(now_ms, offset or at).replace(tzinfo=None)
    of_day = now if day_ms is None else _local(day_ms, offset or at).replace(tzinfo=None)
    try:
        clock = dt.time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
        written = dt.datetime.combine(_date(match["day"], now, of_day), clock)
    except (ValueError, OverflowError):
        raise SettingsRefused(f"{text!r} is not a time; {_HOW}") from None
    # Before anything is asked of a zone, which has its own limits far from today.
    if written - now > _LONGEST + _DAY:
        raise SettingsRefused(
            f"{text!r} is {written}, more than a week away; give a time within a week"
        )
    if now - written > _LONGEST:
        raise SettingsRefused(f"{text!r} is past: it means {written}, and now it is {now:%F %T}")
    if offset is None:
        _refuse_unclear(text, written, at, zone)
    at_ms = _ms(written.replace(tzinfo=offset or at))
    found = Instant(at_ms, zone)
    if at_ms <= now_ms:
        another = "" if match["day"] else f"; for the next day write 'tomorrow {text.strip()}'"
        raise SettingsRefused(
            f"{text!r} is past: it means {found}, and now it is {Instant(now_ms, zone)}{another}"
        )
    if at_ms - now_ms > _LONGEST // dt.timedelta(milliseconds=1):
        raise SettingsRefused(
            f"{text!r} is {found}, more than a week away; give a time within a week"
        )
    return found


def duration_text(seconds: float) -> str:
    """A duration as people say it: `45 s`, `2 min 20 s`, `13 h 54 min`."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{left} s"


def _date(day: str | None, now: dt.datetime, of_day: dt.datetime) -> dt.date:
    match (day or "").lower():
        case "":
            return of_day.date()
        case "today":
            return now.date()
        case "tomorrow":
            return now.date() + _DAY
        case written:
            return dt.date.fromisoformat(written)


def _offset(written: str | None) -> dt.tzinfo | None:
    if written is None:
        return None
    if written in {"Z", "z"}:
        return dt.UTC
    sign = -1 if written.startswith("-") else 1
    hours, minutes = int(written[1:3]), int(written[4:6])
    if hours > 14 or minutes > 59:  # noqa: PLR2004 - no zone is further from Greenwich
        raise SettingsRefused(f"{written!r} is not an offset from UTC; write it like +02:00")
    return dt.timezone(sign * dt.timedelta(hours=hours, minutes=minutes))


def _refuse_unclear(text: str, written: dt.datetime, at: dt.tzinfo, zone: str) -> None:
    first, second = (written.replace(tzinfo=at, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return
    where = zone or "this machine's time zone"
    come = _local(_ms(first), at)
    if come.replace(tzinfo=None, fold=0) != written:
        raise SettingsRefused(
            f"{text!r} is a time that does not exist on {written:%F} in {where}, because clocks"
            f" are put forward past it; {come:%T} {come.tzname()} comes in its place"
        )
    raise SettingsRefused(
        f"{text!r} comes twice on {written:%F} in {where}, because clocks are put back; write"
        f" {first.isoformat()} ({first.tzname()}) or {second.isoformat()} ({second.tzname()})"
    )


def _local(at_ms: int, at: dt.tzinfo) -> dt.datetime:
    return (_EPOCH + dt.timedelta(milliseconds=at_ms)).astimezone(at)


def _ms(local: dt.datetime) -> int:
    return (local.astimezone(dt.UTC) - _EPOCH) // dt.timedelta(milliseconds=1)


class _MachineZone(dt.tzinfo):
    """The date and time of the machine's own calendar."""

    def utcoffset(self, when: dt.datetime | None) -> dt.timedelta | None:
        return None if when is None else _as_machine(when).utcoffset()

    def tzname(self, when: dt.datetime | None) -> str | None:
        return None if when is None else _as_machine(when).tzname()

    def dst(self, _when: dt.datetime | None) -> dt.timedelta | None:
        return None

    def fromutc(self, when: dt.datetime) -> dt.datetime:
        local = when.replace(tzinfo=dt.UTC).astimezone()
        # Which of two equal times it is, the machine's offset alone does not say any more.
        plain = local.replace(tzinfo=None)
        fold = int(plain.replace(fold=0).astimezone().utcoffset() != local.utcoffset())
        return plain.replace(tzinfo=self, fold=fold)


def _as_machine(when: dt.datetime) -> dt.datetime:
    return when.replace(tzinfo=None).astimezone()
