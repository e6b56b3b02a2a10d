"""An event loop on which waiting takes no time.

When nothing is ready, the loop's clock jumps to the next timer instead of waiting for it, so
tests of hours run in milliseconds and always in the same order. For code without sockets and
threads of its own: nothing from outside the loop can wake it. Calls that block are made in place.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar, TypeVarTuple

from bulkagent.blocking import BLOCKING, Threads

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class _Jumping(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("every task waits for something that will never happen")
        self.now += max(timeout, 0.0)
        return super().select(0)


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class JumpingClock:
    """The clock of a jumping loop, as the project's own rooms ask for time."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def wall_ms(self) -> int:
        return int(self.monotonic() * 1000)

    def busy_s(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _InPlace(Threads):
    async def call(
        self, function: Callable[[*Ts], T], *arguments: *Ts, abandon_on_cancel: bool = False
    ) -> T:
        return function(*arguments)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a jumping loop."""
    context = copy_context()
    context.run(BLOCKING.set, _InPlace())
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main, context=context)
