"""Looking at queues before and after, and what is seen of the agents that were set.

Nothing here raises for a question that fails: whatever it would have shown is not visible.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Protocol

import anyio
import msgspec

from bulkagent.clock import Clock
from bulkagent.engine.throttle.rate_limiter import RateLimiter
from bulkagent.gateway.operations import flag_of
from bulkagent.gateway.query_requests import LONGEST_LIST, AgentState, SkillAgents
from bulkagent.model import Assignment, Verified
from bulkagent.run.verify.proof import QueueSight, hangs_on_session, proven, queue_sight


class Unanswerable(Protocol):
    """A question without an answer."""

    @property
    def why(self) -> str:
        """Why there is none, for people."""

    @property
    def retcode(self) -> str:
        """What the gateway refused with; "" where it said nothing."""


class AgentQueries(Protocol):
    """What one gateway can be asked."""

    async def ask_state(self, agent: Assignment, /) -> AgentState | Unanswerable:
        """What an agent does, by the agent's own GUID."""

    async def agents_of_skill(
        self, observer: Assignment, skill: str, /
    ) -> SkillAgents | Unanswerable:
        """The agents of a queue who take calls, as an observer sees them."""


class CheckPace(msgspec.Struct, frozen=True):
    """How fast one gateway is asked about agents one by one."""

    at_once: int
    per_second: float | None
    """None: no limit."""


class QueueObserver(msgspec.Struct, frozen=True):
    """One queue, and the agent by whose eyes it is seen."""

    agent: Assignment
    skill: str

    @property
    def gateway(self) -> str:
        """The name of the gateway."""
        return self.agent.gateway

    def __str__(self) -> str:
        return f"agent {self.agent.agent_id} for queue {self.skill} on {self.gateway}"


Asked = Callable[[str], AbstractAsyncContextManager[AgentQueries]]
"""From the name of a gateway to what it can be asked, for one phase of questions."""

_Lists = dict[QueueObserver, SkillAgents]


