"""A switch-over: when one began, who was set before it, and sending those once more."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.errors import ResumeRefused
from bulkagent.outcome import Status
from bulkagent.run.switching import QUIET_MS, SwitchOvers
from tests.run.again import AGENTS, Shift, code, shift

SWITCHING = code("000-004", "105")  # the fifth of ten, once
BEFORE = {str(agent) for agent in range(101, 105)}
AGAIN: dict[str, Any] = {"max_attempts": 3, "resend_after_switchover": True}


def test_the_answers_of_one_switch_over_are_one_episode() -> None:
    seen = SwitchOvers()
    assert seen.answered("east", 1_000)
    assert not seen.answered("east", 1_000 + QUIET_MS)
    assert not seen.answered("east", 500), "answers come out of order"
    assert seen.answered("west", 2_000), "each gateway has its own"
    assert seen.answered("east", 1_001 + 2 * QUIET_MS)


@given(st.lists(st.integers(0, 10 * QUIET_MS), min_size=1))
def test_two_of_them_are_never_less_than_a_minute_apart(times: list[int]) -> None:
    seen = SwitchOvers()
    begun = [at for at in times if seen.answered("east", at)]
    assert begun[0] == times[0]
    assert all(later - earlier > QUIET_MS for earlier, later in itertools.pairwise(begun))


async def switched_over(made: Shift) -> None:
    """All are set, four of them before the switch-over; the request of the fifth met it."""
    result = await made.apply(max_attempts=3)
    assert result.exit_code == 0
    assert result.set_before_switchover == len(BEFORE)


async def test_those_before_it_are_sent_once_more_and_only_once(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        result = await made.resume(explicit={"resend_after_switchover": True})
        assert result.exit_code == result.set_before_switchover == 0
        assert {agent for agent, times in made.times_set().items() if times == 2} == BEFORE
        assert {line.agent_id for line in made.lines() if line.attempts == 2} == BEFORE | {"105"}
        assert made.plan is not None
        assert (made.plan.agents, made.plan.once_more) == (0, 4)
        before = made.gateway.stats().requests
        assert (await made.resume(explicit={"resend_after_switchover": True})).exit_code == 0
        assert made.gateway.stats().requests == before


async def test_in_one_go(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        result = await made.apply(**AGAIN)
        assert result.exit_code == result.set_before_switchover == 0
        assert {agent for agent, times in made.times_set().items() if times == 2} == BEFORE
        assert result.requests == made.gateway.stats().requests == len(AGENTS) + 1 + len(BEFORE)
        assert len(made.legs()) == 1


async def test_what_comes_of_it_counts_for_the_report(tmp_path: Path) -> None:
    """Whose session did not survive is no longer said to be set."""
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        made.misbehave(code("105-001", "102"))
        result = await made.resume(explicit={"resend_after_switchover": True})
        assert result.exit_code == 3
        assert result.totals["applied"] == len(AGENTS) - 1
        assert made.stands()["102"] == "failed switch_over"


async def test_an_interrupted_one_is_gone_on_with(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        result = await made.apply(stop_after=len(AGENTS) + 2, **AGAIN)
        assert set(made.stands().values()) == {str(Status.APPLIED)}
        assert result.exit_code == 0, "everybody is set, as far as anybody knows"
        assert 0 < result.set_before_switchover < len(BEFORE)
        await made.resume(explicit={"resend_after_switchover": True})
        assert {agent for agent, times in made.times_set().items() if times == 2} == BEFORE


async def test_it_is_not_done_against_a_later_run(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        assert made.plan is not None
        first = made.plan.run_id
        made.misbehave()
        await made.apply(flag=1)
        with pytest.raises(ResumeRefused, match="another run has set agents"):
            await made.resume(first, explicit={"resend_after_switchover": True})
        assert {right for right in made.rights().values() if right is not None} == {1}


async def test_another_roster_would_lack_their_guids(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        other = made.write([101], name="other.csv")
        with pytest.raises(ResumeRefused, match="from the run's own roster"):
            await made.resume(roster=str(other), explicit={"resend_after_switchover": True})


async def test_a_revert_sends_nobody_once_more(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        assert (await made.apply(flag=1, max_attempts=3)).exit_code == 0
        made.misbehave(SWITCHING)
        await made.apply(**AGAIN)
        made.misbehave(SWITCHING)
        before = made.gateway.stats().requests
        result = await made.revert()
        assert result.exit_code == 0
        assert {right for right in made.rights().values() if right is not None} == {1}
        assert made.gateway.stats().requests == before + len(AGENTS) + 1
