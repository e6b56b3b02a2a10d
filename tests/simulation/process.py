"""A simulated process: an identity, a clock, turns on the loop, and work that blocks.

All of it runs in greenlets: one for the process's turns on the loop, one for each piece of blocking
work. Where the process looks at its disk it gives way to the others. A process that is killed is
simply not gone on with, wherever it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from functools import partial
from random import Random
from typing import Any, TypeVar, TypeVarTuple

import anyio
import anyio.lowlevel
from greenlet import getcurrent, greenlet

from bulkagent.ledger.run_lock import RunLock
from tests.simulation.disk import Disk, SimulatedConnection
from tests.simulation.loop import CURRENT, VirtualLoop
from tests.simulation.world import EPOCH_MS

ResultT = TypeVar("ResultT")
ArgumentsT = TypeVarTuple("ArgumentsT")

_LEAST_PAUSE_S = 0.000_05
_MOST_PAUSE_S = 0.002
_MOST_THROWN = 20
"""What is thrown out of a greenlet may make it give way once more."""


class Clock:
    """The time as a process sees it.

    Args:
        loop: Has the true time.
        ahead_s: By how much its time of day is ahead.
        began_s: Where its monotonic clock begins.
    """

    def __init__(self, loop: VirtualLoop, ahead_s: float, began_s: float) -> None:
        self._loop = loop
        self._began_s = began_s
        self.ahead_s = ahead_s

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._began_s + self._loop.time()

    def wall_ms(self) -> int:
        """The time of day."""
        return EPOCH_MS + round((self._loop.time() + self.ahead_s) * 1000)

    def busy_s(self) -> float:
        """Computing takes no virtual time."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop."""
        await asyncio.sleep(seconds)


class Process:
    """One command at work.

    Args:
        number: Its number.
        loop: The loop of all.
        disk: Where its ledger is.
        random: What it draws from.
        ahead_s: By how much its time of day is ahead.
    """

    def __init__(
        self, number: int, loop: VirtualLoop, disk: Disk, random: Random, *, ahead_s: float
    ) -> None:
        self.number = number
        self.loop = loop
        self.disk = disk
        self.random = random
        self.clock = Clock(loop, ahead_s, 1000.0 + loop.time())
        self.ready: deque[asyncio.Handle] = deque()
        self.gone = False
        self.connections: list[SimulatedConnection] = []
        self.locks: list[RunLock] = []
        self.left_open: list[Callable[[], None]] = []
        """Closes what else it has open; called where it is killed."""
        self.looks_left = -1
        """After so many looks at the disk it is killed; below 0: it is not."""
        self.on_killed: Callable[[], None] = lambda: None
        self.interrupted: BaseException | None = None
        """Raised at the next look at the disk, as a signal handler would."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self.most_tasks = 0
        """So many tasks it had at once."""
        self._turns = greenlet(self._take_turns, parent=loop.hub)
        self._turns.gr_context = copy_context()
        self._paused = False
        self._jobs: set[greenlet] = set()
        self.context = copy_context()
        self.context.run(CURRENT.set, self)

    @property
    def busy(self) -> bool:
        """Whether it is in the middle of a turn, waiting for its disk."""
        return self._paused

    def begin(self, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run this as the process's main task."""
        return self.loop.create_task(main, context=self.context.copy())

    def run(self, function: Callable[..., ResultT], *arguments: Any) -> ResultT:
        """Call with the process's identity."""
        return self.context.copy().run(function, *arguments)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Keep a task as long as it goes on; of a killed process, until the morning is over.

        Nobody else may. One that went earlier would run its `finally` clauses after the kill.
        """
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.most_tasks = max(self.most_tasks, len(self._tasks))

    def take_turn(self) -> None:
        """Run what is ready, until it gives way."""
        self._turns.switch()

    def kill(self) -> None:
        """End it where it is: nothing of it runs again."""
        if self.gone:
            return
        self.gone = True
        self.ready.clear()
        if self.connections:
            self.disk.cut(self.connections)
        for lock in self.locks:
            # As the kernel does: the lock ends, its file stays.
            cut_off(lock)
        for close in self.left_open:
            with contextlib.suppress(OSError):
                close()
        self.on_killed()
        if getcurrent() in {self._turns, *self._jobs}:
            self._leave_task()
            self.loop.hub.switch()

    def ended(self) -> None:
        """It has come to its end by itself."""
        self.gone = True

    def let_go(self) -> None:
        """Free what it holds, once the morning is over: a greenlet that waits is no garbage."""
        self._tasks.clear()
        for each in (self._turns, *self._jobs):
            for _ in range(_MOST_THROWN):
                if each:
                    each.throw()

    def come_near_death(self) -> None:
        """Die here, if it was to die at this look at its disk."""
        if self.looks_left == 0:
            self.kill()
        if self.looks_left > 0:
            self.looks_left -= 1

    def give_way(self) -> None:
        """Let the others go on for a moment; a look at the disk."""
        self.come_near_death()
        self.pause(self.random.uniform(_LEAST_PAUSE_S, _MOST_PAUSE_S))

    def pause(self, seconds: float) -> None:
        """Let virtual time pass within work that blocks, or within a turn."""
        here = getcurrent()
        if any(connection.writes for connection in self.connections):
            return  # others could not go on before it has committed
        if here is self._turns:
            self._pause_turn(seconds)
        elif here in self._jobs:
            self.loop.hub.switch(seconds)
        if self.interrupted is not None:
            error, self.interrupted = self.interrupted, None
            raise error

    def _pause_turn(self, seconds: float) -> None:
        task = self._leave_task()
        self._paused = True
        self.loop.call_later(seconds, self._go_on, context=Context())
        self.loop.hub.switch()
        if task is not None:
            asyncio.tasks._enter_task(self.loop, task)

    def _go_on(self) -> None:
        if not self.gone:
            self._paused = False
            self._turns.switch()
            if self.ready and not self.gone:
                self.loop.activate(self)

    def _leave_task(self) -> asyncio.Task[Any] | None:
        task = asyncio.tasks.current_task(self.loop)
        if task is not None and getcurrent() is self._turns:
            asyncio.tasks._leave_task(self.loop, task)
            return task
        return None

    def _take_turns(self) -> None:
        while True:
            for _ in range(len(self.ready)):
                handle = self.ready.popleft()
                if not handle.cancelled():
                    handle._run()
                if self.gone:
                    break
            self.loop.hub.switch()

    def job(
        self, function: Callable[[*ArgumentsT], ResultT], *arguments: *ArgumentsT
    ) -> asyncio.Future[ResultT]:
        """Make a call that blocks, beside the process's turns, in a copy of this context."""
        done: asyncio.Future[ResultT] = self.loop.create_future()

        def work() -> None:
            try:
                result = function(*arguments)
            except Exception as error:  # noqa: BLE001 - it is the caller's
                _settle(done, None, error)
            else:
                _settle(done, result, None)
            self._jobs.discard(worker)

        worker = greenlet(work, parent=self.loop.hub)
        worker.gr_context = copy_context()
        self._jobs.add(worker)
        self._later(worker, self.random.uniform(_LEAST_PAUSE_S, _MOST_PAUSE_S))
        return done

    def _later(self, worker: greenlet, seconds: float) -> None:
        self.loop.call_later(seconds, self._work_on, worker, context=Context())

    def _work_on(self, worker: greenlet) -> None:
        if self.gone:
            return
        pause = worker.switch()
        if not worker.dead and not self.gone:
            self._later(worker, pause)