class QueueChecks:
    """Looks at queues for one leg: once before, once or twice after.

    Args:
        observers: The queues.
        asked: Where questions go.
        pace: Of the questions about single agents, by gateway.
        again_after_s: After so long, whatever proves somebody wrong is asked once more; 0: not.
        clock: Time.
    """

    def __init__(
        self,
        observers: Sequence[QueueObserver],
        asked: Asked,
        *,
        pace: Callable[[str], CheckPace],
        again_after_s: float,
        clock: Clock,
    ) -> None:
        self._observers = observers
        self._asked = asked
        self._pace = pace
        self._again_after_s = again_after_s
        self._clock = clock
        self._before: _Lists = {}
        self._after: _Lists = {}
        self._signed_in: dict[int, bool] = {}
        self.troubles: list[str] = []
        """What kept it from seeing, each once, for people."""

    async def before(self) -> None:
        """Look before the first request."""
        self._before = await self._look("before the first request")

    async def after(self) -> Mapping[str, frozenset[str]]:
        """Look after the last request; by gateway, the agents seen before or after."""
        self._after = await self._look("after the last one")
        return {
            name: frozenset(
                agent_id
                for lists in (self._before, self._after)
                for observer, seen in lists.items()
                if observer.gateway == name
                for agent_id in seen.ids
            )
            for name in {observer.gateway for observer in self._observers}
        }

    async def judge(self, applied: Sequence[Assignment]) -> dict[int, Verified]:
        """The verdicts of agents that were set, by row; a wrong one is looked at twice."""
        found = await self._judge(applied)
        doubted = [agent for agent in applied if found[agent.row] is Verified.NO]
        if doubted and self._again_after_s:
            await self._clock.sleep(self._again_after_s)
            gateways = {agent.gateway for agent in doubted}
            # A list that does not come the second time leaves the first one standing.
            self._after |= await self._look("once more", gateways)
            found |= await self._judge(doubted)
        return found

    async def _judge(self, applied: Sequence[Assignment]) -> dict[int, Verified]:
        sights = {agent.row: self._sights(agent) for agent in applied}
        await self._ask_whether_signed_in(
            agent
            for agent in applied
            if agent.row not in self._signed_in and hangs_on_session(sights[agent.row])
        )
        return {
            agent.row: proven(
                flag_of(agent.arguments),
                sights[agent.row],
                signed_in=self._signed_in.get(agent.row, False),
            )
            for agent in applied
        }

    def _sights(self, agent: Assignment) -> list[QueueSight]:
        return [
            queue_sight(self._before.get(observer), self._after.get(observer), agent.agent_id)
            for observer in self._observers
            if observer.gateway == agent.gateway
        ]

    async def _look(self, when: str, gateways: Iterable[str] | None = None) -> _Lists:
        lists: _Lists = {}
        names = None if gateways is None else frozenset(gateways)
        observers = [each for each in self._observers if names is None or each.gateway in names]

        by_agent: dict[Assignment, list[QueueObserver]] = {}
        for observer in observers:
            by_agent.setdefault(observer.agent, []).append(observer)
        places = {
            observer.gateway: anyio.CapacityLimiter(self._pace(observer.gateway).at_once)
            for observer in observers
        }

        # One agent has one question in flight, as a gateway may refuse a second one (000-007).
        async def look(questions: AgentQueries, own: Sequence[QueueObserver]) -> None:
            for observer in own:
                async with places[observer.gateway]:
                    seen = await questions.agents_of_skill(observer.agent, observer.skill)
                if not isinstance(seen, SkillAgents):
                    hint = "; an observer is signed in and takes calls" if seen.retcode else ""
                    self._trouble(f"{observer} was answered {when}: {seen.why}{hint}")
                    continue
                lists[observer] = seen
                if seen.full:
                    self._trouble(
                        f"queue {observer.skill} on {observer.gateway} lists {LONGEST_LIST} agents"
                        " or more, so an agent who is missing may be beyond the end of the list"
                    )

        async with (
            self._questions(observer.gateway for observer in observers) as questions,
            anyio.create_task_group() as tasks,
        ):
            for agent, own in by_agent.items():
                tasks.start_soon(look, questions[agent.gateway], own)
        return lists

    async def _ask_whether_signed_in(self, agents: Iterable[Assignment]) -> None:
        waiting: dict[str, list[Assignment]] = {}
        for agent in agents:
            waiting.setdefault(agent.gateway, []).append(agent)

        async def work(
            questions: AgentQueries, rate_limiter: RateLimiter | None, left: list[Assignment]
        ) -> None:
            while left:
                agent = left.pop()
                if rate_limiter is not None:
                    await self._clock.sleep(rate_limiter.reserve(self._clock.monotonic()))
                state = await questions.ask_state(agent)
                if isinstance(state, AgentState):
                    self._signed_in[agent.row] = state.signed_in
                    continue
                self._signed_in[agent.row] = False
                self._trouble(
                    f"agent {agent.agent_id} on {agent.gateway}, asked whether still signed in,"
                    f" was answered: {state.why}"
                )

        async with self._questions(waiting) as questions, anyio.create_task_group() as tasks:
            for name, left in waiting.items():
                pace = self._pace(name)
                rate_limiter = RateLimiter(pace.per_second) if pace.per_second is not None else None
                for _ in range(min(pace.at_once, len(left))):
                    tasks.start_soon(work, questions[name], rate_limiter, left)

    @asynccontextmanager
    async def _questions(self, gateways: Iterable[str]) -> AsyncIterator[dict[str, AgentQueries]]:
        async with AsyncExitStack() as stack:
            yield {
                name: await stack.enter_async_context(self._asked(name))
                for name in dict.fromkeys(gateways)
            }

    def _trouble(self, text: str) -> None:
        if text not in self.troubles:
            self.troubles.append(text)
