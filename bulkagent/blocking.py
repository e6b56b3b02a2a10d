"""Calls that block: made in threads, and by way of one object that a test can replace.

Queries, files and syncs to disk take their time, and nothing on the event loop may.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Executor

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")


class OwnThread(Protocol):
    """One thread, which makes the calls that it is given in their order, one at a time."""

    def submit(self, function: Callable[[*_Ts], _T], *arguments: *_Ts) -> asyncio.Future[_T]:
        """Have the thread make a call, after those before it.

        The call has a copy of the caller's context.

        Returns:
            What comes of it, on the running event loop. One whose call has begun is made to its
            end, even where the future is cancelled.
        """

    def close(self) -> None:
        """Block until all that was submitted has ended; the thread is gone then."""


class Blocking(Protocol):
    """How calls that block are made, as an object that a test can replace."""

    async def call(
        self,
        function: Callable[[*_Ts], _T],
        *arguments: *_Ts,
        abandon_on_cancel: bool = False,
    ) -> _T:
        """Make a call in a thread, and give what it returns or raises; see `in_thread`."""

    def thread(self, name: str) -> OwnThread:
        """A thread of that name for one owner; see `own_thread`."""

    def pause(self, seconds: float) -> None:
        """Block the calling thread for so long; see `pause`."""

    def monotonic(self) -> float:
        """The time by which pauses pass; see `monotonic`."""


class Threads:
    """Calls that block are made in threads of this process."""

    async def call(
        self,
        function: Callable[[*_Ts], _T],
        *arguments: *_Ts,
        abandon_on_cancel: bool = False,
    ) -> _T:
        """Make a call in one of the threads that all share."""
        from anyio.to_thread import run_sync

        return await run_sync(function, *arguments, abandon_on_cancel=abandon_on_cancel)

    def thread(self, name: str) -> OwnThread:
        """A thread, started by the first call that it is given."""
        from concurrent.futures import ThreadPoolExecutor

        return _Thread(ThreadPoolExecutor(max_workers=1, thread_name_prefix=name))

    def pause(self, seconds: float) -> None:
        """Let the thread sleep."""
        time.sleep(seconds)

    def monotonic(self) -> float:
        """The clock of this machine."""
        return time.monotonic()


class _Thread:
    """An executor with one thread."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Callable[[*_Ts], _T], *arguments: *_Ts) -> asyncio.Future[_T]:
        from asyncio import get_running_loop

        # By itself an executor knows nothing of contexts.
        call = partial(copy_context().run, function, *arguments)
        return get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        self._executor.shutdown(wait=True)


_THREADS = Threads()
BLOCKING: ContextVar[Blocking] = ContextVar("bulkagent_blocking", default=_THREADS)
"""How this context makes calls that block; a test puts another object there."""


async def in_thread(
    function: Callable[[*_Ts], _T], *arguments: *_Ts, abandon_on_cancel: bool = False
) -> _T:
    """Make a call in a thread, and give what it returns or raises.

    The call has a copy of the caller's context. Where the caller is cancelled already, no call is
    made. One that has to be made at the end of a cancelled task needs a shield of anyio round it.

    Args:
        function: What is called.
        arguments: What it is given.
        abandon_on_cancel: Whether a caller whose scope of anyio is cancelled during the call goes
            on at once, and leaves the call to itself. Otherwise it waits for the end of the call,
            and is cancelled then. One whose task is cancelled by asyncio never waits.
    """
    blocking = BLOCKING.get()
    return await blocking.call(function, *arguments, abandon_on_cancel=abandon_on_cancel)


def own_thread(name: str) -> OwnThread:
    """A thread for one owner, who closes it, such as that of a connection to the ledger.

    Args:
        name: What the thread is called, for those who look at the process.
    """
    return BLOCKING.get().thread(name)


def pause(seconds: float) -> None:
    """Block for so long: for code that runs in a thread, or where there is no event loop."""
    BLOCKING.get().pause(seconds)


def monotonic() -> float:
    """Seconds since some fixed moment, for code that pauses until a time: both must agree."""
    return BLOCKING.get().monotonic()