class SimulatedThread:
    """Makes the calls of one process in their order."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._waiting: deque[tuple[asyncio.Future[Any], Callable[[], Any]]] = deque()
        self._at_work = False
        self._closed = False

    def submit(
        self, function: Callable[[*ArgumentsT], ResultT], *arguments: *ArgumentsT
    ) -> asyncio.Future[ResultT]:
        """Make a call after those before."""
        if self._closed:
            raise RuntimeError("no call is made in a thread that is closed")
        done: asyncio.Future[ResultT] = self._process.loop.create_future()
        self._waiting.append((done, partial(copy_context().run, function, *arguments)))
        if not self._at_work:
            self._at_work = True
            self._process.job(self._work)
        return done

    def close(self) -> None:
        """Wait until all have been made, and take no more."""
        self._closed = True
        while self._at_work:
            self._process.pause(_MOST_PAUSE_S)

    def _work(self) -> None:
        while self._waiting:
            done, call = self._waiting.popleft()
            if done.cancelled():
                continue
            try:
                result = call()
            except Exception as error:  # noqa: BLE001 - it is the caller's
                _settle(done, None, error)
            else:
                _settle(done, result, None)
        self._at_work = False


class SimulatedBlocking:
    """The product's seam for work that blocks, in one process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def call(
        self,
        function: Callable[[*ArgumentsT], ResultT],
        *arguments: *ArgumentsT,
        abandon_on_cancel: bool = False,
    ) -> ResultT:
        """Make a call; a caller who is cancelled waits for its end, or abandons it."""
        await anyio.lowlevel.checkpoint()
        done = self._process.job(function, *arguments)
        with anyio.CancelScope(shield=not abandon_on_cancel):
            await asyncio.wait((done,))
        return done.result()

    def thread(self, name: str) -> SimulatedThread:
        """A thread of its own."""
        return SimulatedThread(self._process)

    def pause(self, seconds: float) -> None:
        """Wait within a call."""
        self._process.pause(seconds)

    def monotonic(self) -> float:
        """The time by which it waits."""
        return self._process.clock.monotonic()


def cut_off(lock: RunLock) -> None:
    """End a lock and leave its file, as the end of a process does."""
    if lock._file >= 0:
        os.close(lock._file)
        lock._file = -1


def current_process() -> Process | None:
    """The process that this runs for."""
    found = CURRENT.get()
    return found if isinstance(found, Process) else None


def _settle(done: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    with contextlib.suppress(asyncio.InvalidStateError):
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)
