"""Long polls: polls that are held until there is news, or their time is over.

A waiting poll costs a future and a place in a queue. One task keeps the time of all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
from collections.abc import Awaitable, Callable
from itertools import count

from bulkagent.emulator.handlers.keepalive import LongPoll


class PollEnd(enum.Enum):
    """Why a poll waits no longer."""

    NEWS = enum.auto()
    TIME = enum.auto()
    REPLACED = enum.auto()  # by another poll of the same agent


class LongPolls:
    """Holds polls, one for each agent.

    A second poll of the same agent takes the place of the first, which is over at once. This is
    inferred. 000-007 would be documented too. But then a client whose first poll was cut off, which
    the gateway had not noticed, would be locked out for as long as that poll waits.

    Args:
        clock: the time in seconds.
        sleep: waits for a number of seconds of that clock.
        has_news: whether a poll need not wait any more.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        has_news: Callable[[LongPoll], bool],
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._has_news = has_news
        self._waiting: dict[str, tuple[LongPoll, asyncio.Future[PollEnd]]] = {}
        self._due: list[tuple[float, int, asyncio.Future[PollEnd]]] = []
        self._numbers = count()  # futures have no order
        self._keeper: asyncio.Task[None] | None = None

    def __contains__(self, agent_id: object) -> bool:
        """Whether a poll of that agent waits."""
        return agent_id in self._waiting

    def __repr__(self) -> str:
        return f"<LongPolls: {len(self._waiting)} waiting>"

    async def wait(self, poll: LongPoll) -> PollEnd:
        """Wait for news, or for the seconds of the poll."""
        self._finish(poll.agent_id, PollEnd.REPLACED)
        over: asyncio.Future[PollEnd] = asyncio.get_running_loop().create_future()
        mine = poll, over
        self._waiting[poll.agent_id] = mine
        heapq.heappush(self._due, (self._clock() + poll.seconds, next(self._numbers), over))
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep_time())
        try:
            return await over
        finally:
            if self._waiting.get(poll.agent_id) is mine:
                del self._waiting[poll.agent_id]

    def look(self, agent_id: str) -> None:
        """Something may have happened to that agent."""
        waiting = self._waiting.get(agent_id)
        if waiting is not None and self._has_news(waiting[0]):
            self._finish(agent_id, PollEnd.NEWS)

    def look_around(self) -> None:
        """Something may have happened to any agent."""
        for agent_id in [*self._waiting]:
            self.look(agent_id)

    async def end(self) -> None:
        """Keep no time any more; a poll that waits has to be ended in another way."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    def _finish(self, agent_id: str, how: PollEnd) -> None:
        waiting = self._waiting.pop(agent_id, None)
        if waiting is not None and not waiting[1].done():
            waiting[1].set_result(how)

    async def _keep_time(self) -> None:
        while self._due:
            due, _, over = self._due[0]
            if not over.done():
                await self._sleep(max(0.0, due - self._clock()))
            # A sleep can end a little before the time of day says so.
            while self._due and (self._due[0][0] <= max(due, self._clock())):
                _, _, over = heapq.heappop(self._due)
                if not over.done():
                    over.set_result(PollEnd.TIME)
