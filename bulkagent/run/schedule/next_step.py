"""The next step of a run that waits for its start.

The time of day decides, asked again and again: a machine that slept, or whose clock was set,
starts neither early nor hours late.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

AGAIN_S = 300.0
"""So long before the start everything is looked at again."""

LATEST_S = 600.0
"""So long after its time a start is still what was meant."""

# The longest that a clock that was set, or a machine that woke up, is not noticed.
_SLICE_S = 5.0


class ChecksDone(enum.Enum):
    """How often everything was looked at, as far as it matters."""

    NEVER = "never"
    ONCE = "once"
    AGAIN = "again"  # or once, when there was no need for a second time


class StartAction(enum.Enum):
    """What to do now."""

    WAIT = "wait"
    LOOK = "look"
    START = "start"
    MISSED = "missed"


class StartStep(NamedTuple):
    """What to do now, and for how long."""

    do: StartAction
    seconds: float = 0.0


def next_step(*, start_ms: int, now_ms: int, looked: ChecksDone) -> StartStep:
    """What to do now.

    Args:
        start_ms: The time of day to start at, in milliseconds.
        now_ms: The time of day.
        looked: How often everything was looked at.
    """
    left_s = (start_ms - now_ms) / 1000
    if left_s <= 0:
        return StartStep(StartAction.MISSED if -left_s > LATEST_S else StartAction.START)
    if looked is ChecksDone.NEVER or (looked is ChecksDone.ONCE and left_s <= AGAIN_S):
        return StartStep(StartAction.LOOK)
    until_s = left_s - AGAIN_S if looked is ChecksDone.ONCE else left_s
    return StartStep(StartAction.WAIT, min(until_s, _SLICE_S))
