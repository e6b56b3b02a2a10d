"""Several runs at once on one ledger: `apply --or-resume`, `--take-over`, a person's correction.

The judge is the gateway: nothing unattended overrides what a later run of a person has set.

Proves --or-resume, --take-over; guide "A resume without a person", "A person's correction",
"Taking over".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from bulkagent.attempt import Attempt
from bulkagent.errors import GuardrailRefused, RunBusy
from bulkagent.gateway.client import GatewayClient
from bulkagent.ledger import (
    Overlap,
    RunLock,
    RunRecord,
    find_run,
    has_lease,
    lanes_set_before,
    list_runs,
    open_ledger,
)
from bulkagent.model import Assignment, Outcome
from bulkagent.run import Consent, Request, Run, RunResult
from bulkagent.run import take_over as taking_over
from tests.run.again import AGENTS, Shift, shift

HELD = ("104", "114")
"""Agents at whom a job is, for as long as others come between."""


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Until it is set, requests for those agents are on their way."""
    go_on = asyncio.Event()
    attempt = GatewayClient.attempt

    async def wait(self: GatewayClient, assignment: Assignment, *more: Any) -> Attempt:
        if assignment.agent_id in HELD:
            await go_on.wait()
        return await attempt(self, assignment, *more)

    monkeypatch.setattr(GatewayClient, "attempt", wait)
    return go_on


