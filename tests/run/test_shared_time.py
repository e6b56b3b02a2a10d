"""For how long limits were shared, and what the summary says of it."""

from __future__ import annotations

import math

import pytest

from bulkagent.cli.render.result import _shared
from bulkagent.run.sharing.division import LimitPart, SharedPart
from bulkagent.run.sharing.shared_time import LimitsShared, SharedTime

LIMIT = LimitPart(16, 100.0)
LESS = LimitPart(8, 50.0)
PAUSED = LimitPart(0, 0.0)


@pytest.mark.parametrize(
    ("seen", "total"),
    [
        ([(0.0, SharedPart(LIMIT, 1))], None),
        ([(0.0, SharedPart(PAUSED, 2)), (2.0, SharedPart(LIMIT, 1))], None),
        (
            [
                (0.0, SharedPart(PAUSED, 2)),
                (2.0, SharedPart(LESS, 2)),
                (7.0, SharedPart(LimitPart(6, 34.0), 3)),
                (9.0, SharedPart(LIMIT, 1)),
                (20.0, SharedPart(LESS, 2)),
            ],
            LimitsShared("east", 2, 19.0),
        ),
        ([(5.0, SharedPart(LimitPart(2, math.inf), 2))], LimitsShared("east", 1, 25.0)),
    ],
)
def test_the_time_with_others_is_added_up(
    seen: list[tuple[float, SharedPart]], total: LimitsShared | None
) -> None:
    time = SharedTime()
    for at, shared in seen:
        time.add(shared, at)
    assert time.total("east", 30.0) == total


@pytest.mark.parametrize(
    ("shared", "told"),
    [
        (
            LimitsShared("east", 1, 25.4),
            "another command used east for 25 s, and both shared its limits",
        ),
        (
            LimitsShared("east", 2, 19.0),
            "2 other commands used east for 19 s, and all shared its limits",
        ),
    ],
)
def test_the_summary_says_for_how_long(shared: LimitsShared, told: str) -> None:
    assert _shared(shared) == told
