"""Times of day: what is read is what was meant, or is refused with the reason.

Proves --start-at, --finish-by, --time-zone; guide "How to write a time".
"""

import datetime as dt
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import SettingsRefused
from bulkagent.instants import Instant, duration_text, parse_instant, zone_of

BERLIN, NEW_YORK, TOKYO = "Europe/Berlin", "America/New_York", "Asia/Tokyo"


def ms(utc: str) -> int:
    return round(dt.datetime.fromisoformat(f"{utc}+00:00").timestamp() * 1000)


EVENING = ms("2026-11-23T17:00:00")


@pytest.fixture(params=[True, False], ids=["named", "machine"])
def named(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """Whether a zone is named, or is the machine's own: both mean the same."""
    yield request.param
    monkeypatch.undo()
    time.tzset()


def in_zone(zone: str, monkeypatch: pytest.MonkeyPatch, *, named: bool) -> str:
    if named:
        return zone
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    return ""


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("19:30", "2026-11-23T18:30:00"),
        ("19:30:15", "2026-11-23T18:30:15"),
        ("today 19:30", "2026-11-23T18:30:00"),
        ("tomorrow 07:45", "2026-11-24T06:45:00"),
        (" Tomorrow  07:45 ", "2026-11-24T06:45:00"),
        ("2026-11-24T07:45", "2026-11-24T06:45:00"),
        ("2026-11-24 07:45:01", "2026-11-24T06:45:01"),
        ("2026-11-24T07:45Z", "2026-11-24T07:45:00"),
        ("2026-11-24T07:45+02:00", "2026-11-24T05:45:00"),
        ("2026-11-24T07:45 -05:00", "2026-11-24T12:45:00"),
        ("20:00+02:00", "2026-11-23T18:00:00"),
    ],
)
def test_what_is_meant(text: str, utc: str, named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    zone = in_zone(BERLIN, monkeypatch, named=named)
    found = parse_instant(text, now_ms=EVENING, zone=zone)
    assert found == Instant(ms(utc), zone)
    assert found.iso == dt.datetime.fromtimestamp(ms(utc) / 1000, zone_of(BERLIN)).isoformat()


def test_a_time_without_a_date_may_be_of_another_day_than_now() -> None:
    start = ms("2026-11-24T06:45:00")
    for text in ("08:00", "tomorrow 08:00"):
        found = parse_instant(text, now_ms=EVENING, zone=BERLIN, day_ms=start)
        assert found.at_ms == ms("2026-11-24T07:00:00")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "soon",
            "7:45",
            "07.45",
            "24:00",
            "07:60",
            "07:45:60",
            "7",
            "0745",
            "\u0660\u0667:\u0664\u0665",
        ),
        *("2026-13-01T07:45", "2026-02-30T07:45", "26-11-24T07:45", "yesterday 07:45"),
        *("20:00+25:00", "20:00+02:75", "20:00+0200", "tomorrow", "2026-11-24", "20:00 CET"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(SettingsRefused, match="write it like"):
        parse_instant(text, now_ms=EVENING, zone=BERLIN)


def test_what_is_past_is_refused_with_what_was_understood() -> None:
    with pytest.raises(SettingsRefused) as refused:
        parse_instant("07:45", now_ms=EVENING, zone=BERLIN)
    assert str(refused.value) == (
        "'07:45' is past: it means 2026-11-23 07:45:00 CET (Europe/Berlin), and now it is"
        " 2026-11-23 18:00:00 CET (Europe/Berlin); for the next day write 'tomorrow 07:45'"
    )
    for text in ("18:00", "2026-11-23T17:00Z", "2025-11-23T19:00", "0001-01-01T00:00+14:00"):
        with pytest.raises(SettingsRefused, match="is past"):
            parse_instant(text, now_ms=EVENING, zone=BERLIN)


@pytest.mark.parametrize("text", ["2026-12-01T07:45", "2027-11-24T07:45", "9999-12-31T23:59-14:00"])
def test_who_waits_for_more_than_a_week_has_mistyped(text: str) -> None:
    with pytest.raises(SettingsRefused, match="more than a week away"):
        parse_instant(text, now_ms=EVENING, zone=BERLIN)


@pytest.mark.parametrize(
    ("zone", "text", "now", "words"),
    [
        (BERLIN, "02:30", "2027-03-28T00:00:00", "03:30:00 CEST comes in its place"),
        (BERLIN, "02:00", "2027-03-28T00:00:00", "03:00:00 CEST comes in its place"),
        (BERLIN, "02:30", "2026-10-24T23:00:00", "2026-10-25T02:30:00+02:00 (CEST) or"),
        (BERLIN, "02:00", "2026-10-24T23:00:00", "2026-10-25T02:00:00+01:00 (CET)"),
        (NEW_YORK, "02:30", "2027-03-14T06:00:00", "03:30:00 EDT comes in its place"),
        (NEW_YORK, "01:30", "2026-11-01T04:30:00", "2026-11-01T01:30:00-04:00 (EDT) or"),
        (NEW_YORK, "01:59:59", "2026-11-01T04:30:00", "2026-11-01T01:59:59-05:00 (EST)"),
    ],
)
def test_a_time_that_there_is_not_once_is_refused(
    zone: str, text: str, now: str, words: str, *, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = in_zone(zone, monkeypatch, named=named)
    with pytest.raises(SettingsRefused) as refused:
        parse_instant(text, now_ms=ms(now), zone=zone)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("zone", "text", "now", "utc"),
    [
        (BERLIN, "01:59:59", "2027-03-28T00:00:00", "2027-03-28T00:59:59"),
        (BERLIN, "03:00", "2027-03-28T00:00:00", "2027-03-28T01:00:00"),
        (BERLIN, "07:45", "2027-03-28T00:00:00", "2027-03-28T05:45:00"),
        (BERLIN, "tomorrow 07:45", "2027-03-27T18:00:00", "2027-03-28T05:45:00"),
        (BERLIN, "01:59:59", "2026-10-24T23:00:00", "2026-10-24T23:59:59"),
        (BERLIN, "02:30+02:00", "2026-10-24T23:00:00", "2026-10-25T00:30:00"),
        (BERLIN, "02:30+01:00", "2026-10-24T23:00:00", "2026-10-25T01:30:00"),
        (BERLIN, "03:00", "2026-10-24T23:00:00", "2026-10-25T02:00:00"),
        (NEW_YORK, "03:00", "2027-03-14T06:00:00", "2027-03-14T07:00:00"),
        (NEW_YORK, "02:00", "2026-11-01T04:30:00", "2026-11-01T07:00:00"),
        (NEW_YORK, "2026-11-01T01:30-05:00", "2026-11-01T04:30:00", "2026-11-01T06:30:00"),
        (TOKYO, "02:30", "2027-03-27T16:00:00", "2027-03-27T17:30:00"),
        (TOKYO, "02:30", "2026-10-24T16:00:00", "2026-10-24T17:30:00"),
    ],
)
def test_around_a_change_of_clocks(
    zone: str, text: str, now: str, utc: str, *, named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = in_zone(zone, monkeypatch, named=named)
    found = parse_instant(text, now_ms=ms(now), zone=zone)
    assert found.at_ms == ms(utc)
    assert parse_instant(found.iso, now_ms=ms(now), zone=zone) == found


def test_both_of_two_equal_times_are_told_apart(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = in_zone(BERLIN, monkeypatch, named=named)
    told = [Instant(ms(utc), zone).time for utc in ("2026-10-25T00:30:00", "2026-10-25T01:30:00")]
    assert told == ["02:30:00 CEST", "02:30:00 CET"]


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "Europe", "/etc/hosts", "\0"])
def test_a_zone_that_nobody_knows(name: str) -> None:
    with pytest.raises(SettingsRefused, match="no time zone that this machine knows"):
        zone_of(name)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (140, "2 min 20 s"),
        (3600, "1 h"),
        (50_040, "13 h 54 min"),
    ],
)
def test_durations_are_said_in_two_units_at_most(seconds: float, said: str) -> None:
    assert duration_text(seconds) == said


TEXTS = st.one_of(
    st.text(),
    st.from_regex(
        r"((today|tomorrow|20[0-9]{2}-[01][0-9]-[0-3][0-9])[T ])?"
        r"[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?(Z|[+-][01][0-9]:[0-5][0-9])?",
        fullmatch=True,
    ),
)


@given(
    text=TEXTS,
    now_ms=st.integers(0, ms("2099-12-31T00:00:00")),
    zone=st.sampled_from(["", BERLIN, NEW_YORK, TOKYO, "Australia/Lord_Howe"]),
    day=st.none() | st.integers(0, 7 * 86_400_000),
)
def test_whatever_is_read_is_in_the_future_and_reads_back(
    text: str, now_ms: int, zone: str, day: int | None
) -> None:
    try:
        found = parse_instant(
            text, now_ms=now_ms, zone=zone, day_ms=None if day is None else now_ms + day
        )
    except SettingsRefused:
        return
    assert now_ms < found.at_ms <= now_ms + 7 * 86_400_000
    assert parse_instant(found.iso, now_ms=now_ms, zone=zone) == found
