"""One event loop in virtual time for all simulated processes of a morning.

Each process has a queue of ready callbacks of its own, which keeps asyncio's order: that is a
guarantee on which programs rely. Which process has the next turn is drawn from the seed. Time
stands still as long as anything is ready, and then jumps to the next timer.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from random import Random
from typing import Any, Protocol, TypeVar, TypeVarTuple, cast

from greenlet import getcurrent

ResultT = TypeVar("ResultT")
ArgumentsT = TypeVarTuple("ArgumentsT")

MOST_TURNS_AT_ONCE = 100_000
"""After so many turns at one moment of virtual time a morning is stuck."""


class Stuck(Exception):
    """The morning comes to no end."""


class Turn(Protocol):
    """What has turns on the loop: a simulated process, or the world around them."""

    ready: deque[asyncio.Handle]
    gone: bool
    """Whether nothing of it runs any more."""

    @property
    def busy(self) -> bool:
        """Whether it is in the middle of a turn, so that it cannot have another."""

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Told of each task that it begins."""

    def take_turn(self) -> None:
        """Run what was ready when the turn began."""


class Surroundings:
    """The world around the processes: gateways, people, the machine."""

    def __init__(self) -> None:
        self.ready: deque[asyncio.Handle] = deque()
        self.gone = False
        self.busy = False

    def keep(self, task: asyncio.Task[Any]) -> None:
        """The loop runs it to its end."""

    def take_turn(self) -> None:
        for _ in range(len(self.ready)):
            handle = self.ready.popleft()
            if not handle.cancelled():
                handle._run()


CURRENT: ContextVar[Turn | None] = ContextVar("simulated_process", default=None)
"""The process that code runs for; None: the world around."""


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where it is in memory."""

    _log_destroy_pending = False

    def __init__(
        self, coroutine: Coroutine[Any, Any, Any], loop: VirtualLoop, **options: Any
    ) -> None:
        self._number = next(loop.numbers)  # before: it is put into a set there
        super().__init__(coroutine, loop=loop, **options)

    def __hash__(self) -> int:
        return self._number


class _Future(asyncio.Future[Any]):
    """The same of a future."""

    def __init__(self, *, loop: VirtualLoop) -> None:
        self._number = next(loop.numbers)
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class VirtualLoop(asyncio.BaseEventLoop):
    """The loop.

    Args:
        random: Draws which process has the next turn.
    """

    def __init__(self, random: Random) -> None:
        self.numbers = itertools.count()
        """Of tasks and futures, in the order in which they are made."""
        super().__init__()
        self._random = random
        self._now = 0.0
        self._turns = 0
        self.surroundings = Surroundings()
        self._active: list[Turn] = []
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self.hub = getcurrent()
        """The greenlet of the loop, to which all others give way."""
        self.set_task_factory(cast("Any", _task))
        self.set_exception_handler(lambda _loop, context: self.unhandled.append(context))
        self.unhandled: list[dict[str, Any]] = []
        """What nobody caught: defects."""

    def time(self) -> float:
        """Virtual seconds since the morning began."""
        return self._now

    def create_future(self) -> asyncio.Future[Any]:
        """A future with a number for a hash."""
        return _Future(loop=self)

    def call_soon(
        self,
        callback: Callable[[*ArgumentsT], object],
        *args: *ArgumentsT,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Put it into the queue of its process."""
        handle = asyncio.Handle(callback, args, self, context)
        self._put(handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[*ArgumentsT], object],
        *args: *ArgumentsT,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """The same: there are no threads."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*ArgumentsT], object],
        *args: *ArgumentsT,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call after some virtual time."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*ArgumentsT], object],
        *args: *ArgumentsT,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call at a virtual time."""
        timer = asyncio.TimerHandle(when, callback, args, cast("Any", self), context)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def run_to_end(self, main: Coroutine[Any, Any, ResultT], *, most_s: float) -> ResultT:
        """Run until this has ended.

        Raises:
            Stuck: It does not, within so much virtual time.
        """
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._run_once_more(most_s)
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def surrounded(self, callback: Callable[..., object], *args: Any) -> None:
        """Call as the world around, not as the process that this runs for."""
        self.call_soon(callback, *args, context=Context())

    def activate(self, turn: Turn) -> None:
        """Let a process whose queue has filled have turns."""
        if turn not in self._active:
            self._active.append(turn)

    def _run_once_more(self, most_s: float) -> None:
        able = [turn for turn in self._active if not turn.busy]
        if not able:
            self._advance(most_s)
            return
        turn = able[0] if len(able) == 1 else able[self._random.randrange(len(able))]
        self._turns += 1
        if self._turns > MOST_TURNS_AT_ONCE:
            raise Stuck(f"there is no end of turns at {self._now:.3f} s")
        turn.take_turn()
        if turn.gone or not turn.ready:
            self._active.remove(turn)

    def _advance(self, most_s: float) -> None:
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            raise Stuck(f"nothing is waited for at {self._now:.3f} s, and there is no end")
        self._turns = 0
        self._now = max(self._now, timers[0][0])
        if self._now > most_s:
            raise Stuck(f"there is no end after {self._now:.0f} s")
        while timers and timers[0][0] <= self._now:
            timer = heapq.heappop(timers)[2]
            if not timer.cancelled():
                self._put(timer)

    def _put(self, handle: asyncio.Handle) -> None:
        turn = cast("Any", handle)._context.get(CURRENT) or self.surroundings
        if turn.gone:
            return
        if not turn.ready:
            self.activate(turn)
        turn.ready.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time has come."""

    def get_debug(self) -> bool:
        """Never: its checks are of threads."""
        return False


def _task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    turn = CURRENT.get()
    task = _Task(coroutine, cast("VirtualLoop", loop), **options)
    if turn is not None:
        turn.keep(task)
    return task
