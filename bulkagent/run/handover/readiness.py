"""Looking whether agents who were set on are there to take calls.

A talk right is a permission: the gateway grants it to an agent who is busy or at rest as well.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import anyio
import anyio.abc
import msgspec

from bulkagent.clock import Clock
from bulkagent.engine import Poller, PollPolicy
from bulkagent.model import Assignment

_EVERY_S = 15.0
_PER_SECOND = 20.0
_AT_ONCE = 8

# Without a window each is looked at once, however long it takes until it is its turn.
_ONCE_WITHIN_S = 3_600.0


class _Watched(msgspec.Struct):
    agent: Assignment
    group: str
    looked: bool = False
    forgotten: bool = False


class ReadinessChecks:
    """The agents of one leg who are to be seen before they count.

    Args:
        ask: By gateway, whether an agent is there: idle, talking, or in wrap-up.
        window_s: For how long they are asked for, in seconds; 0: once each.
        seen: Called once for each agent: the group, and whether the agent was seen in time.
        clock: Time.
        uniform: Numbers from 0 up to 1, for the jitter.
    """

    def __init__(
        self,
        ask: Mapping[str, Callable[[Assignment], Awaitable[bool]]],
        *,
        window_s: float,
        seen: Callable[[str, bool], None],
        clock: Clock,
        uniform: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._seen = seen
        self._once = not window_s
        policy = PollPolicy(
            window_s=window_s or _ONCE_WITHIN_S, every_s=_EVERY_S, per_second=_PER_SECOND
        )
        self._pollers = {
            gateway: Poller[_Watched](
                policy, clock, uniform, poll=self._call, expired=self._give_up
            )
            for gateway in ask
        }
        self._places = anyio.Semaphore(_AT_ONCE)
        self._pending: dict[int, _Watched] = {}
        self._up: set[int] = set()
        self._tasks: anyio.abc.TaskGroup | None = None

    def __repr__(self) -> str:
        return f"<ReadinessChecks: {sum(map(len, self._pollers.values()))} looked for>"

    def watch(self, agent: Assignment, group: str) -> None:
        """Look at an agent who is set on by now."""
        watched = self._pending[agent.row] = _Watched(agent, group)
        self._pollers[agent.gateway].add(watched, soon=True)

    def forget(self, row: int) -> bool | None:
        """Look at an agent no more, for it is not sure that the agent is set on.

        Returns:
            True: the agent was seen; False: was to be looked at; None: neither.
        """
        if row in self._up:
            self._up.discard(row)
            return True
        watched = self._pending.pop(row, None)
        if watched is None:
            return None
        watched.forgotten = True
        return False

    async def run(self) -> None:
        """Look, for as long as this is not cancelled."""
        try:
            async with anyio.create_task_group() as self._tasks:
                for poller in self._pollers.values():
                    self._tasks.start_soon(poller.run)
        finally:
            self._tasks = None

    def _call(self, watched: _Watched) -> None:
        if self._tasks is not None:
            self._tasks.start_soon(self._look, watched)

    async def _look(self, watched: _Watched) -> None:
        poller = self._pollers[watched.agent.gateway]
        there = await self._see(watched)
        if there or self._once or watched.forgotten:
            poller.done()
            self._tell(watched, there=there)
        else:
            poller.add(watched, again=True)

    def _tell(self, watched: _Watched, *, there: bool) -> None:
        if watched.forgotten:
            return
        self._pending.pop(watched.agent.row, None)
        if there:
            self._up.add(watched.agent.row)
        self._seen(watched.group, there)

    async def _see(self, watched: _Watched) -> bool:
        watched.looked = True
        async with self._places:
            return await self._ask[watched.agent.gateway](watched.agent)

    def _give_up(self, watched: _Watched) -> None:
        if watched.looked or watched.forgotten or self._tasks is None:
            self._tell(watched, there=False)
        else:  # set when the time was over already: looked at once all the same
            self._tasks.start_soon(self._look_late, watched)

    async def _look_late(self, watched: _Watched) -> None:
        self._tell(watched, there=await self._see(watched))
