"""A run under way: signals in, progress out.

What may live here: the bar, the plain line, the handlers of signals. What this room must not
know: what a run does.

Progress is sampled and drawn in a thread of its own: it costs the run nothing, and a terminal
that has stopped taking text (Ctrl-S, a frozen connection) does not stop the sending.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from bulkagent.cli.countdown import count_down
from bulkagent.cli.ending import SIGNALS
from bulkagent.cli.terminal import say
from bulkagent.cli.timing import margin

if TYPE_CHECKING:
    from bulkagent.run import Progress, Run, RunResult

__all__ = ["execute", "pace", "plain_line"]

_PLAIN_EVERY_S = 5.0
_BAR_EVERY_S = 0.2
_LAST_WORD_S = 1.0


async def execute(run: Run) -> RunResult:
    """Execute a prepared run, showing progress and obeying signals."""
    display = _Display(run)
    run.warn = display.date
    display.start()
    try:
        with _signals(run, display):
            return await run.execute()
    finally:
        await asyncio.to_thread(display.end)


@contextmanager
def _signals(run: Run, display: _Display) -> Iterator[None]:
    """The first signal stops admission, the second sending, the third the reports."""
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def obey(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            if run.waiting_for is not None:
                display.announce("stopping: nothing was sent")
            else:
                display.announce(
                    "stopping: requests in flight may finish; once more to cut them off"
                )
            run.stop(number)
        elif len(received) == 2:  # noqa: PLR2004 - first, second, third
            display.announce("cut off: the reports are still written; once more to skip them")
            run.cancel()
        else:
            run.skip_reports()

    # What somebody upstream has set to be ignored, as nohup does with hangups, stays ignored.
    obeyed = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in obeyed:
        loop.add_signal_handler(number, obey, number)
    try:
        yield
    finally:
        late = _Late()
        for number in obeyed:
            loop.remove_signal_handler(number)
            # All is done but the telling, which no impatience may cut short at once.
            signal.signal(number, late)


class _Late:
    """Lets a run that has come to its end be told, unless somebody insists."""

    def __init__(self) -> None:
        self._more = 2

    def __call__(self, number: int, _frame: object) -> None:
        self._more -= 1
        if self._more < 0:
            os._exit(128 + number)


class _Display(threading.Thread):
    """Shows a run's progress until it is told to end."""

    def __init__(self, run: Run) -> None:
        super().__init__(name="bulkagent-progress", daemon=True)
        self._run = run
        self._said: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def announce(self, text: str) -> None:
        """Say something at once, from any thread."""
        self._said.put(text)

    def date(self, text: str) -> None:
        """Say with the time of day what somebody may read hours later."""
        self.announce(f"{dt.datetime.now().astimezone().isoformat(timespec='seconds')} {text}")

    def end(self) -> None:
        """Stop showing; a terminal that takes nothing is not waited for."""
        self._said.put(None)
        self.join(_LAST_WORD_S)

    def run(self) -> None:
        """Draw until the end."""
        if not count_down(self._run, self._pause, terminal=_is_terminal()):
            return
        if not (_is_terminal() and self._bar()):
            self._lines()

    def _lines(self) -> None:
        while self._pause(_PLAIN_EVERY_S):
            say(plain_line(self._run.progress(), dt.datetime.now().astimezone()))

    def _pause(self, seconds: float) -> bool:
        """Wait for the next drawing; False when there is none any more."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                text = self._said.get(timeout=left)
            except queue.Empty:
                return True
            if text is None:
                return False
            say(text)
        return True

    def _bar(self) -> bool:
        """Draw a bar; False when the terminal has gone and lines are to be tried."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        bar = Progress(
            BarColumn(bar_width=None),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rate]}/s"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[counts]}", markup=False),
            console=Console(stderr=True),
            auto_refresh=False,
            transient=True,
        )
        task = bar.add_task("", total=None, rate="0", counts="")
        try:
            bar.start()
            while self._pause(_BAR_EVERY_S):
                progress = self._run.progress()
                bar.update(
                    task,
                    total=progress.agents,
                    completed=progress.finished,
                    rate=f"{pace(progress)[0]:,.0f}",
                    counts=_told(progress, dt.datetime.now().astimezone()).removeprefix(", "),
                )
                bar.refresh()
        except (OSError, ValueError):
            return False
        finally:
            with suppress(OSError, ValueError):
                bar.stop()
        return True


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def plain_line(progress: Progress, now: dt.datetime) -> str:
    """One dated line: how far, how fast, how long still, and what came of it."""
    share = progress.finished / progress.agents if progress.agents else 1.0
    rate, left_s = pace(progress)
    left = "" if left_s is None else f", {left_s:.0f} s left"
    return (
        f"{now.isoformat(timespec='seconds')} {progress.finished:,} of {progress.agents:,}"
        f" ({share:.1%}), {rate:.0f}/s{left}{_told(progress, now)}"
    )


def pace(progress: Progress) -> tuple[float, float | None]:
    """Agents finished a second so far, and the seconds left at that rate."""
    rate = progress.finished / progress.elapsed_s if progress.elapsed_s > 0 else 0.0
    return rate, (progress.agents - progress.finished) / rate if rate else None


def _told(progress: Progress, now: dt.datetime) -> str:
    return margin(progress.finish_by, now, pace(progress)[1]) + _counts(progress)


def _counts(progress: Progress) -> str:
    counts = {
        **progress.by_status,
        "waiting for a retry": progress.waiting,
        "waited for to sign in": progress.awaited,
    }
    return "".join(f", {count:,} {name}" for name, count in counts.items() if count)
