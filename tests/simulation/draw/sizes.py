"""Sizes within bulkagent that no morning comes to, made so small that mornings do.

A fault at a boundary, such as between two chunks of rows, needs more rows than a morning has. So
in some worlds the boundaries are nearer. All of them are for speed or memory alone; no promise
hangs on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from bulkagent.engine.retry import poller
from bulkagent.engine.throttle import limit_samples
from bulkagent.ledger import (
    batches,
    database,
    deletion,
    failovers,
    plan,
    prefetch,
    redelivery,
    set_aside,
)
from tests.simulation.draw.dice import Dice


class Size(NamedTuple):
    """A number in a module of bulkagent, and between which ones a world has it."""

    module: ModuleType
    name: str
    low: int
    high: int


SIZES: Mapping[str, Size] = {
    "rows planned at once": Size(plan, "_BATCH", 2, 60),
    "rows read ahead at once": Size(prefetch, "_CHUNK", 1, 60),
    "least rows read ahead": Size(prefetch, "_LEAST_CHUNK", 1, 8),
    "rows read ahead altogether": Size(prefetch, "_BUFFERED", 8, 200),
    "outcomes handed on at once": Size(redelivery, "_CHUNK", 1, 30),
    "rows of a failover at once": Size(failovers, "_BATCH", 1, 30),
    "rows set aside at once": Size(set_aside, "_BATCH", 1, 30),
    "rows taken out at once": Size(deletion, "_BATCH", 1, 60),
    "rows of a batch": Size(batches, "_BATCH", 1, 60),
    "pages of a long log": Size(database, "_LONG_LOG_PAGES", 4, 200),
    "agents given up at once": Size(poller, "_EXPIRED_AT_ONCE", 1, 10),
    "answers that a limit goes by": Size(limit_samples, "SAMPLES", 3, 20),
}
"""All of them, by what a world calls them."""

_WORLDS = 0.25
_EACH = 0.5


def draw_sizes(dice: Dice) -> dict[str, int]:
    """The sizes that a world has otherwise; mostly none."""
    if not dice.chance(_WORLDS):
        return {}
    return {
        name: dice.size(size.low, size.high)
        for name, size in sorted(SIZES.items())  # as a file has them
        if dice.chance(_EACH)
    }
