"""What was true when a plan was made may not be so any more; and a name is not a gateway.

Proves guide "Resume".
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from bulkagent.errors import GuardrailRefused
from bulkagent.ledger import Database, find_run, open_ledger
from bulkagent.model import Cause
from bulkagent.run import Consent, Resume, Revert, Run
from bulkagent.settings import GatewaySection
from tests.run.again import AGENTS, STALE, Shift, shift


async def _while_asked(made: Shift, asked: Resume | Revert, flag: int) -> dict[str, int | None]:
    """Prepare, have somebody else set everybody to a flag, then execute; the rights after it."""
    made.clock.ahead_ms += 1000
    with Run(asked, clock=made.clock, uniform=lambda: 0.0) as run:
        prepared = await asyncio.to_thread(run.prepare)
        await made.apply(made.write(AGENTS, name="other.csv"), flag=flag)
        (await prepared.execute(Consent.PROGRAM)).result_or_defect()
    return {agent: right for agent, right in made.rights().items() if int(agent) in AGENTS}


async def test_a_run_that_comes_while_a_resume_waits_for_its_answer_counts(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3, flag=0)
        resume = Resume(run="last", choices=made.choices({}))
        assert set((await _while_asked(made, resume, flag=1)).values()) == {1}
        with open_ledger(made.ledger) as database:
            ((superseded,),) = database.all("SELECT count(*) FROM set_aside")
        assert superseded == 6, "one more was in flight when it was stopped"


async def test_a_run_that_comes_while_a_revert_waits_for_its_answer_counts(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        await made.apply(flag=0)
        revert = Revert(run="last", choices=made.choices({}), reports=(tmp_path / "revert.csv",))
        assert set((await _while_asked(made, revert, flag=0)).values()) == {0}


async def test_an_orchestrator_leaves_whom_another_run_has_set_while_it_waited(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3)
        again = msgspec.structs.replace(made.request(), or_resume=True)
        with Run(again, clock=made.clock, uniform=lambda: 0.0) as run:
            prepared = await asyncio.to_thread(run.prepare)
            assert prepared.plan.command == "resume"
            await made.apply(made.write([110], name="one.csv"), flag=1)
            ended = (await prepared.execute(Consent.PROGRAM)).result_or_defect()
        assert ended.causes == {"superseded": 1}
        assert made.rights()["110"] == 1


async def test_the_same_name_for_another_gateway_is_another_run(tmp_path: Path) -> None:
    """An orchestrator's unfinished run is gone on with where it was, or not at all."""
    (tmp_path / "b").mkdir()
    async with shift(tmp_path) as made, shift(tmp_path / "b") as other:
        names = {
            name: GatewaySection(url=gateway.url, ca_file=str(gateway_ca))
            for name, gateway, gateway_ca in (
                ("east", made.gateway, made.ca_file),
                ("moved", other.gateway, other.ca_file),
            )
        }
        asked = made.request(gateway="east", gateways=names, ca_file=None)
        first = await made.carried_out(asked, stop_after=3)
        moved = {"east": names["moved"]}
        roster = other.write(AGENTS)
        there = made.request(roster, gateway="east", gateways=moved, ca_file=None)
        second = await made.carried_out(msgspec.structs.replace(there, or_resume=True))
        assert second.run_id != first.run_id
        assert (made.requests, other.requests) == (4, 10), "one was in flight at the stop"
        rehearsed = made.request(gateway="emulated", ca_file=None)
        third = await made.carried_out(msgspec.structs.replace(rehearsed, or_resume=True))
        assert third.run_id not in {first.run_id, second.run_id}
        back = await made.carried_out(msgspec.structs.replace(asked, or_resume=True))
        assert (back.run_id, back.exit_code, made.requests) == (first.run_id, 0, 10)


@pytest.mark.parametrize("written", ["https://localhost", "https://localhost:443"])
def test_the_port_that_need_not_be_written_makes_no_other_gateway(written: str) -> None:
    from bulkagent.gateway.endpoint import Endpoint

    assert Endpoint.parse(written).url == "https://localhost"


async def test_a_ledger_behind_a_link_is_the_same_ledger(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3)
        (tmp_path / "elsewhere").mkdir()
        link = tmp_path / "elsewhere" / "link.sqlite3"
        link.symlink_to(made.ledger)
        with Run(Resume(run="last", choices=made.choices({})), clock=made.clock) as run:
            await asyncio.to_thread(run.prepare)
            with Database(link) as database:
                assert find_run(database, "last").running


async def _halted(made: Shift) -> None:
    made.write(AGENTS, guids=dict.fromkeys(AGENTS, STALE))
    result = await made.apply(halt_first=3)
    assert (result.exit_code, result.state) == (6, "halted")
    made.write(AGENTS)


async def test_a_resume_of_nobody_does_not_answer_for_a_halt(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _halted(made)
        result = await made.resume(only=frozenset({Cause.TIMEOUT}))
        assert (result.exit_code, result.state) == (6, "halted")
        with pytest.raises(GuardrailRefused):
            await made.resume()
        assert (await made.resume(override="GUIDs renewed")).exit_code == 0


async def test_a_halt_is_on_record_before_the_run_ends(tmp_path: Path) -> None:
    """So that a kill between the two leaves no run that goes on by itself."""
    async with shift(tmp_path) as made:
        made.write(AGENTS, guids=dict.fromkeys(AGENTS, STALE))
        copy = tmp_path / "copy.sqlite3"

        def settled(_: object) -> None:
            if not copy.exists():
                with open_ledger(made.ledger) as database:
                    if find_run(database, "last").halted:
                        database.all(f"VACUUM INTO '{copy}'")

        with Run(made.request(halt_first=3), settled=settled) as run:
            prepared = await asyncio.to_thread(run.prepare)
            (await prepared.execute(Consent.PROGRAM)).result_or_defect()
        with open_ledger(copy) as database:
            facts = find_run(database, "last")
        assert facts.exit_code is None
        assert "guid_refused" in (facts.halted or "")


async def test_a_stop_that_came_too_late_to_keep_anything_from_being_done_is_no_stop(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        result = await made.apply(stop_after=len(AGENTS))
        assert (result.exit_code, result.state, result.next) == (0, "completed", None)
