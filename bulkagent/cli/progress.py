"""A run under way: signals in, progress out.

What may live here: the bar, the plain line, the handlers of signals. What this room must not
know: what a run does. Progress is sampled, so that it costs the run nothing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bulkagent.cli.terminal import say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from bulkagent.run import Progress, Run, RunResult

__all__ = ["execute"]

_PLAIN_EVERY_S = 5.0
_BAR_EVERY_S = 0.2

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def execute(run: Run) -> RunResult:
    """Execute a prepared run, showing progress and obeying signals."""
    with _signals(run):
        showing = asyncio.create_task(_show(run))
        try:
            return await run.execute()
        finally:
            showing.cancel()
            with suppress(asyncio.CancelledError):
                await showing


@contextmanager
def _signals(run: Run) -> Iterator[None]:
    """The first signal stops admission, the second cuts off what is in flight as well."""
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def obey(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            say("stopping: requests in flight may finish; once more to cut them off")
            run.stop(number)
        else:
            run.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, obey, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def _show(run: Run) -> None:
    if _is_terminal():
        await _show_bar(run)
    while True:
        await asyncio.sleep(_PLAIN_EVERY_S)
        say(plain_line(run.progress(), dt.datetime.now().astimezone()))


def _is_terminal() -> bool:
    import os

    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def plain_line(progress: Progress, now: dt.datetime) -> str:
    """One dated line: how far, how fast, how long still, and what came of it."""
    share = progress.finished / progress.agents if progress.agents else 1.0
    rate, left_s = pace(progress)
    left = "" if left_s is None else f", {left_s:.0f} s left"
    return (
        f"{now.isoformat(timespec='seconds')} {progress.finished:,} of {progress.agents:,}"
        f" ({share:.1%}), {rate:.0f}/s{left}{_counts(progress)}"
    )


def pace(progress: Progress) -> tuple[float, float | None]:
    """Agents finished a second so far, and the seconds left at that rate."""
    rate = progress.finished / progress.elapsed_s if progress.elapsed_s > 0 else 0.0
    return rate, (progress.agents - progress.finished) / rate if rate else None


def _counts(progress: Progress) -> str:
    counts = {**progress.by_status, "waiting for a retry": progress.waiting}
    return "".join(f", {count:,} {name}" for name, count in counts.items() if count)


async def _show_bar(run: Run) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[rate]}/s"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[counts]}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
    )
    with suppress(OSError, ValueError), bar:
        await _redraw(run, bar)


async def _redraw(run: Run, bar: Bar) -> None:
    task = bar.add_task("", total=None, rate="0", counts="")
    while True:
        progress = run.progress()
        rate, _ = pace(progress)
        bar.update(
            task,
            total=progress.agents,
            completed=progress.finished,
            rate=f"{rate:,.0f}",
            counts=_counts(progress).removeprefix(", "),
        )
        bar.refresh()
        await asyncio.sleep(_BAR_EVERY_S)
