"""The countdown of a run that waits for its start."""

from __future__ import annotations

import datetime as dt
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import say
from bulkagent.cli.render.schedule import waiting_line

if TYPE_CHECKING:
    from bulkagent.cli.progress.region import Region
    from bulkagent.run import PreparedRun


_EVERY_S = 600
_LAST_S = (10, 30, 60)
_LOOK_EVERY_S = 0.2


def mark_of(left_s: float) -> int:
    """Which stretch of a wait it is; a plain line is due whenever that changes.

    Stretches are ten minutes long, and shorter in the last minute.
    """
    for mark in _LAST_S:
        if left_s <= mark:
            return mark
    return math.ceil(left_s / _EVERY_S) * _EVERY_S


def count_down(run: PreparedRun, pause: Callable[[float], bool], region: Region | None) -> bool:
    """Show how long a run still waits for its start.

    Args:
        run: The run.
        pause: Waits that many seconds, saying what there is to say; False: nothing more is shown.
        region: Where a line can be redrawn; None: nowhere.

    Returns:
        Whether there is more to be shown.
    """
    if run.waiting_for is None:
        return True
    return _lines(run, pause) if region is None else _redrawn(run, pause, region)


def _lines(run: PreparedRun, pause: Callable[[float], bool]) -> bool:
    said: int | None = None
    while (start := run.waiting_for) is not None:
        now_ms = _now_ms()
        mark = mark_of((start.at_ms - now_ms) / 1000)
        if mark != said:
            said = mark
            now = dt.datetime.fromtimestamp(now_ms / 1000).astimezone()
            say(f"{now.isoformat(timespec='seconds')} {waiting_line(start, now_ms)}")
        if not pause(_LOOK_EVERY_S):
            return False
    return True


def _redrawn(run: PreparedRun, pause: Callable[[float], bool], region: Region) -> bool:
    from rich.text import Text

    while (start := run.waiting_for) is not None:
        region.draw(Text(waiting_line(start, _now_ms())))
        if not pause(_LOOK_EVERY_S):
            return False
    region.clear()
    return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
