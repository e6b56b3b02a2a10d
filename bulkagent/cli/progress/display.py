"""A run under way: signals in, progress out.

Progress is sampled and drawn in a thread of its own: it costs the run nothing, and a terminal
that has stopped taking text (Ctrl-S, a frozen connection) does not stop the sending.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bulkagent.blocking import in_thread
from bulkagent.cli.console.labels import Label, labelled
from bulkagent.cli.console.signals import SIGNALS, answering
from bulkagent.cli.console.terminal import say, say_soon
from bulkagent.cli.options.progress_mode import Showing
from bulkagent.cli.progress.countdown import count_down
from bulkagent.cli.progress.rate import Pace, outlook
from bulkagent.cli.progress.region import Region
from bulkagent.cli.render.schedule import margin, waiting_line

if TYPE_CHECKING:
    from bulkagent.run import Consent, Finished, PreparedRun, Progress


_PLAIN_EVERY_S = 5.0
_BAR_EVERY_S = 0.25
_LAST_WORD_S = 1.0


async def execute(
    run: PreparedRun, showing: Showing = Showing.BAR, *, consent: Consent | None, answered: bool
) -> Finished:
    """Execute a prepared run, showing progress and obeying signals.

    Args:
        run: The run.
        showing: How progress is shown.
        consent: How the plan was agreed to; None: by nobody.
        answered: Whether a person has looked at its guardrail, and agreed.
    """
    from anyio import CancelScope

    display = _Display(run, showing)
    run.warn = display.date
    run.in_way = display.in_way
    try:
        with _signals(run, display):
            display.start()
            return await run.execute(consent, answered=answered)
    finally:
        with CancelScope(shield=True):
            await in_thread(display.end)


@contextmanager
def _signals(run: PreparedRun, display: _Display) -> Iterator[None]:
    """The first signal stops admission, the second sending, the third the reports."""
    loop = asyncio.get_running_loop()
    received: list[int] = []

    def obey(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            if run.waiting_for is not None:
                display.announce("stopping: nothing was sent")
            else:
                display.announce(f"stopping: {_waits_for(run)}; once more to cut them off")
                if run.resume_command:
                    display.announce(labelled(Label.NEXT, run.resume_command))
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
    loop.add_signal_handler(signal.SIGWINCH, display.resized)
    try:
        with answering(display.status):
            yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)
        late = _Late()
        for number in obeyed:
            loop.remove_signal_handler(number)
            # All is done but the telling, which no impatience may cut short at once.
            signal.signal(number, late)


def _waits_for(run: PreparedRun) -> str:
    """What the end of a run that was stopped waits for, and how long."""
    gateways = run.progress().gateways
    answering = sum(at.in_flight - at.in_doubt for at in gateways)
    if answering <= 0:
        return "requests in flight may finish"
    requests = "1 request" if answering == 1 else f"{answering:,} requests"
    return f"waiting up to {run.grace_s:g} s for {requests}"


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

    def __init__(self, run: PreparedRun, showing: Showing) -> None:
        super().__init__(name="bulkagent-progress", daemon=True)
        self._run = run
        self._showing = showing
        self._pace = Pace()
        self._ending = False
        self._look_again = threading.Event()

    def announce(self, text: str) -> None:
        """Say something at once, from any thread."""
        say_soon(text)

    def date(self, text: str) -> None:
        """Say with the time of day what somebody may read hours later."""
        self.announce(f"{_now().isoformat(timespec='seconds')} {text}")

    def in_way(self, text: str) -> None:
        """Say what another run leaves to this one, to a person who waits or in a log."""
        if sys.stderr is not None and sys.stderr.isatty():
            self.announce(labelled(Label.IN_USE, text))
        else:
            self.date(text)

    def resized(self) -> None:
        """The terminal has another size: draw at once."""
        self._look_again.set()

    def status(self) -> str:
        """How it stands, for somebody who asks."""
        start = self._run.waiting_for
        if start is not None:
            return waiting_line(start, time.time_ns() // 1_000_000)
        progress = self._run.progress()
        if not progress.agents or not progress.requests:
            return f"nothing was sent yet; {progress.agents:,} agents to set"
        # Where nothing is drawn, nobody has looked how fast it is of late.
        average = progress.finished / progress.elapsed_s if progress.elapsed_s else 0.0
        return _plain(
            progress,
            _now(),
            per_second=self._pace.per_second or average,
            left_s=self._pace.left_s(progress),
        )

    def end(self) -> None:
        """Stop showing; a terminal that takes nothing is not waited for."""
        self._ending = True
        self._look_again.set()
        if self.is_alive():  # a signal may have come before it was started
            self.join(_LAST_WORD_S)

    def run(self) -> None:
        """Draw until the end."""
        if self._showing is Showing.NONE:
            return
        region = Region.of_stderr() if self._showing is not Showing.PLAIN else None
        try:
            if not count_down(self._run, self._pause, region):
                return
            self._look()
            if region is None:
                self._lines()
            else:
                self._bar(region)
        finally:
            if region is not None:
                region.clear()

    def _lines(self) -> None:
        while self._pause(_PLAIN_EVERY_S):
            progress = self._look()
            said = plain_line(
                progress,
                _now(),
                per_second=self._pace.per_second,
                left_s=self._pace.left_s(progress),
            )
            say(said)

    def _pause(self, seconds: float) -> bool:
        """Wait for the next drawing; False when there is none any more."""
        if self._look_again.wait(seconds) and not self._ending:
            self._look_again.clear()
        return not self._ending

    def _bar(self, region: Region) -> None:
        """Draw anew until the end."""
        from bulkagent.cli.progress.live import live_view

        while self._pause(_BAR_EVERY_S):
            progress = self._look()
            width, height = region.size
            view = live_view(
                progress,
                _now(),
                per_second=self._pace.per_second,
                left_s=self._pace.left_s(progress),
                width=width,
                height=height,
                plain=region.ascii_only,
            )
            region.draw(view)

    def _look(self) -> Progress:
        progress = self._run.progress()
        self._pace.seen(time.monotonic(), progress)
        return progress


def _now() -> dt.datetime:
    return dt.datetime.now().astimezone()


def plain_line(
    progress: Progress, now: dt.datetime, *, per_second: float, left_s: float | None
) -> str:
    """One dated line: how far, how fast, how long still, and what came of it."""
    said = _plain(progress, now, per_second=per_second, left_s=left_s)
    return f"{now.isoformat(timespec='seconds')} {said}"


def _plain(progress: Progress, now: dt.datetime, *, per_second: float, left_s: float | None) -> str:
    share = progress.finished / progress.agents if progress.agents else 1.0
    said = outlook(progress, left_s)
    return (
        f"{progress.finished:,} of {progress.agents:,}"
        f" ({share:.1%}), {per_second:,.0f}/s{f', {said}' if said else ''}"
        f"{margin(progress.finish_by, now, left_s)}{_counts(progress)}{_shared(progress)}"
    )


def _shared(progress: Progress) -> str:
    commands = max((at.commands for at in progress.gateways), default=1)
    return f", limits shared by {commands:,} commands" if commands > 1 else ""


def _counts(progress: Progress) -> str:
    counts = {
        **progress.by_status,
        "waiting for a retry": progress.waiting,
        "waited for to sign in": progress.awaited,
        "sent nothing": progress.not_sent,
        "in doubt and in flight": sum(at.in_doubt for at in progress.gateways),
    }
    return "".join(f", {count:,} {name}" for name, count in counts.items() if count)
