"""Deadlines that are all as long, with one timer for all of them.

The exchanges of one client all have the same time, so they are over in the order in which they
began: the timer waits for the eldest alone. A timer for each, as aiohttp's total timeout sets it,
costs a twentieth of a request.

A caller that is told that something is overdue has the same time once more until it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType


class Deadlines:
    """Makes deadlines, and sees to them.

    Args:
        timeout_s: Seconds that each of them gives.
    """

    __slots__ = ("_overdue", "_running", "_timeout_s", "_timer")

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._running: dict[Deadline, asyncio.AbstractEventLoop] = {}
        # Those that were told so. None is over later than one that begins now is overdue.
        self._overdue: dict[Deadline, asyncio.AbstractEventLoop] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._running) + len(self._overdue)

    def begin(self, deadline: Deadline) -> None:
        """Have a deadline run from now on."""
        loop = asyncio.get_running_loop()
        deadline.at = loop.time() + self._timeout_s
        self._running[deadline] = loop
        if self._timer is None:
            self._timer = loop.call_at(deadline.at, self._pass)

    def end(self, deadline: Deadline) -> None:
        """It has been kept, or nobody waits for it any more."""
        if self._running.pop(deadline, None) is None:
            self._overdue.pop(deadline, None)

    def close(self) -> None:
        """Leave no timer behind."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _pass(self) -> None:
        self._timer = None
        for deadlines in (self._running, self._overdue):
            while deadlines:
                deadline, loop = next(iter(deadlines.items()))
                if deadline.at > loop.time():
                    self._wait_until(deadline.at, loop)
                    break
                del deadlines[deadline]
                if deadline.overdue is None:
                    deadline.missed()
                    continue
                told, deadline.overdue = deadline.overdue, None
                deadline.at += self._timeout_s
                self._overdue[deadline] = loop
                told()

    def _wait_until(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._pass)


class Deadline:
    """What is done within it raises `TimeoutError` when its time is over.

    It is told so by a cancellation, like that of `asyncio.timeout`: one that comes from elsewhere
    at the same time is not taken for it.

    Args:
        of: The owner of the timeouts.
        overdue: Called when its time is over, which it then has once more; None: it has not. It
            must not raise.
    """

    __slots__ = ("_cancelling", "_missed", "_of", "_task", "at", "overdue")

    at: float

    def __init__(self, of: Deadlines, overdue: Callable[[], None] | None = None) -> None:
        self._of = of
        self._missed = False
        self.overdue = overdue

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._of.begin(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._missed:
            self._of.end(self)
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def missed(self) -> None:
        """Tell its task that the time is over."""
        self._missed = True
        self._task.cancel()
