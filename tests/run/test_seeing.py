"""When queues and agents are asked, how fast, and what becomes of it, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from bulkagent.gateway.queries import Unanswered
from bulkagent.gateway.query_requests import LONGEST_LIST, AgentState, SkillAgents
from bulkagent.model import Assignment, Verified
from bulkagent.run.verify.queue_checks import CheckPace, QueueChecks, QueueObserver
from tests import jumping

YES, NO, HIDDEN = Verified.YES, Verified.NO, Verified.NOT_VISIBLE

IDLE, OUT = AgentState.IDLE, AgentState.SIGNED_OUT


def agent(number: int, flag: int = 0, gateway: str = "east") -> Assignment:
    return Assignment(number, gateway, str(number), "settalkright", f"flag={flag}")


def watch(skill: str = "7", gateway: str = "east") -> QueueObserver:
    return QueueObserver(agent(900, gateway=gateway), skill)


Answer = SkillAgents | Unanswered


def some(*numbers: int) -> SkillAgents:
    return SkillAgents(frozenset(map(str, numbers)))


GENTLE = CheckPace(4, 10.0)


class Upstream:
    """Answers each look with the next list of a queue, and says who asked when."""

    def __init__(
        self,
        lists: Mapping[str, Sequence[Answer]],
        states: Mapping[str, AgentState | Unanswered] | None = None,
        takes_s: float = 0.0,
    ) -> None:
        self.lists = {skill: list(answers) for skill, answers in lists.items()}
        self.states = states or {}
        self.takes_s = takes_s
        self.looks: list[tuple[str, float]] = []
        self.asked: list[tuple[str, float]] = []
        self.at_once = self.most = 0

    async def agents_of_skill(self, observer: Assignment, skill: str, /) -> Answer:
        self.looks.append((skill, asyncio.get_running_loop().time()))
        return self.lists[skill].pop(0)

    async def ask_state(self, asked: Assignment, /) -> AgentState | Unanswered:
        self.asked.append((asked.agent_id, asyncio.get_running_loop().time()))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(self.takes_s)
        self.at_once -= 1
        return self.states.get(asked.agent_id, IDLE)

    @asynccontextmanager
    async def here(self, _gateway: str) -> AsyncIterator[Upstream]:
        yield self


def judged(
    upstream: Upstream,
    applied: Sequence[Assignment],
    *,
    watches: Sequence[QueueObserver] = (watch(),),
    pace: CheckPace = GENTLE,
    again_after_s: float = 2.0,
) -> tuple[dict[int, Verified], QueueChecks, Mapping[str, frozenset[str]]]:
    looking = QueueChecks(
        watches,
        upstream.here,
        pace=lambda _: pace,
        again_after_s=again_after_s,
        clock=jumping.JumpingClock(),
    )

    async def main() -> tuple[dict[int, Verified], Mapping[str, frozenset[str]]]:
        await looking.before()
        seen = await looking.after()
        return await looking.judge(applied), seen

    found, seen = jumping.run(main())
    return found, looking, seen


def test_who_vanished_is_asked_for_by_name_and_nobody_else_is() -> None:
    upstream = Upstream(
        {"7": [some(101, 102, 103), some(200)]},
        {"102": OUT, "103": Unanswered("100-006 (agent not login)", "100-006")},
    )
    applied = [agent(101), agent(102), agent(103), agent(104), agent(200, flag=1)]
    found, looking, seen = judged(upstream, applied)
    assert found == {101: YES, 102: HIDDEN, 103: HIDDEN, 104: HIDDEN, 200: YES}
    assert sorted(name for name, _ in upstream.asked) == ["101", "102", "103"]
    assert seen == {"east": frozenset({"101", "102", "103", "200"})}
    assert looking.troubles == [
        "agent 103 on east, asked whether still signed in, was answered: 100-006 (agent not login)"
    ]


def test_single_agents_are_asked_at_the_gateways_pace() -> None:
    numbers = range(101, 131)
    upstream = Upstream({"7": [some(*numbers), some()]}, takes_s=1.0)
    found, *_ = judged(upstream, [agent(number) for number in numbers], pace=CheckPace(4, 2.0))
    assert set(found.values()) == {YES}
    times = sorted(at for _, at in upstream.asked)
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 0.49
    assert upstream.most <= 4


def test_a_surprise_is_looked_at_once_more_after_a_pause() -> None:
    """Whether a list shows a change at once is not documented."""
    upstream = Upstream({"7": [some(101, 102, 103), some(101, 102), some(101)]}, {"103": OUT})
    found, *_ = judged(upstream, [agent(101), agent(102), agent(103)], again_after_s=5.0)
    assert found == {101: NO, 102: YES, 103: HIDDEN}
    times = [at for _, at in upstream.looks]
    assert times[2] - times[1] >= 5.0
    # Nobody is asked twice.
    assert sorted(name for name, _ in upstream.asked) == ["102", "103"]


def test_who_takes_calls_late_is_seen_the_second_time() -> None:
    upstream = Upstream({"7": [some(101), some(), some(101)]})
    found, *_ = judged(upstream, [agent(101, flag=1)])
    assert found == {101: YES}


def test_no_second_look_where_there_is_no_surprise_or_none_is_wanted() -> None:
    upstream = Upstream({"7": [some(101), some(101)]})
    found, *_ = judged(upstream, [agent(101)], again_after_s=0.0)
    assert (found, len(upstream.looks)) == ({101: NO}, 2)
    upstream = Upstream({"7": [some(101), some()]})
    found, *_ = judged(upstream, [agent(101)])
    assert (found, len(upstream.looks)) == ({101: YES}, 2)


def test_a_second_look_that_fails_leaves_the_first_one() -> None:
    upstream = Upstream({"7": [some(101), some(101), Unanswered("no complete reply in time")]})
    found, looking, _ = judged(upstream, [agent(101)])
    assert found == {101: NO}
    assert looking.troubles == [
        "agent 900 for queue 7 on east was answered once more: no complete reply in time"
    ]


def test_lists_that_do_not_come_or_are_full_prove_no_absence() -> None:
    silent = Unanswered("HTTP 503 without a retcode")
    full = SkillAgents(frozenset(map(str, range(1000, 1000 + LONGEST_LIST))))
    cases: list[list[Answer]] = [
        [silent, some()],
        [some(101), silent],
        [some(101), full],
        [silent, silent],
    ]
    for lists in cases:
        found, looking, _ = judged(Upstream({"7": lists}), [agent(101)])
        assert found == {101: HIDDEN}
        assert len(looking.troubles) in {1, 2}


def test_each_gateway_has_its_own_queues() -> None:
    """101 and 201 here are not 101 and 201 there."""
    upstream = Upstream(
        {"7": [some(101, 201), some(201)], "8": [some(101, 201), some(101)]},
    )
    applied = [agent(101), agent(201)] + [
        Assignment(row, "west", name, "settalkright", "flag=0")
        for row, name in ((301, "101"), (302, "201"))
    ]
    found, *_ = judged(
        upstream, applied, watches=[watch("7"), watch("8", "west")], again_after_s=0.0
    )
    assert found == {101: YES, 201: NO, 301: NO, 302: YES}


def test_no_agent_has_two_questions_in_flight() -> None:
    class Slow(Upstream):
        async def agents_of_skill(self, observer: Assignment, skill: str, /) -> Answer:
            assert observer.agent_id not in busy
            busy.add(observer.agent_id)
            await asyncio.sleep(1.0)
            busy.discard(observer.agent_id)
            return some()

    busy: set[str] = set()
    watches = [QueueObserver(agent(who), skill) for who in (900, 901, 902) for skill in ("7", "8")]
    upstream = Slow({})
    _, looking, _ = judged(upstream, [], watches=watches, pace=CheckPace(2, None))
    assert looking.troubles == []
