"""Durations, rates and ranges: what people write is read, and anything else is refused."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import SettingsRefused
from bulkagent.units import (
    Adaptive,
    agent_id_range,
    concurrency,
    duration_s,
    halt_at,
    rate_per_second,
    share,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3s", 3.0),
        ("500ms", 0.5),
        ("10m", 600.0),
        ("1.5h", 5400.0),
        ("10", 10.0),
        ("0.5", 0.5),
        (" 3 s ", 3.0),
        ("1ms", 0.001),
        ("999999999s", 999_999_999.0),
    ],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "per_second"),
    [("200/s", 200.0), ("300/m", 5.0), ("3600/h", 1.0), ("0.5/s", 0.5), (" 100 / s ", 100.0)],
)
def test_a_rate_is_starts_a_second(text: str, per_second: float) -> None:
    assert rate_per_second(text) == pytest.approx(per_second)


@pytest.mark.parametrize("text", ["none", "NONE", " None "])
def test_no_rate_is_said_in_so_many_letters(text: str) -> None:
    assert rate_per_second(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("101-59999", (101, 59_999)),
        ("101-999999", (101, 999_999)),
        ("500-500", (500, 500)),
        (" 200-300 ", (200, 300)),
    ],
)
def test_a_range_is_two_agent_ids(text: str, found: tuple[int, int]) -> None:
    assert agent_id_range(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1", 1),
        (" 16 ", 16),
        ("10000", 10_000),
        ("auto", Adaptive(4, 256)),
        (" AUTO ", Adaptive(4, 256)),
        ("auto:1-2", Adaptive(1, 2)),
        ("auto:9999-10000", Adaptive(9_999, 10_000)),
    ],
)
def test_a_concurrency_is_a_number_or_bounds(text: str, found: int | Adaptive) -> None:
    assert concurrency(text) == found


NOTHING = ["", " ", "none?", "-", "/", "1e3", "+1", "-1", "\u0663", "1,5", "1_0", "1 2", ".5", "5."]


@pytest.mark.parametrize(
    "text",
    [
        *NOTHING,
        "none",
        "0",
        "0s",
        "0.0ms",
        "-3s",
        "3S",
        "3w",
        "3sec",
        "3s3s",
        "3/s",
        "inf",
        "nan",
        "1e3s",
        "\u0663s",
        "9999999999s",
        "0.0000001s",
        "3s\n3",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsRefused, match="is not a duration; write it like 3s, 500ms or 10m"):
        duration_s(text)


@pytest.mark.parametrize(
    "text",
    [*NOTHING, "100", "0/s", "0.0/m", "-1/s", "1/ms", "1/", "/s", "1/s/s", "1/d", "inf/s", "no"],
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsRefused, match="is not a rate; write it like 100/s, 300/m or none"):
        rate_per_second(text)


@pytest.mark.parametrize(
    "text",
    [
        *NOTHING,
        "none",
        "101",
        "101-",
        "-59999",
        "100-200",
        "101-1000000",
        "300-200",
        "101..200",
        "101 - 200",
        "101-200-300",
        "0101-200x",
        "\u0661\u0660\u0661-200",
    ],
)
def test_what_is_no_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsRefused, match="is not a range of agent IDs; write it like 101-59"):
        agent_id_range(text)


@pytest.mark.parametrize(
    "text",
    [
        *NOTHING,
        "none",
        "0",
        "10001",
        "99999999999",
        "auto:",
        "auto:4",
        "auto:4-",
        "auto:0-4",
        "auto:4-4",
        "auto:5-4",
        "auto:4-10001",
        "auto 4-9",
        "4-9",
        "auto4-9",
        "16auto",
    ],
)
def test_what_is_no_concurrency_is_refused_with_examples(text: str) -> None:
    with pytest.raises(SettingsRefused) as refused:
        concurrency(text)
    assert str(refused.value).startswith(
        f"{text!r} is not a concurrency; write a number from 1 to 10000, auto, or auto:4-256 with"
        " the lower limit first"
    )


@given(st.integers(1, 10_000))
def test_every_number_in_flight_comes_back(number: int) -> None:
    assert concurrency(str(number)) == number


@given(st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)))
def test_bounds_come_back_or_are_refused(bounds: tuple[int, int]) -> None:
    low, high = bounds
    text = f"auto:{low}-{high}"
    if low < high:
        assert concurrency(text) == Adaptive(low, high)
    else:
        with pytest.raises(SettingsRefused):
            concurrency(text)


LIKELY = st.text("0123456789./- nomseh", max_size=14)


@given(text=st.text() | st.text("0123456789auto:- ", max_size=14))
def test_any_text_is_a_concurrency_in_range_or_refused(text: str) -> None:
    try:
        found = concurrency(text)
    except SettingsRefused:
        return
    if isinstance(found, int):
        found = Adaptive(found, found + 1)
    low, high = found.least, found.most
    assert 1 <= low < high <= 10_001


@pytest.mark.parametrize("read", [duration_s, rate_per_second, agent_id_range])
@given(text=st.text() | LIKELY | st.from_regex(r"[0-9]{1,12}(\.[0-9]{1,8})? ?/?(ms|s|m|h)?"))
def test_any_text_is_a_quantity_above_zero_or_refused(
    read: Callable[[str], float | tuple[int, int] | None], text: str
) -> None:
    try:
        found = read(text)
    except SettingsRefused:
        return
    if isinstance(found, tuple):
        assert 101 <= found[0] <= found[1] <= 999_999
    elif found is None:
        assert text.strip().lower() == "none"
    else:
        assert 0 < found < float("inf")


@given(st.integers(1, 999_999_999))
def test_units_agree_with_one_another(number: int) -> None:
    assert duration_s(f"{number}s") == duration_s(str(number)) == number
    assert duration_s(f"{number}m") == pytest.approx(60 * number)
    assert duration_s(f"{number}h") == pytest.approx(3600 * number)
    assert duration_s(f"{number}ms") == pytest.approx(number / 1000)
    assert rate_per_second(f"{number}/s") == number
    assert rate_per_second(f"{number}/m") == pytest.approx(number / 60)
    assert rate_per_second(f"{number}/h") == pytest.approx(number / 3600)


@pytest.mark.parametrize(
    ("read", "text", "meant"),
    [
        (rate_per_second, "100", "100/s"),
        (rate_per_second, "100 per second", "100/s"),
        (rate_per_second, "100/sec", "100/s"),
        (rate_per_second, "1,000/min", "1000/m"),
        (rate_per_second, "100rps", "100/s"),
        (rate_per_second, "unlimited", "none"),
        (duration_s, "1m30s", "90s"),
        (duration_s, "5 minutes", "5m"),
        (duration_s, "1,5s", "1.5s"),
        (duration_s, "2 Hrs", "2h"),
        (halt_at, "5%", "fail=5%"),
        (halt_at, "failed: 20", "fail=20"),
        (halt_at, "off", "none"),
        (share, "95", "95%"),
        (share, "0.95", "95%"),
        (share, "95 percent", "95%"),
        (agent_id_range, "101..59999", "101-59999"),
        (agent_id_range, "101 to 59999", "101-59999"),
        (agent_id_range, "59999-101", "101-59999"),
        (agent_id_range, "101\u201359999", "101-59999"),
        (concurrency, "1,000", "1000"),
        (concurrency, "auto 4-9", "auto:4-9"),
        (concurrency, "auto:9-4", "auto:4-9"),
        (concurrency, "16.0", "16"),
    ],
)
def test_the_nearest_valid_spelling_is_named(
    read: Callable[[str], object], text: str, meant: str
) -> None:
    """Units as other programs write them, such as "100" for "100/s"."""
    with pytest.raises(SettingsRefused) as refused:
        read(text)
    assert str(refused.value).endswith(f"; did you mean {meant}?")
    read(meant)


@pytest.mark.parametrize("read", [rate_per_second, duration_s, halt_at, share, concurrency])
@given(text=st.text("0123456789.,/%smhd autofilencp:-=", max_size=9))
def test_what_is_proposed_can_be_written(read: Callable[[str], object], text: str) -> None:
    try:
        read(text)
    except SettingsRefused as refused:
        proposed = re.search(r"; did you mean (.*)\?$", str(refused))
        if proposed:
            with contextlib.suppress(SettingsRefused):  # 0/s is written as it should be
                read(proposed[1])
