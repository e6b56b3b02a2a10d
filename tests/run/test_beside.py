"""What a plan says of the runs in progress that have some of its agents.

Proves --take-over; guide "A person's correction", "Taking over".
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import bulkagent
from bulkagent.errors import GuardrailRefused, RunBusy, RunNotFound
from bulkagent.instants import Instant
from bulkagent.run import Consent, Plan, Run
from bulkagent.run.beside import Beside, RunBeside, RunFate
from tests.run.again import AGENTS, Shift, shift
from tests.run.test_at_once import at_work, held

__all__ = ["held"]  # a fixture


async def beside(made: Shift, roster: Path, consent: Consent, **more: Any) -> Beside:
    with Run(made.request(roster, flag=1, **more), clock=made.clock) as run:
        prepared = await asyncio.to_thread(run.prepare)
        return prepared.beside(consent)


async def test_each_run_has_its_fate_its_size_and_the_first_of_the_agents(
    tmp_path: Path, held: asyncio.Event
) -> None:
    async with shift(tmp_path) as made:
        some = made.write([108, 109, 110, 120], name="some.csv")
        async with at_work(made, held) as (job, _):
            (found,) = (await beside(made, some, Consent.TERMINAL)).runs
            assert found == RunBeside(
                run_id=job.run_id,
                who=found.who,
                shared=3,
                some=("108", "109", "110"),
                agents=10,
                left=7,
                fate=RunFate.CORRECTED,
            )
            assert "@" in found.who
            over = await beside(made, some, Consent.TERMINAL, take_over=("all",))
            assert [run.fate for run in over.runs] == [RunFate.DRAINED]
            assert over.refused is None
        assert await beside(made, some, Consent.TERMINAL) == Beside(), "it has ended"


async def test_what_is_certain_is_known_before_the_question(
    tmp_path: Path, held: asyncio.Event
) -> None:
    async with shift(tmp_path) as made:
        some = made.write([109, 110], name="some.csv")
        same = made.write(AGENTS, name="same.csv")
        async with at_work(made, held, canary=1):
            for consent in Consent:
                stands = await beside(made, some, consent)
                assert type(stands.refused) is GuardrailRefused
                assert [run.fate for run in stands.runs] == [RunFate.AGAINST]
            nobody = await beside(made, some, Consent.TERMINAL, take_over=("1999",))
            assert type(nobody.refused) is RunNotFound
            elsewhere = Run(made.request(same), clock=made.clock)
            with elsewhere:
                prepared = await asyncio.to_thread(elsewhere.prepare)
                assert type(prepared.beside(Consent.TERMINAL).refused) is RunBusy


async def test_a_run_that_begins_later_is_not_refused_for_what_is_in_progress_now(
    tmp_path: Path, held: asyncio.Event
) -> None:
    async with shift(tmp_path) as made:
        some = made.write([109, 110], name="some.csv")
        start = Instant(made.clock.wall_ms() + 3_600_000, "UTC")
        async with at_work(made, held, canary=1):
            later = await beside(made, some, Consent.TERMINAL, start_at=start)
            assert later.refused is None
            assert [run.fate for run in later.runs] == [RunFate.OPEN]


async def test_a_program_is_not_asked_either_what_would_be_refused(
    tmp_path: Path, held: asyncio.Event
) -> None:
    asked: list[Plan] = []

    def agree(plan: Plan) -> bool:
        asked.append(plan)
        return True

    async with shift(tmp_path) as made:
        some = made.write([109, 110], name="some.csv")
        asks = made.request(some, flag=1)
        async with at_work(made, held):
            with pytest.raises(GuardrailRefused, match="is at work on 2 of these agents"):
                await bulkagent.apply(
                    some, gateway=made.gateway.url, flag=1, request=asks, agree=agree
                )
            assert not asked
