"""A switch-over: when one began, who was set before it, and sending those once more.

Proves --resend-after-switchover; guide "A failover".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.attempt import Attempt
from bulkagent.emulator import FaultKind
from bulkagent.engine import Bulkhead
from bulkagent.errors import LedgerFailed, ResumeRefused
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.ledger import Database
from bulkagent.model import Assignment, Cause
from bulkagent.run.send.failovers import QUIET_MS, Failovers
from tests.run.again import AGENTS, Shift, code, fault, shift
from tests.waiting import HANG_S

SWITCHING = code("000-004", "105-107", per_agent=2)  # the fifth to seventh of ten
BEFORE = {str(agent) for agent in range(101, 105)}
# Retries come after all first attempts, so all three are told so before one of them is set,
# however the retries of a busy machine fall.
PATIENT: dict[str, Any] = {"max_attempts": 1, "retry_for_s": HANG_S}
AGAIN: dict[str, Any] = {**PATIENT, "resend_after_switchover": True}


def told(*answers: tuple[str, int]) -> list[int | None]:
    """What comes of answers, of which those of the agent "" are good ones."""
    seen = Failovers()
    found: list[int | None] = []
    for agent, at in answers:
        if agent:
            found.append(seen.answered("east", agent, at))
        else:
            seen.denied("east")
    return found


def test_it_began_with_the_first_answer_and_takes_three_agents() -> None:
    answers = (("101", 1_000), ("102", 1_500), ("101", 1_550), ("103", 1_600), ("104", 1_700))
    assert told(*answers) == [None, None, None, 1_000, None]


def test_what_one_agent_is_told_again_and_again_is_no_switch_over() -> None:
    assert told(*(("101", 1_000 * n) for n in range(200))) == [None] * 200


def test_a_good_answer_in_between_shows_that_it_was_about_single_agents() -> None:
    answers = (("101", 1_000), ("102", 1_100), ("", 1_200), ("103", 1_300), ("104", 1_400))
    assert told(*answers) == [None] * 4
    assert told(*answers, ("105", 1_500), ("", 1_600), ("106", 1_700)) == [
        *[None] * 4,
        1_300,
        None,
    ]


def test_a_quiet_minute_ends_it() -> None:
    first = (("101", 1_000), ("102", 1_500), ("103", 2_000))
    late = 2_000 + QUIET_MS
    assert told(*first, ("104", late))[3:] == [None]
    again = (("104", late + 1), ("105", late + 2), ("106", late + 3))
    assert told(*first, *again)[3:] == [None, None, late + 1]


def test_each_gateway_has_its_own() -> None:
    seen = Failovers()
    assert seen.answered("east", "101", 1_000) is None
    assert seen.answered("west", "102", 1_000) is None
    assert seen.answered("west", "101", 2_000) is None
    seen.denied("east")
    assert seen.answered("west", "103", 2_000) == 1_000


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", ""]), st.integers(0, 600_000))))
def test_two_of_them_are_never_less_than_a_minute_apart(answers: list[tuple[str, int]]) -> None:
    answers.sort(key=lambda answer: answer[1])
    begun = [at for at in told(*answers) if at is not None]
    assert all(at in {time for _, time in answers} for at in begun)
    assert all(later - earlier > QUIET_MS for earlier, later in itertools.pairwise(begun))


async def switched_over(made: Shift) -> None:
    """All are set, four of them before the switch-over; the requests of the next met it."""
    result = await made.apply(**PATIENT)
    assert result.exit_code == 0
    assert result.set_before_switchover == len(BEFORE)


async def test_those_before_it_are_sent_once_more_and_only_once(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        result = await made.resume(explicit={"resend_after_switchover": True})
        assert result.exit_code == result.set_before_switchover == 0
        assert {agent for agent, times in made.times_set().items() if times == 2} == BEFORE
        twice = {line.agent_id for line in made.lines() if line.attempts == 2}
        assert twice == BEFORE
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
        assert result.requests == made.gateway.stats().requests == len(AGENTS) + 6 + len(BEFORE)
        assert len(made.legs()) == 1


async def test_what_comes_of_it_counts_for_the_report(tmp_path: Path) -> None:
    """An agent whose session did not survive is no longer said to be set."""
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        made.misbehave(code("105-001", "102"))
        result = await made.resume(explicit={"resend_after_switchover": True})
        assert result.exit_code == 3
        assert result.totals["applied"] == len(AGENTS) - 1
        assert made.stands()["102"] == "unknown switch_over"


async def test_an_interrupted_one_is_gone_on_with(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        result = await made.apply(stop_after=len(AGENTS) + 1, **AGAIN)
        assert result.exit_code == 130
        assert result.next is not None
        assert 0 < result.totals["unknown"] < len(BEFORE)
        assert result.totals["applied"] + result.totals["unknown"] == len(AGENTS)
        assert (await made.resume()).exit_code == 0
        assert {agent for agent, times in made.times_set().items() if times == 2} == BEFORE


async def test_where_it_never_began_they_are_in_doubt_all_the_same(tmp_path: Path) -> None:
    """Stopped with the last of the first requests: none of them is sent once more before it."""
    async with shift(tmp_path, SWITCHING, code("100-006", "110")) as made:
        result = await made.apply(stop_after=len(AGENTS), **AGAIN)
        assert result.exit_code == 130
        stands = made.stands()
        assert {who for who in stands if stands[who] == "unknown switch_over"} == BEFORE
        made.misbehave()
        assert (await made.resume()).exit_code == 0
        times = made.times_set()
        assert {agent for agent, count in times.items() if count == 2} == BEFORE
        assert set(times) == {str(agent) for agent in AGENTS}


async def test_it_is_not_done_against_a_later_run(tmp_path: Path) -> None:
    """An agent set by another run since stays as that run wants it; the others are sent."""
    async with shift(tmp_path, SWITCHING) as made:
        await switched_over(made)
        assert made.plan is not None
        first = made.plan.run_id
        made.misbehave()
        await made.apply(made.write([101, 102], name="two.csv"), flag=1)
        made.roster = made.folder / "roster.csv"
        result = await made.resume(first, explicit={"resend_after_switchover": True})
        assert result.exit_code == 0
        assert (made.plan.once_more, result.set_before_switchover) == (2, 0)
        assert {agent: made.rights()[agent] for agent in ("101", "102", "103")} == {
            "101": 1,
            "102": 1,
            "103": 0,
        }
        assert {agent for agent, times in made.times_set().items() if times == 2} == BEFORE


async def test_a_switch_over_in_a_resume_leaves_a_later_run_its_agents(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-006", "108-110")) as made:
        first = await made.apply(**AGAIN)
        assert first.exit_code == 3
        assert first.run_id is not None
        made.misbehave()
        await made.apply(made.write([101, 102], name="two.csv"), flag=1)
        made.roster = made.folder / "roster.csv"
        made.misbehave(code("000-004", "108-110", per_agent=2))
        result = await made.resume(first.run_id)
        assert result.exit_code == 0
        assert {made.rights()[agent] for agent in ("101", "102")} == {1}
        assert {made.rights()[agent] for agent in ("103", "107", "110")} == {0}


async def test_with_another_roster_or_for_single_causes_nobody_is_sent_once_more(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, SWITCHING, code("100-006", "110")) as made:
        first = await made.apply(**PATIENT)
        assert (first.exit_code, first.set_before_switchover) == (3, 4)
        other = made.write([110], name="other.csv")
        for more in ({"roster": str(other)}, {"only": frozenset({Cause.NOT_SIGNED_IN})}):
            with pytest.raises(ResumeRefused, match="--resend-after-switchover"):
                await made.resume(explicit={"resend_after_switchover": True}, **more)
        made.misbehave()
        result = await made.resume(roster=str(other))
        assert (result.exit_code, result.set_before_switchover) == (0, 4)
        assert set(made.times_set().values()) == {1}


async def test_a_run_that_sends_once_more_can_still_take_guids_from_elsewhere(
    tmp_path: Path,
) -> None:
    """The run's own wish yields, where asking for it now would be refused."""
    async with shift(tmp_path, code("100-006", "108-110")) as made:
        assert (await made.apply(**AGAIN)).exit_code == 3
        other = made.write([108, 109, 110], name="other.csv")
        made.misbehave(code("000-004", "108-110", per_agent=2))
        result = await made.resume(roster=str(other))
        assert (result.exit_code, result.set_before_switchover) == (0, 7)
        assert set(made.times_set().values()) == {1}


