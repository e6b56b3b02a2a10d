"""Agents who are never touched, how many may be set, and agents that another run is setting.

Proves --max-agents, --protect, --take-over; guide "Too many agents", "Protected agents", "Two runs
on the same agents", "Taking over".

README: Of two runs that want the same agents at once.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bulkagent.errors import GuardrailRefused, RosterRefused, SettingsRefused
from bulkagent.ledger import (
    Overlap,
    RunLock,
    RunRecord,
    find_run,
    open_ledger,
    release_lease,
    take_lease,
)
from bulkagent.settings import ConfigFile, GatewaySection, Policy, Settings, load_config
from tests.cli.command import bulkagent, emulated, started
from tests.run.again import AGENTS, Shift, code, shift
from tests.waiting import HANG_S

FIRST = {str(agent) for agent in (*AGENTS,)} - {"103", "107"}


def spare(made: Shift, text: str = "agent_id\n103\n107\n") -> tuple[Path, ...]:
    path = made.folder / "supervisors.csv"
    path.write_text(text)
    return (path,)


# Protected agents.


async def test_protected_agents_are_left_alone_and_worsen_nothing(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        result = await made.apply(protect=spare(made))
        assert result.exit_code == 0
        assert (result.totals["applied"], result.causes) == (8, {"protected": 2})
        assert result.next is None
        assert set(made.times_set()) == FIRST
        (line,) = [line for line in made.lines() if line.agent_id == "103"]
        assert line.message == "protected by supervisors.csv"
        assert made.plan is not None
        assert (made.plan.agents, made.plan.protected) == (8, 2)
        again = await made.resume()
        assert again.requests == 8
        assert set(made.times_set()) == FIRST


@pytest.mark.parametrize("text", ["103\n107\n", "agent_id;name\n103;A\n107;B\n", "﻿agent\n103\n107"])
async def test_a_list_is_read_as_a_roster_is(tmp_path: Path, text: str) -> None:
    async with shift(tmp_path) as made:
        assert (await made.apply(protect=spare(made, text))).causes == {"protected": 2}


async def test_a_list_of_one_gateway_protects_there_alone(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        here = f"agent_id,gateway\n103,elsewhere\n107,{made.gateway_name}\n"
        sections = {"main": GatewaySection(url=made.gateway.url, ca_file=str(made.ca_file))}
        text = here.replace(made.gateway_name, "main")
        result = await made.apply(
            protect=spare(made, text), gateway="main", gateways=sections, ca_file=None
        )
        assert result.causes == {"protected": 1}
        assert "103" in made.times_set()


async def test_a_list_with_a_line_that_names_nobody_is_refused(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        with pytest.raises(
            RosterRefused, match=r"line 3, agent_id: .*it is not known which agents"
        ):
            await made.apply(protect=spare(made, "agent_id\n103\nhundred\n"))
        with pytest.raises(RosterRefused, match="there is no file"):
            await made.apply(protect=(tmp_path / "nothing.csv",))
        assert made.requests == 0


async def test_who_is_protected_since_is_left_by_a_resume_and_taken_when_he_is_not_any_more(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path, code("100-006", "103-104", per_agent=9)) as made:
        assert (await made.apply(stop_after=4)).exit_code == 130
        made.misbehave()
        guarded = await made.resume(explicit={"protect": spare(made)})
        assert guarded.causes == {"protected": 2}
        assert guarded.exit_code == 0
        assert set(made.times_set()) == FIRST
        assert made.stands()["103"] == "failed protected"
        done = await made.resume()
        assert (done.exit_code, done.totals["applied"]) == (0, 10)


async def test_a_revert_does_not_touch_them_either(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        assert (await made.apply()).exit_code == 0
        done = await made.revert(assume_opposite=True, explicit={"protect": spare(made)})
        assert done.causes == {"protected": 2}
        assert made.rights()["103"] == 0
        assert made.rights()["104"] == 1


async def test_a_protected_incoming_agent_is_one_who_does_not_come(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        flags = {agent: int(agent in {103, 107}) for agent in AGENTS}
        result = await made.apply(made.write(AGENTS, flags=flags), flag=None, protect=spare(made))
        assert result.causes == {"gate": 8, "protected": 2}
        assert result.exit_code == 6


async def test_whoever_goes_on_with_an_unfinished_run_protects_too(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply(stop_after=1)
        done = await made.apply(or_resume=True, protect=spare(made))
        assert (done.run_id, done.causes) == (first.run_id, {"protected": 2})
        assert set(made.times_set()) == FIRST


async def test_who_is_forgiven_and_protected_is_so_once(tmp_path: Path) -> None:
    async with shift(tmp_path, code("100-008", "103", per_agent=9)) as made:
        stale = {105: "22222222-2222-2222-2222-222222222222.AgentGateway1"}
        roster = made.write([103, 105], guids=stale)
        assert (await made.apply(roster, absent_ok=True)).exit_code == 3
        explicit = {"absent_ok": True, "protect": spare(made)}
        assert (await made.resume(explicit=explicit)).exit_code == 3


# Numbers.


async def test_more_agents_than_allowed_are_refused_also_on_one_gateway(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        with pytest.raises(GuardrailRefused, match="10 agents, --max-agents allows 9"):
            await made.apply(max_agents=9)
        sections = {
            "main": GatewaySection(url=made.gateway.url, ca_file=str(made.ca_file), max_agents=9)
        }
        with pytest.raises(GuardrailRefused, match=r"10 agents on main, \[gateways.main\] allows"):
            await made.apply(gateways=sections, gateway="main", ca_file=None)
        assert (await made.apply(max_agents=8, protect=spare(made))).exit_code == 0
        assert made.requests == 8


async def test_a_resume_and_a_revert_of_too_many_are_refused(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=3)
        with pytest.raises(GuardrailRefused, match="--max-agents allows 5"):
            await made.resume(explicit={"max_agents": 5})
        assert (await made.resume(explicit={"max_agents": 7})).exit_code == 0
        with pytest.raises(GuardrailRefused, match="the revert of run"):
            await made.revert(assume_opposite=True, explicit={"max_agents": 9})


# Jobs.


def test_the_section_of_a_job_goes_over_the_top_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bulkagent.toml"
    path.write_text(
        'rate = "50/s"\nprotect = ["all.csv"]\ncanary = 5\n'
        '[jobs.morning]\nrate = "20/s"\nmax_agents = 300\nprotect = ["vips.csv"]\ngate = "90%"\n'
        '[gateways.east]\nurl = "https://east.example:8043"\nprotect = ["east.csv"]\n'
    )
    file = load_config(path)
    plain = Settings.resolve({}, file)
    assert (plain.job, plain.per_second, plain.max_agents) == ("", 50.0, None)
    assert plain.protect == (tmp_path / "all.csv",)
    morning = Settings.resolve({"job": "morning", "per_second": 10.0}, file)
    assert (morning.job, morning.per_second, morning.max_agents) == ("morning", 10.0, 300)
    assert (morning.gate, morning.canary) == (0.9, 5)
    assert morning.protect == (tmp_path / "all.csv", tmp_path / "vips.csv")
    assert morning.gateways["east"].protect == (str(tmp_path / "east.csv"),)


def test_a_job_that_nobody_knows_does_not_run_unguarded() -> None:
    file = ConfigFile(jobs={"morning": Policy()})
    with pytest.raises(SettingsRefused, match=r"no \[jobs.mornin\].* known jobs are morning"):
        Settings.resolve({"job": "mornin"}, file)
    assert Settings.resolve({"job": "anything"}, ConfigFile()).job == "anything"
    assert (
        Settings.resolve({}, ConfigFile(job="morning", jobs={"morning": Policy(burst=2)})).burst
        == 2
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[jobs.x]\nrate = 'fast'", r"\[jobs.x\]: 'fast' is not a rate"),
        ("[jobs.'a b']\n", "cannot be a job's name"),
        ("[jobs.x]\nledger = 'l'", "ledger of .*it holds for all jobs"),
        ("[jobs.x]\nmax_agent = 3", "did you mean max_agents"),
    ],
)
def test_a_wrong_section_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bulkagent.toml"
    path.write_text(text)
    with pytest.raises(SettingsRefused, match=said):
        load_config(path)


async def test_runs_bear_the_name_of_their_job(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(job="morning", stop_after=2)
        await made.resume()
        with open_ledger(made.ledger) as database:
            assert find_run(database, "last").job == "morning"


# Leases.


async def test_the_lease_of_a_run_that_was_killed_does_not_hold_up_its_revert(
    tmp_path: Path,
) -> None:
    async with shift(tmp_path) as made:
        first = await made.apply()
        with open_ledger(made.ledger) as database:
            run = find_run(database, str(first.run_id)).run
            database.write(("INSERT INTO leases (run) VALUES (?)", [(run,)]))  # as a kill leaves it
        assert (await made.revert(assume_opposite=True)).exit_code == 0


async def test_of_two_runs_on_the_same_agents_the_second_is_refused(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=2)
        with open_ledger(made.ledger) as database:
            first = find_run(database, "last")
            lock = RunLock(database.path, first.id)
            assert take_lease(RunRecord(database, first.run)) == ()
            some = made.write(range(109, 115), name="some.csv")
            with pytest.raises(GuardrailRefused, match=f"run {first.id} is at work on 2 of these"):
                await made.apply(some)
            others = made.write(range(111, 115), name="others.csv")
            assert (await made.apply(others)).exit_code == 0
            lock.release()  # as if its process had been killed: the lease is still there
            assert (await made.apply(some)).exit_code == 0
            assert database.all("SELECT count(*) FROM leases") == [(0,)]


async def test_of_two_leases_taken_at_once_the_earlier_one_holds(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        await made.apply(stop_after=1)
        await made.apply(stop_after=1)
        with open_ledger(made.ledger) as database:
            runs = [run for (run,) in database.all("SELECT run FROM runs ORDER BY run")]
            ids = [run_id for (run_id,) in database.all("SELECT id FROM runs ORDER BY run")]
            locks = [RunLock(database.path, run_id) for run_id in ids]
            # Both are committed before either looks.
            database.write(("INSERT INTO leases (run) VALUES (?)", [(runs[0],)]))
            (found,) = take_lease(RunRecord(database, runs[1]))
            assert found == Overlap(runs[0], ids[0], found.agents, same=True)
            assert 0 < found.agents < 10, "those who are not set yet"
            release_lease(RunRecord(database, runs[1]))
            database.write(("INSERT INTO leases (run) VALUES (?)", [(runs[1],)]))
            database.write(("DELETE FROM leases WHERE run = ?", [(runs[0],)]))
            (found,) = take_lease(RunRecord(database, runs[0]))
            assert found.run_id == ids[1]
            for lock in locks:
                lock.release()


@pytest.mark.matrix
def test_a_run_in_progress_is_drained_for_another(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-400") as gateway:
        address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file, "--yes"]
        slow = ["apply", gateway.roster, "--flag", 0, *address, "--rate", "5/s"]
        with started(tmp_path, *slow, "--json") as process:
            while gateway.judge("stats")["requests"] < 3:
                pass
            refused = bulkagent(tmp_path, "apply", gateway.roster, "--flag", 1, *address, "--json")
            assert refused.code == refused.json["exit_code"] == 6
            assert refused.json["state"] == "refused"
            running = bulkagent(tmp_path, "runs", "--json").json["runs"][0]["run_id"]
            assert f"--take-over {running}" in refused.err
            over = ["--take-over", running, "--rate", "none", "--json"]
            done = bulkagent(tmp_path, "apply", gateway.roster, "--flag", 1, *address, *over)
            assert done.code == 0, done.err
            _, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 6
        assert f"run {done.json['run_id']} has taken over" in err
        assert len(gateway.set_to(1)) == 300
        legs = bulkagent(tmp_path, "show", done.json["run_id"], "--json").json["legs"]
        assert [leg["took_over"] for leg in legs] == [running]
        nothing = ["--take-over", running, "--rate", "none"]
        late = bulkagent(tmp_path, "apply", gateway.roster, "--flag", 1, *address, *nothing)
        assert late.code == 0, "it is not in progress any more, so there is nothing to drain"
        runs = tmp_path / "state/bulkagent/ledger.sqlite3-runs"
        assert not runs.exists() or not os.listdir(runs)  # noqa: PTH208 - names are all that counts
