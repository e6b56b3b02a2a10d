"""No test may fail because a machine is busy: what would be a clock is not in the tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
CLOCKS = {
    "a deadline of Hypothesis' own": re.compile(
        r"(?:@|settings = )settings\([^)]*(?<![-\w])deadline="
    ),
    # The tests of sessions that are held run in virtual time, in which some minutes are nothing.
    "seconds in a time-out": re.compile(
        r"(?:asyncio\.timeout\([1-9]\)|(?:communicate|wait)\((?:timeout=)?[1-9])"
    ),
    "seconds in wait_for": re.compile(r"\basyncio\.wait_for\([^\n]*, \d+(?:\.\d+)?\)"),
    "a bound of one's own for hangs": re.compile(r"^HANG_S = ", re.MULTILINE),
}


def test_one_hypothesis_profile_holds_and_has_no_deadline() -> None:
    """Its default of 200 ms is a timing assertion that nobody wrote."""
    assert settings.default is not None
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
    assert settings(max_examples=7).deadline is None


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
def test_none_is_in_any_test(clock: re.Pattern[str]) -> None:
    """Use `HANG_S` and `until` of tests/waiting.py, events, or a clock that tests move."""
    allowed = {"conftest.py", "waiting.py", Path(__file__).name}
    files = [path for path in TESTS.rglob("*.py") if path.name not in allowed]
    found = [
        f"{path.relative_to(TESTS)}: {hit[0]}"
        for path in files
        if path.parent.name not in {"benchmarks", "peers"}
        for hit in clock.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
