"""The course of each gateway's limit over time, and when its breaker held requests back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import msgspec

from bulkagent.language import mark
from bulkagent.reports.html.charts import HEIGHT, WIDTH, Piece, Tick, counted, elapsed
from bulkagent.reports.html.sentences import say


class Course(msgspec.Struct, frozen=True):
    """How much one gateway was sent at once over time, and when its breaker held it back."""

    name: str
    line: str
    """The limit as the points of a polyline, from left to right."""
    shades: tuple[Piece, ...]
    """When the breaker was not closed."""
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    said: str


class _Limit(msgspec.Struct):
    gateway: str
    at: str
    concurrency: int
    breaker: str

    @property
    def ms(self) -> float:
        return dt.datetime.fromisoformat(self.at).timestamp() * 1000


def courses(changes: Sequence[dict[str, object]], last_ms: int | None) -> tuple[Course, ...]:
    """The gateways of which something moved, by name.

    Args:
        changes: The limit of each from a moment on, in the order of time.
        last_ms: Time of day of the last outcome.
    """
    by_name: dict[str, list[_Limit]] = {}
    for change in changes:
        read = msgspec.convert(change, _Limit)
        by_name.setdefault(read.gateway, []).append(read)
    moved = {name: found for name, found in by_name.items() if _moved(found)}
    if not moved:
        return ()
    start = min(found[0].ms for found in moved.values())
    end = max(last_ms or 0, *(found[-1].ms for found in moved.values()))
    return tuple(_course(name, found, start, end) for name, found in sorted(moved.items()))


def _moved(changes: Sequence[_Limit]) -> bool:
    return len({(change.concurrency, change.breaker) for change in changes}) > 1


def _course(name: str, changes: Sequence[_Limit], start: float, end: float) -> Course:
    length = max(end - start, 1.0)
    up, whole = counted(max(change.concurrency for change in changes))
    points: list[tuple[float, float]] = []
    shades: list[Piece] = []
    open_s = 0.0
    ends = [*(change.ms for change in changes[1:]), end]
    for change, until in zip(changes, ends, strict=True):
        x, to = (round(WIDTH * (ms - start) / length, 2) for ms in (change.ms, until))
        y = round(HEIGHT * (1 - change.concurrency / whole), 2)
        points.extend(((x, y), (to, y)))
        if change.breaker != "closed":
            open_s += (until - change.ms) / 1000
            text = say(
                mark("circuit breaker %(state)s for %(seconds)s s"),
                state=change.breaker,
                seconds=f"{(until - change.ms) / 1000:.1f}",
            )
            shades.append(Piece(change.breaker, x, 0.0, max(1.0, round(to - x, 2)), HEIGHT, text))
    limits = [change.concurrency for change in changes]
    least, most = min(limits), max(limits)
    numbers = {"least": f"{least:,}", "most": f"{most:,}", "last": f"{limits[-1]:,}"}
    parts = [say(_STEADY if least == most else _MOVED, **numbers)]
    if shades:
        times = sum(change.breaker == "open" for change in changes)
        parts.append(say(_OPENED, times=f"{times:,}", seconds=f"{open_s:.1f}"))
    line = " ".join(f"{x:g},{y:g}" for x, y in points)
    return Course(name, line, tuple(shades), elapsed(length), up, " ".join(parts))


_STEADY = mark("%(most)s requests at once.")
_MOVED = mark("%(least)s to %(most)s requests at once, %(last)s in the end.")
_OPENED = mark(
    "The circuit breaker opened (times: %(times)s) and held requests back for %(seconds)s s."
)
