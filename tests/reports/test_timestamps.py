"""Moments: ISO 8601, UTC, always three digits of milliseconds, a Z."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.reports.timestamps import iso
from tests.reports.lines import NOVEMBER, PROPERTY


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (NOVEMBER, "2026-11-22T06:00:00.123Z"),
        (NOVEMBER - 123, "2026-11-22T06:00:00.000Z"),
        (NOVEMBER - 118, "2026-11-22T06:00:00.005Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_iso_in_utc_with_milliseconds(moment: int, written: str) -> None:
    assert iso(moment) == written


@PROPERTY
@given(st.integers(-10_000_000_000_000, 200_000_000_000_000))
def test_it_reads_back_as_the_same_moment(moment: int) -> None:
    read = datetime.fromisoformat(iso(moment))
    assert read - datetime.fromtimestamp(0, UTC) == timedelta(milliseconds=moment)


@PROPERTY
@given(*[st.integers(0, 4_000_000_000_000)] * 2)
def test_text_sorts_as_time_does(one: int, other: int) -> None:
    assert (iso(one) < iso(other)) == (one < other)


@pytest.mark.parametrize("moment", [-(10**14), 10**15, 10**30])
def test_a_year_that_iso_cannot_write_is_an_error(moment: int) -> None:
    with pytest.raises((ValueError, OverflowError)):
        iso(moment)
