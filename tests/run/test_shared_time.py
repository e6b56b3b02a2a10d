"""What the summary says of limits that were shared."""

from __future__ import annotations

import math

import pytest

from bulkagent.run.sharing.division import LimitPart, SharedPart
from bulkagent.run.sharing.shared_time import SharedTime

LIMIT = LimitPart(16, 100.0)


@pytest.mark.parametrize(
    ("limit", "seen", "told"),
    [
        (LIMIT, [(0.0, SharedPart(LIMIT, 1))], ""),
        (
            LIMIT,
            [
                (0.0, SharedPart(LimitPart(0, 0.0), 2)),
                (2.0, SharedPart(LimitPart(8, 50.0), 2)),
                (7.0, SharedPart(LimitPart(6, 34.0), 3)),
                (9.0, SharedPart(LIMIT, 1)),
                (20.0, SharedPart(LimitPart(8, 50.0), 2)),
            ],
            (
                "east was shared with 2 others on this ledger for 19 s: at the least 6 of 16"
                " requests at once and 34 of 100 a second were left"
            ),
        ),
        (
            LimitPart(4, math.inf),
            [(5.0, SharedPart(LimitPart(2, math.inf), 2))],
            (
                "east was shared with one other command on this ledger for 25 s: at the least"
                " 2 of 4 requests at once were left"
            ),
        ),
    ],
)
def test_it_says_for_how_long_and_how_little_was_left(
    limit: LimitPart, seen: list[tuple[float, SharedPart]], told: str
) -> None:
    time = SharedTime()
    for at, shared in seen:
        time.add(shared, at)
    assert time.told("east", limit, 30.0) == told