class Job:
    """A run that is under way."""

    def __init__(self, asked: Request, made: Shift) -> None:
        self.outcomes: list[Outcome] = []
        self.at_work = asyncio.Event()
        self.run = Run(asked, clock=made.clock, settled=self._settled, uniform=lambda: 0.0)
        self.run_id = ""

    def _settled(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        if len(self.outcomes) == 3:
            self.at_work.set()

    async def carry_out(self) -> RunResult:
        with self.run:
            prepared = await asyncio.to_thread(self.run.prepare)
            self.run_id = prepared.plan.run_id
            return (await prepared.execute(Consent.YES)).result_or_defect()


@contextlib.asynccontextmanager
async def at_work(
    made: Shift, held: asyncio.Event, **more: Any
) -> AsyncIterator[tuple[Job, asyncio.Task[RunResult]]]:
    """A job that has set three agents and is at the fourth."""
    job = Job(made.request(**more), made)
    task = asyncio.create_task(job.carry_out())
    await job.at_work.wait()
    try:
        yield job, task
    finally:
        held.set()
        await asyncio.wait((task,))


async def person(
    made: Shift,
    asked: Request,
    *,
    consent: Consent = Consent.TERMINAL,
    held: asyncio.Event | None = None,
    told: list[str] | None = None,
) -> RunResult:
    """A run that somebody has looked at; what is held goes on once it is waited for."""

    def hear(text: str) -> None:
        if told is not None:
            told.append(text)
        if held is not None and "waits" in text:
            held.set()

    with Run(asked, clock=made.clock) as run:
        run.warn = hear
        prepared = await asyncio.to_thread(run.prepare)
        return (await prepared.execute(consent)).result_or_defect()


async def test_a_persons_correction_gets_whom_the_run_in_progress_has_not_in_flight(
    tmp_path: Path,
    held: asyncio.Event,
) -> None:
    """Those that are finished with, not begun, and in flight; the first counts `superseded`."""
    async with shift(tmp_path) as made:
        some = made.write([101, 104, 109, 110], name="some.csv")
        async with at_work(made, held) as (_, task):
            done = await person(made, made.request(some, flag=1), held=held)
            first = await task
        assert (done.exit_code, done.totals["applied"]) == (0, 4)
        assert (first.state, first.exit_code) == ("completed", 4)
        assert first.causes == {"superseded": 2}
        assert made.history().count(("109", 0)) == made.history().count(("110", 0)) == 0
        on = {agent for agent, right in made.rights().items() if right == 1}
        assert on >= {"101", "104", "109", "110"}
        history = made.history()
        assert history.index(("104", 0)) < history.index(("104", 1)), "it was waited for"
        again = await made.apply(or_resume=True)
        assert again.run_id != first.run_id, "the job's restart is a new run, for it was done"
        assert again.causes == {"superseded": 4}
        assert [right for _, right in made.history()[-6:]] == [0] * 6
        once_more = await made.apply(or_resume=True)
        assert once_more.causes == {"superseded": 4}
        rights = made.rights()
        assert {rights[agent] for agent in ("101", "104", "109", "110")} == {1}


async def test_what_another_run_has_set_since_is_no_persons_setting_any_more(
    tmp_path: Path,
) -> None:
    """The evening, a correction, the morning, and the next evening within --max-age."""
    async with shift(tmp_path) as made:
        assert (await made.apply(or_resume=True)).exit_code == 0
        some = made.write([101, 104], name="some.csv")
        assert (await person(made, made.request(some, flag=1))).exit_code == 0
        assert (await made.apply(or_resume=True)).causes == {"superseded": 2}
        everybody = made.request(flag=1, or_resume=True)
        assert (await person(made, everybody, consent=Consent.YES)).exit_code == 0
        again = await made.apply(or_resume=True)
        assert (again.exit_code, again.causes) == (0, {})
        assert 1 not in made.rights().values()


async def test_whom_a_person_has_corrected_no_switch_over_brings_back(
    tmp_path: Path, held: asyncio.Event
) -> None:
    """`--resend-after-switchover` sends nobody once more whom another run has taken meanwhile."""
    async with shift(tmp_path) as made:
        some = made.write([101], name="some.csv")
        async with at_work(made, held, resend_after_switchover=True) as (job, task):
            with open_ledger(made.ledger) as database:
                run = find_run(database, job.run_id).run
                later = made.clock.wall_ms() + 60_000
                switched = [(run, made.gateway_name, later, 1)]
                database.write(("INSERT INTO switch_overs VALUES (?,?,?,?)", switched))
                assert (
                    sum(lane.assignments for lane in lanes_set_before(RunRecord(database, run)))
                    == 3
                )
            await person(made, made.request(some, flag=1), held=held)
            with open_ledger(made.ledger) as database:
                assert (
                    sum(lane.assignments for lane in lanes_set_before(RunRecord(database, run)))
                    >= 2
                )
            held.set()
            await task
        assert made.rights()["101"] == 1
        assert made.times_set()["101"] == 2


@pytest.mark.matrix
@pytest.mark.parametrize("corrected", ["set", "put in doubt"])
async def test_whom_a_person_has_corrected_no_stray_reply_brings_back(
    tmp_path: Path, held: asyncio.Event, monkeypatch: pytest.MonkeyPatch, corrected: str
) -> None:
    """A reply too many puts in doubt whom the job had set; a later run's stay as that set them."""
    hear: list[Callable[[Collection[int]], None]] = []
    listen = GatewayClient.listen

    def listening(self: GatewayClient, call: Callable[[Collection[int]], None]) -> None:
        hear.append(call)
        listen(self, call)

    monkeypatch.setattr(GatewayClient, "listen", listening)
    async with shift(tmp_path) as made:
        some = made.write([101], name="some.csv")
        async with at_work(made, held) as (job, task):
            rows = [outcome.row for outcome in job.outcomes]  # of 101, 102 and 103
            of_the_job = hear[0]
            if corrected == "put in doubt":
                of_the_job(rows)
            done = await person(made, made.request(some, flag=1), consent=Consent.TERMINAL)
            if corrected == "set":
                of_the_job(rows)
            held.set()
            first = await task
        assert (done.exit_code, first.exit_code) == (0, 4)
        assert first.causes == {"superseded": 1}
        assert made.rights()["101"] == 1
        assert [right for agent, right in made.history() if agent == "101"] == [0, 1]
        sent_again = [agent for agent, times in made.times_set().items() if times == 2]
        assert sorted(sent_again) == ["101", "102", "103"]
        assert job.outcomes[-1].cause == "superseded"
        assert (await made.resume(job.run_id)).causes == {"superseded": 1}
        assert made.rights()["101"] == 1


async def test_a_correction_says_whom_it_corrects_and_whom_it_waits_for(
    tmp_path: Path, held: asyncio.Event
) -> None:
    async with shift(tmp_path) as made:
        some = made.write([104, 110], name="some.csv")
        async with at_work(made, held) as (job, _):
            told: list[str] = []
            await person(made, made.request(some, flag=1), held=held, told=told)
            assert f"run {job.run_id} leaves 2 agents to this run" in told[0]
            assert "this run waits for 1 agent with a request on its way" in told[1]
        assert [leg.consent for leg in made.legs()] == ["terminal"]


async def test_unattended_runs_on_the_same_agents_are_refused_with_exit_6(
    tmp_path: Path, held: asyncio.Event
) -> None:
    """`--yes` is nobody's correction; all runs in the way are named with their agents."""
    async with shift(tmp_path) as made:
        some = made.write([109, 110], name="some.csv")
        async with at_work(made, held) as (job, task):
            with pytest.raises(GuardrailRefused) as refused:
                await person(made, made.request(some, flag=1), consent=Consent.YES)
            assert f"run {job.run_id} is at work on 2 of these agents" in str(refused.value)
            assert f"--take-over {job.run_id}" in str(refused.value)
            held.set()
            assert (await task).exit_code == 0
        with open_ledger(made.ledger) as database:
            assert len(list_runs(database, 9)) == 1


@pytest.mark.parametrize("or_resume", [True, False])
async def test_the_same_run_in_progress_elsewhere_is_exit_5(
    tmp_path: Path, held: asyncio.Event, *, or_resume: bool
) -> None:
    """However it was agreed to; in another order too."""
    async with shift(tmp_path) as made:
        async with at_work(made, held):
            same = made.write(range(110, 100, -1), name="same.csv")
            with pytest.raises(RunBusy, match="in progress elsewhere") as refused:
                await person(made, made.request(same, or_resume=or_resume))
            assert refused.value.exit_code == 5
        assert sum(made.times_set().values()) <= 10


async def test_agents_under_a_gate_or_floor_need_a_take_over(
    tmp_path: Path, held: asyncio.Event
) -> None:
    flags = {agent: int(agent < 106) for agent in AGENTS}
    async with shift(tmp_path) as made:
        both = made.write(AGENTS, flags=flags)
        some = made.write([101, 110], name="some.csv")
        async with at_work(made, held, roster=both, flag=None) as (job, task):
            with pytest.raises(GuardrailRefused, match="a gate, a floor or a canary"):
                await person(made, made.request(some, flag=1))
            over = made.request(some, flag=1, take_over=(job.run_id[:20],))
            assert (await person(made, over, held=held)).exit_code == 0
            assert (await task).exit_code == 6


async def test_a_run_that_was_taken_over_is_halted_until_a_persons_override(
    tmp_path: Path,
    held: asyncio.Event,
) -> None:
    """No scheduler starts it again: --or-resume and resume answer exit 6, and send nothing."""
    async with shift(tmp_path) as made:
        some = made.write([109, 110], name="some.csv")
        async with at_work(made, held) as (job, task):
            asked = made.request(some, flag=1, take_over=("all",))
            taker = await person(made, asked, held=held)
            first = await task
        assert (first.state, first.exit_code) == ("halted", 6)
        assert f"run {taker.run_id} has taken over" in str(first.error)
        assert taker.exit_code == 0
        (leg,) = made.legs(job.run_id)
        assert (leg.state, leg.exit_code, leg.drained_for) == ("halted", 6, taker.run_id)
        assert made.legs(str(taker.run_id))[0].took_over == job.run_id
        requests = made.requests
        for again in (made.apply(or_resume=True), made.resume(job.run_id)):
            with pytest.raises(GuardrailRefused, match="has taken over 2 of its agents"):
                await again
        assert made.requests == requests
        done = await made.apply(or_resume=True, override="looked")
        assert (done.run_id, done.exit_code) == (job.run_id, 4)
        assert done.causes == {"superseded": 2}
        assert made.rights()["109"] == made.rights()["110"] == 1


async def test_nothing_is_drained_unless_all_runs_in_the_way_are_named(
    tmp_path: Path, held: asyncio.Event
) -> None:
    """`--take-over` several times, or `all`; each is named together with its agents."""
    async with shift(tmp_path) as made:
        second = made.write(range(111, 121), name="second.csv")
        wanted = made.write([108, 109, 110, 120], name="wanted.csv")
        async with (
            at_work(made, held) as (one, first),
            at_work(made, held, roster=second) as (two, other),
        ):
            asked = made.request(wanted, flag=1, take_over=(one.run_id,))
            with pytest.raises(GuardrailRefused) as refused:
                await person(made, asked, consent=Consent.YES)
            assert "nothing was drained" in str(refused.value)
            assert f"--take-over {one.run_id}" in str(refused.value)
            assert f"run {two.run_id} is at work on 1 of these agents" in str(refused.value)
            assert f"run {one.run_id} on 3" in str(refused.value)
            assert not first.done()
            assert not other.done()
            both = made.request(wanted, flag=1, take_over=(two.run_id, one.run_id))
            taker = await person(made, both, consent=Consent.YES, held=held)
            assert (taker.exit_code, taker.totals["applied"]) == (0, 4)
            assert {(await first).exit_code, (await other).exit_code} == {6}
        took_over = made.legs(str(taker.run_id))[0].took_over
        assert set(str(took_over).split(", ")) == {one.run_id, two.run_id}


async def _unheard(made: Shift, monkeypatch: pytest.MonkeyPatch) -> tuple[str, RunLock]:
    """A run that holds its agents and hears nothing, as one that was suspended (SIGSTOP)."""
    await made.apply(stop_after=3)
    with open_ledger(made.ledger) as database:
        facts = find_run(database, "last")
        database.write(("INSERT INTO leases (run) VALUES (?)", [(facts.run,)]))
    monkeypatch.setattr(taking_over, "_HEARD_WITHIN_S", 0.0)
    return facts.id, RunLock(made.ledger, facts.id)


async def test_take_over_of_a_suspended_run_says_what_it_waits_for_and_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not 120 s in silence (kill -STOP); the taker stays in the ledger, the other one is let go."""
    async with shift(tmp_path) as made:
        stopped, lock = await _unheard(made, monkeypatch)
        told: list[str] = []
        some = made.write([109, 110], name="some.csv")
        run = Run(made.request(some, flag=1, take_over=(stopped,)), clock=made.clock)
        with run:
            run.warn = told.append
            prepared = await asyncio.to_thread(run.prepare)
            taker = prepared.plan.run_id
            with pytest.raises(GuardrailRefused, match="hangs or is suspended") as refused:
                await prepared.execute(Consent.YES)
        assert not prepared.may_send, "its --report says REFUSED, not what yesterday's run did"
        assert "kill -CONT" in str(refused.value)
        assert f"run {stopped} is at work on 2 of these agents; this run waits" in told[0]
        lock.release()
        (leg,) = made.legs(taker)
        assert (leg.state, leg.exit_code, leg.took_over) == ("halted", 6, stopped)
        with open_ledger(made.ledger) as database:
            facts = find_run(database, stopped)
            assert (facts.halted, facts.drained_for) == (None, None)
            assert not has_lease(RunRecord(database, find_run(database, taker).run))
        assert (await made.apply(or_resume=True)).run_id == stopped


async def test_a_plan_that_never_sent_is_nobodys_run(tmp_path: Path) -> None:
    """Neither to wait for, as long as its question is open, nor to go on with."""
    async with shift(tmp_path) as made:
        with Run(made.request(or_resume=True), clock=made.clock) as waiting:
            asking = waiting.prepare()
            done = await made.apply(or_resume=True)
            assert (done.exit_code, done.run_id != asking.plan.run_id) == (0, True)
            with pytest.raises(RunBusy, match="has begun elsewhere meanwhile"):
                await asking.execute(Consent.YES)
        assert sum(made.times_set().values()) == 10


async def test_a_run_that_ended_since_the_command_began_was_in_progress_elsewhere(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        with Run(made.request(or_resume=True), clock=made.clock) as late:
            await made.apply()
            with pytest.raises(RunBusy, match="has ended since"):
                late.prepare()
        assert (await made.apply(or_resume=True)).exit_code == 0


def overlap(run: int, *, same: bool = False, gated: bool = False, person: bool = False) -> Overlap:
    return Overlap(run, f"run{run}", 5, same=same, gated=gated, person=person)


@pytest.mark.parametrize(
    ("stands", "named", "asks", "way"),
    [
        (overlap(1), {1}, False, "drained"),
        (overlap(1, gated=True), None, False, "drained"),
        (overlap(1), (), False, "against"),
        (overlap(1), (), True, "corrected"),
        (overlap(1, gated=True), (), True, "against"),
        (overlap(1, same=True), (), True, "against"),
        (overlap(1, same=True), {1}, True, "drained"),
    ],
)
def test_what_becomes_of_a_run_in_the_way_of_a_new_one(
    stands: Overlap, named: Any, way: str, *, asks: bool
) -> None:
    ways = taking_over.plan_take_over([stands], named=named, person=asks, new=True, run=7)
    assert getattr(ways, way) == (stands,)


@pytest.mark.parametrize(
    ("stands", "way"),
    [
        (overlap(9, person=True), "left"),
        (overlap(9), "against"),
        (overlap(3, person=True), "against"),
    ],
)
def test_a_run_that_goes_on_leaves_a_persons_later_one_what_it_has(
    stands: Overlap, way: str
) -> None:
    for asks in (True, False):
        ways = taking_over.plan_take_over([stands], named=(), person=asks, new=False, run=7)
        assert getattr(ways, way) == (stands,)