async def test_a_session_that_was_lost_is_no_switch_over(tmp_path: Path) -> None:
    async with shift(tmp_path, code("105-001", "105-110", per_agent=100)) as made:
        result = await made.apply(**AGAIN)
        assert (result.exit_code, result.set_before_switchover) == (3, 0)
        assert result.requests == len(AGENTS)


async def test_a_resend_that_fails_leaves_in_doubt_and_a_revert_knows_it(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        assert (await made.apply(flag=1)).exit_code == 0
        made.misbehave(SWITCHING)
        await made.apply(**PATIENT)
        made.misbehave(fault(FaultKind.TOO_MANY, "102"))
        once_more = {"resend_after_switchover": True, "retry_for_s": 0.0}
        assert (await made.resume(explicit=once_more)).exit_code == 3
        assert made.stands()["102"] == "unknown switch_over"
        made.misbehave()
        assert (await made.revert()).exit_code == 0
        assert {right for right in made.rights().values() if right is not None} == {1}


async def test_who_was_set_while_it_held_the_answer_was_set_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = GatewayClient.attempt
    others = 0
    held = anyio.Event()

    async def attempt(
        self: GatewayClient, assignment: Assignment, overdue: Callable[[], None]
    ) -> Attempt:
        nonlocal others
        if assignment.agent_id in {"101", "102", "103"} and not held.is_set():
            sent_at = self._clock.wall_ms()
            await held.wait()
            latency_ms = float(self._clock.wall_ms() - sent_at)
            return Attempt(
                RETCODES["000-004"], sent_at=sent_at, latency_ms=latency_ms, retcode="000-004"
            )
        ended = await real(self, assignment, overdue)
        others += 1
        if others == len(AGENTS) - 3:
            held.set()
        return ended

    monkeypatch.setattr(GatewayClient, "attempt", attempt)
    async with shift(tmp_path) as made:
        result = await made.apply(**PATIENT, concurrency=4)
        assert result.set_before_switchover == len(AGENTS) - 3


async def test_the_gateway_has_answered_a_moment_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found out in the first pass holds in the second: patience and pauses."""
    given: list[Bulkhead[Assignment, Attempt]] = []
    follow = Bulkhead.follow

    def followed(
        self: Bulkhead[Assignment, Attempt], earlier: Bulkhead[Assignment, Attempt]
    ) -> None:
        follow(self, earlier)
        given.append(self)

    monkeypatch.setattr(Bulkhead, "follow", followed)
    async with shift(tmp_path, SWITCHING) as made:
        assert (await made.apply(**AGAIN)).exit_code == 0
    (head,) = given
    assert head._throttle._breaker.answered


async def test_a_revert_sends_nobody_once_more(tmp_path: Path) -> None:
    async with shift(tmp_path, SWITCHING) as made:
        assert (await made.apply(flag=1, **PATIENT)).exit_code == 0
        made.misbehave(SWITCHING)
        await made.apply(**AGAIN)
        made.misbehave(SWITCHING)
        before = made.gateway.stats().requests
        result = await made.revert()
        assert result.exit_code == 0
        assert {right for right in made.rights().values() if right is not None} == {1}
        assert made.gateway.stats().requests == before + len(AGENTS) + 6


async def test_a_full_disk_in_the_second_pass_leaves_the_sum_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Database.write
    full = False

    def refusing(self: Database, *statements: Any) -> None:
        if full:
            raise LedgerFailed("the ledger takes no more records (database or disk is full)")
        write(self, *statements)

    attempt = GatewayClient.attempt
    attempts = 0

    async def counted(
        self: GatewayClient, assignment: Assignment, overdue: Callable[[], None]
    ) -> Attempt:
        nonlocal attempts, full
        attempts += 1
        full = attempts == len(AGENTS) + 6 + 2  # the second of the second pass
        return await attempt(self, assignment, overdue)

    monkeypatch.setattr(Database, "write", refusing)
    monkeypatch.setattr(GatewayClient, "attempt", counted)
    async with shift(tmp_path, SWITCHING) as made:
        result = await made.apply(**AGAIN)
        assert result.error is not None
        assert "disk is full" in result.error
        assert sum(result.totals.values()) == result.rows == len(AGENTS)
        full = False
        assert made.stands()["104"] == "unknown switch_over"
        monkeypatch.setattr(GatewayClient, "attempt", attempt)
        assert (await made.resume()).exit_code == 0
        assert {agent for agent, times in made.times_set().items() if times >= 2} == BEFORE
