"""Requests whose clients have hung up: a gateway processes to the end what it has taken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class AbandonedRequests:
    """At first there are none.

    Args:
        sleep: waits for a number of seconds.
        over: called for each when its processing is over, lost or not.
    """

    def __init__(self, sleep: Callable[[float], Awaitable[None]], over: Callable[[], None]) -> None:
        self._sleep = sleep
        self._over = over
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def __repr__(self) -> str:
        return f"<AbandonedRequests: {len(self)} requests>"

    def go_on(self, seconds: float) -> None:
        """One more, which takes that long still."""
        task = asyncio.get_running_loop().create_task(self._process(seconds))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def lose(self) -> None:
        """All processing ends in the middle, as in a power cut."""
        for task in self._tasks:
            task.cancel()

    async def ended(self) -> None:
        """Wait until there are none, after `lose`."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _process(self, seconds: float) -> None:
        await self._sleep(seconds)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._over()
