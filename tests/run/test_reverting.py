"""Revert sets each agent back to what the ledger last knew of it; the judge is the gateway.

Proves --assume-opposite, --trust-state, --roster; guide "What a revert sets".
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from bulkagent.emulator import EmulatedGateway, FaultKind
from bulkagent.errors import ResumeRefused, RunNotFound
from bulkagent.ledger import find_run, list_runs, open_ledger
from bulkagent.run import Revert, Run
from bulkagent.settings import GatewaySection
from tests.run.again import AGENTS, Shift, code, fault, shift

UP, DOWN = range(101, 106), range(106, 111)
BEFORE = dict.fromkeys(UP, 1) | dict.fromkeys(DOWN, 0)
"""What two earlier runs have set."""


async def _set_up(made: Shift) -> None:
    await made.apply(made.write(UP, name="up.csv"), flag=1)
    await made.apply(made.write(DOWN, name="down.csv"), flag=0)


def _is_as_before(made: Shift) -> bool:
    rights = made.rights()
    return all(rights[str(agent)] == right for agent, right in BEFORE.items())


async def test_every_agent_goes_back_to_what_earlier_runs_have_set(tmp_path: Path) -> None:
    """A run of its own, with a report of its own and no change to that of the run it reverts."""
    async with shift(tmp_path) as made:
        await _set_up(made)
        run = await made.apply(flag=0)
        assert run.run_id is not None
        report = (tmp_path / "report.csv").read_bytes()
        result = await made.revert()
        assert made.plan is not None
        assert (made.plan.command, made.plan.origin) == ("revert", run.run_id)
        assert (made.plan.agents, made.plan.of_agents) == (10, 10)
        assert _is_as_before(made)
        assert result.run_id != run.run_id
        assert (result.exit_code, result.totals["applied"], result.rows) == (0, 10, 10)
        with open_ledger(made.ledger) as database:
            assert find_run(database, "last").reverts == run.run_id
        assert [leg.command for leg in made.legs()] == ["revert"]
        assert [leg.command for leg in made.legs(run.run_id)] == ["apply"]
        assert (tmp_path / "report.csv").read_bytes() == report
    with (tmp_path / "revert.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert {int(line["agent_id"]): int(line["flag"]) for line in lines} == BEFORE
    assert [line["row"] for line in lines] == [str(row) for row in range(2, 12)]


async def test_incoming_agents_are_set_back_before_outgoing_ones(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        flags = {agent: agent % 2 for agent in AGENTS}
        await made.apply(made.write(AGENTS, flags=flags, name="mixed.csv"), flag=None)
        await made.apply(flag=1)
        since = len(made.history())
        await made.revert()
        back = made.history()[since:]
    assert [flag for _, flag in back] == [1] * 5 + [0] * 5
    assert {int(agent): flag for agent, flag in back} == flags


async def test_who_may_have_been_changed_goes_back_as_well_and_nobody_else(tmp_path: Path) -> None:
    """In doubt: yes. Refused, failed, not attempted, a row that was none: no."""
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        made.misbehave(
            code("100-006", "102"),
            code("100-009", "103"),
            fault(FaultKind.RESET_AFTER, "104"),
            fault(FaultKind.RESET_BEFORE, "105"),
        )
        made.write(AGENTS, more=["101,x,", "what,x,"])
        run = await made.apply(stop_after=6, skip_invalid=True)
        assert run.run_id is not None
        changed = [x for x, y in made.stands().items() if y.startswith(("applied", "unknown"))]
        # 101 has a second row, the duplicate, which is the last one that is told of it.
        wanted = {"101", *changed}
        since = len(made.history())
        result = await made.revert()
        assert {agent for agent, _ in made.history()[since:]} == wanted
        assert {"104", "105"} <= wanted
        assert not {"102", "103", "110"} & wanted
        assert set(made.rights().values()) == {1, None}
    assert (result.exit_code, result.rows) == (0, len(wanted))


async def test_of_whom_nothing_is_known_is_left_alone(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(made.write(UP, name="up.csv"), flag=1)
        run = await made.apply(flag=0)
        requests = made.requests
        result = await made.revert()
        assert made.plan is not None
        assert (made.plan.agents, made.plan.previous_unknown, made.plan.of_agents) == (5, 5, 10)
        assert made.requests == requests + 5
        stands = made.stands()
        assert {stands[str(agent)] for agent in UP} == {"applied"}
        assert {stands[str(agent)] for agent in DOWN} == {"not_attempted previous_unknown"}
        assert result.exit_code == 4
        assert result.next == (
            f"bulkagent revert {run.run_id} --assume-opposite --ledger {made.ledger}"
        )
        assert result.totals["not_attempted"] == result.causes["previous_unknown"] == 5
        again = await made.resume()
        assert (again.exit_code, made.requests) == (4, requests + 5)
        assert run.run_id is not None
        await made.revert(run.run_id, assume_opposite=True)
        assert made.plan.superseded == {result.run_id: 5}, "the first revert's are left to it"
        assert {made.rights()[str(agent)] for agent in AGENTS} == {1}


async def test_who_is_not_known_gets_the_other_flag_where_that_is_asked_for(tmp_path: Path) -> None:
    """What is known goes before what is assumed."""
    async with shift(tmp_path) as made:
        await made.apply(made.write(DOWN, name="down.csv"), flag=0)
        await made.apply(flag=0)
        result = await made.revert(assume_opposite=True)
        assert (result.exit_code, result.totals["applied"]) == (0, 10)
        assert _is_as_before(made)


@pytest.mark.matrix
async def test_a_doubt_before_the_run_is_not_known_unless_it_would_have_changed_nothing(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        made.misbehave(fault(FaultKind.RESET_BEFORE, "101-105"))
        await made.apply(made.write(UP, name="doubt.csv"), flag=0)
        made.misbehave(fault(FaultKind.RESET_BEFORE, "106-110"))
        await made.apply(made.write(DOWN, name="same.csv"), flag=1)
        made.misbehave()
        await made.apply(flag=0)
        await made.revert()
        stands = made.stands()
        assert {stands[str(agent)] for agent in UP} == {"not_attempted previous_unknown"}
        assert {stands[str(agent)] for agent in DOWN} == {"applied"}
        assert {made.rights()[str(agent)] for agent in DOWN} == {1}


async def test_what_was_set_too_long_ago_is_not_known(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        made.clock.ahead_ms += 8 * 3_600_000
        await made.apply(flag=0)
        requests = made.requests
        result = await made.revert()
        assert (result.exit_code, made.requests) == (4, requests)
        assert result.causes == {"previous_unknown": 10}
        assert {"too long ago" in line.message for line in made.lines()} == {True}
        with open_ledger(made.ledger) as database:
            _, run, _ = list_runs(database, 3)
        result = await made.revert(run.id, explicit={"trust_state_s": 30_000.0})
        assert (result.exit_code, set(made.rights().values())) == (0, {1, None})


async def test_who_was_set_by_a_later_run_is_left_to_that_one(tmp_path: Path) -> None:
    """Also where that called the gateway by a name."""
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        run = await made.apply(flag=0)
        named: dict[str, Any] = {
            "gateway": "east",
            "gateways": {"east": GatewaySection(url=made.gateway.url)},
        }
        later = await made.apply(made.write(DOWN, name="later.csv"), flag=0, **named)
        assert run.run_id is not None
        result = await made.revert(run.run_id)
        assert made.plan is not None
        assert made.plan.superseded == {later.run_id: 5}
        stands = made.stands()
        assert {stands[str(agent)] for agent in DOWN} == {"not_attempted superseded"}
        assert _is_as_before(made)
        assert (result.exit_code, result.causes) == (4, {"superseded": 5})
        assert {str(later.run_id) in x.message for x in made.lines() if x.cause} == {True}


@pytest.mark.parametrize(
    ("known", "opposite", "flag"), [(True, False, "1"), (False, True, "1"), (False, False, "")]
)
async def test_superseded_and_protected_rows_of_a_revert_have_its_own_flag(
    tmp_path: Path, *, known: bool, opposite: bool, flag: str
) -> None:
    """The flag that the revert would have set, and none where that is not known."""
    async with shift(tmp_path) as made:
        if known:
            await made.apply(flag=1)
        run = await made.apply(flag=0)
        await made.apply(made.write(DOWN, name="later.csv"), flag=0)
        (tmp_path / "protected.csv").write_text("agent_id\n101\n")
        protect = {"protect": (tmp_path / "protected.csv",)}
        assert run.run_id is not None
        await made.revert(run.run_id, assume_opposite=opposite, explicit=protect)
        found = {line.agent_id: (line.cause, line.flag) for line in made.lines()}
    assert found["101"] == ("protected", flag)
    assert {found[str(agent)] for agent in DOWN} == {("superseded", flag)}


async def test_what_happened_at_another_gateway_is_of_no_concern(tmp_path: Path) -> None:
    (tmp_path / "west").mkdir()
    async with shift(tmp_path) as made, EmulatedGateway(agent_ids=AGENTS) as west:
        there = Shift(tmp_path / "west", west)
        there.ledger, there.clock = made.ledger, made.clock
        await there.apply(flag=1)
        run = await made.apply(flag=0)
        await there.apply(flag=1)
        assert run.run_id is not None
        result = await made.revert(run.run_id)
        assert result.causes == {"previous_unknown": 10}


async def test_the_revert_of_a_revert_sets_what_the_run_had_set(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _set_up(made)
        await made.apply(flag=0)
        await made.revert()
        result = await made.revert()
        assert result.exit_code == 0
        assert set(made.rights().values()) == {0, None}
        await made.revert()
        assert _is_as_before(made)


async def test_an_interrupted_revert_is_resumed_as_what_it_is(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _set_up(made)
        run = await made.apply(flag=0)
        await made.revert(stop_after=3)
        (reverting, *_) = _runs(made)
        assert not _is_as_before(made)
        made.sign_in_again(int(agent) for agent, stands in made.stands().items() if "in" in stands)
        made.write(AGENTS, team="Oak")
        result = await made.resume()
        assert made.plan is not None
        assert (result.run_id, made.plan.origin) == (reverting, run.run_id)
        assert (result.exit_code, result.totals["applied"]) == (0, 10)
        assert [leg.command for leg in made.legs()] == ["revert", "resume"]
        assert _is_as_before(made)


def _runs(made: Shift) -> list[str]:
    with open_ledger(made.ledger) as database:
        return [run.id for run in list_runs(database, 99)]


async def test_the_rules_about_rosters_hold_and_a_refusal_leaves_nothing(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await _set_up(made)
        await made.apply(flag=0)
        runs, requests = _runs(made), made.requests
        made.write(range(101, 112))
        with pytest.raises(ResumeRefused, match="--roster"):
            await made.revert()
        lacking = made.write([x for x in AGENTS if x != 109], name="lacking.csv")
        with pytest.raises(ResumeRefused, match="109"):
            await made.revert(roster=str(lacking))
        with pytest.raises(RunNotFound):
            await made.revert("2020")
        assert (_runs(made), made.requests) == (runs, requests)
        assert not made.ledger.with_name("ledger.sqlite3-runs").exists()
        made.sign_in_again(AGENTS)
        other = made.write(range(115, 100, -1), name="other.csv")
        assert (await made.revert(roster=str(other))).exit_code == 0
        assert _is_as_before(made)


async def test_a_revert_with_a_roster_of_its_own_is_resumed_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger keeps where the roster is, not how it was called from somewhere."""
    async with shift(tmp_path) as made:
        await _set_up(made)
        await made.apply(flag=0)
        made.roster.rename(tmp_path / "moved.csv")
        monkeypatch.chdir(tmp_path)
        await made.revert(roster="moved.csv", stop_after=3)
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert (await made.resume()).exit_code == 0


async def test_a_run_that_changed_nothing_has_nothing_to_set_back(tmp_path: Path) -> None:
    """It is refused, so that nobody takes it for a shift that was set back."""
    async with shift(tmp_path, code("100-006")) as made:
        await made.apply()
        made.roster.unlink()
        with pytest.raises(ResumeRefused, match="nothing to set back"):
            await made.revert()
        assert made.requests == 10


async def test_agents_who_cannot_be_set_back_are_told_with_what_to_do(tmp_path: Path) -> None:
    """Exit codes are those of any run."""
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        await made.apply(flag=0)
        made.misbehave(code("100-006", "101"), code("100-009", "102"))
        result = await made.revert()
        assert (result.exit_code, result.causes) == (3, {"not_permitted": 1, "not_signed_in": 1})
        assert result.next is not None
        assert f"resume {result.run_id}" in result.next
        assert (await made.resume()).exit_code == 4


async def test_a_revert_that_nobody_agreed_to_is_taken_out_of_the_ledger(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(flag=1)
        runs = _runs(made)
        with Run(Revert(run="last", choices=made.choices({}), assume_opposite=True)) as run:
            assert run.prepare().plan.agents == 10
            assert len(_runs(made)) == 2
        assert _runs(made) == runs
