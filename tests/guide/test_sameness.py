"""What a transcript of the guide may differ in from a run, and what it may not.

Proves README "What it promises".
"""

from __future__ import annotations

import pytest

from tests.guide.sameness import Sameness


def same(one: str, other: str) -> bool:
    return Sameness().of(one) == Sameness().of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("run     20261127T222340.661Z-afaa", "run     20271128T012340.001Z-0000"),
        ("sent    40 requests, 0 of them retries; 0.4 s (104/s)", None),
        ("sent    43 requests, 3 of them retries", "sent    44 requests, 4 of them retries"),
        ("DONE    3 agents, 22:54:04 UTC", "DONE    3 agents, 01:02:03 UTC"),
        ("ready https://localhost:18443", "ready https://localhost:40001"),
        ("failed 2 x timeout: 1001, 1002", "failed 2 x timeout: 1002, 1001"),
        ("2026-11-27T22:54:04+00:00 30 of 40", ""),
        (
            "CANNOT be met: needs about 10 s, 4 s too long",
            "CANNOT be met: needs about 10 s, 5 s too long",
        ),
        ("start   22:54:04 UTC, in 11 s", "start   22:54:14 UTC, in 10 s"),
        (
            "ended 22:54:04 UTC, 24 s before 22:54:28 UTC",
            "ended 01:00:00 UTC, 25 s before 01:00:25 UTC",
        ),
    ],
)
def test_chance_is_not_seen(one: str, other: str | None) -> None:
    assert same(one, one.replace("0.4 s (104/s)", "1.5 s (7/s)") if other is None else other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("up to 3 s for agents to sign in", "up to 300 s for agents to sign in"),
        ("would do: --rate 164/s", "would do: --concurrency 164"),
        ("43 requests, 3 of them retries", "900 requests, 700 of them retries"),
        ("40 requests, 0 of them retries", "40 requests, 1 of them retries"),
        ("needs about 14 s (1,400 agents at 100/s)", "needs about 900 s (1,400 agents at 5/s)"),
        ("the clock is 0 s behind", "the clock is 900 s behind"),
        ("DONE    3 agents, 22:54:04 UTC", "DONE    3 agents, 22:54:04"),
        ("failed 2 x timeout: 1001, 1002", "failed 2 x timeout: 1001, 1003"),
        ("failed 3 x timeout: 1001, 1002, ...", "failed 4 x timeout: 1001, 1002, ..."),
        ("DONE    40 of 40 agents", "DONE    39 of 40 agents"),
        ("one run\nRUN 20261127T222340.661Z-afaa", "one run\nRUN"),
    ],
)
def test_whatever_a_reader_relies_on_is_seen(one: str, other: str) -> None:
    assert not same(one, other)
