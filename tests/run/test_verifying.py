"""Runs that look whether what was set is so; the emulated gateway's queue is what they see.

Proves --verify-with, --verify-again-after; guide "What the verdict means".
"""

from __future__ import annotations

import asyncio
import csv
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bulkagent.emulator import EmulatedGateway, FaultKind, Scenario
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.queries import Queries
from bulkagent.ledger import (
    RunRecord,
    find_run,
    open_ledger,
    put_in_doubt,
    verification_counts,
    verified_rows,
)
from bulkagent.run import Consent, PreparedRun, Run, write_report
from bulkagent.run.finish import Finished
from bulkagent.run.plan.request import RunResult
from bulkagent.settings import GatewaySection
from bulkagent.units import HaltAtCount
from tests.run.again import AGENTS, Shift, code, fault, shift

OBSERVER = 120
"""An incoming agent, for GUIDs come from the roster here."""

FLAGS = {**dict.fromkeys(AGENTS, 0), 101: 1, OBSERVER: 1}
SEEN = {"verify_with": (f"{OBSERVER}:1",), "verify_again_after_s": 0.001}

NOBODY = {"yes": 0, "no": 0, "not_visible": 0}


class Watched:
    """A gateway with a roster of ten agents and an observer."""

    def __init__(self, made: Shift, flags: Mapping[int, int] = FLAGS) -> None:
        self.made = made
        self.roster = made.write(flags, flags=flags)

    async def apply(self, **more: Any) -> RunResult:
        return await self.made.apply(self.roster, **{"flag": None, **SEEN, **more})

    async def finished(self, **more: Any) -> Finished:
        asked = self.made.request(self.roster, **{"flag": None, **SEEN, **more})
        with Run(asked, clock=self.made.clock) as run:
            finished = await run.prepare().execute(Consent.PROGRAM)
        finished.result_or_defect()
        return finished

    def verdicts(self) -> dict[str, str]:
        """Agent ID -> what the report says."""
        return {line["agent_id"]: line["verified"] for line in self.report()}

    def report(self, name: str = "report.csv") -> list[dict[str, str]]:
        with (self.made.folder / name).open(newline="") as file:
            return list(csv.DictReader(file))


@asynccontextmanager
async def watched(folder: Path, *faults: Any) -> AsyncIterator[Watched]:
    async with shift(folder, *faults) as made:
        yield Watched(made)


def ignored(agents: str) -> Any:
    return fault(FaultKind.NO_EFFECT, agents)


async def test_everybody_is_seen_to_be_as_set(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        result = await seen.apply()
        assert (result.exit_code, result.verified) == (0, {**NOBODY, "yes": 11})
        assert set(seen.verdicts().values()) == {"yes"}
        columns = list(seen.report()[0])
        assert columns[12:15] == ["finished_at", "verified", "team"]


async def test_whom_the_gateway_shows_otherwise_is_exit_3(tmp_path: Path) -> None:
    async with watched(tmp_path, ignored("102,104")) as seen:
        finished = await seen.finished()
        result = finished.result
        assert (result.state, result.exit_code, result.next) == ("completed", 3, None)
        assert result.totals["applied"] == 11
        assert result.verified == {"yes": 9, "no": 2, "not_visible": 0}
        assert finished.verdicts is not None
        assert finished.verdicts.agents == ("102", "104")
        assert finished.unseen == ""
        assert [name for name, said in seen.verdicts().items() if said == "no"] == ["102", "104"]


async def test_who_is_signed_out_on_the_way_is_not_visible(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        made = seen.made
        asked = made.request(seen.roster, flag=None, **SEEN)

        def leave(outcome: Any) -> None:
            if outcome.row == 5:
                agents = made.gateway._emulation.agents
                agents.sign_out("104", agents.guid("104"), 0)

        with Run(asked, clock=made.clock, settled=leave) as run:
            finished = await run.prepare().execute(Consent.PROGRAM)
        result = finished.result_or_defect()
        assert (result.exit_code, seen.verdicts()["104"]) == (0, "not_visible")
        assert finished.unseen == (
            f"agent 104 on {made.gateway_name}, asked whether still signed in, was answered:"
            " 100-006 (agent not login)"
        )


@pytest.mark.parametrize("skill", ["2", "3"])
async def test_a_queue_that_cannot_be_asked_about_never_fails_a_run(
    tmp_path: Path, skill: str
) -> None:
    async with watched(tmp_path) as seen:
        finished = await seen.finished(verify_with=(f"{OBSERVER}:{skill}",))
        assert (finished.result.exit_code, set(seen.verdicts().values())) == (0, {"not_visible"})
        assert finished.unseen == (
            f"agent {OBSERVER} for queue {skill} on {seen.made.gateway_name} was answered before"
            " the first request: 100-019 (illegal parameter in the query of a skill queue);"
            " an observer is signed in and takes calls; and 1 more such"
        )


async def test_a_resume_judges_its_own_rows_and_keeps_the_verdicts_of_others(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path, ignored("102"), code("000-004", "103-104")) as seen:
        result = await seen.apply()
        assert (result.exit_code, result.verified) == (3, {"yes": 8, "no": 1, "not_visible": 0})
        before = seen.verdicts()
        assert (before["102"], before["103"]) == ("no", "")
        seen.made.misbehave()
        result = await seen.made.resume()
        # No resume helps 102, so none is advised; the exit code tells all the same.
        assert (result.exit_code, result.next) == (3, None)
        assert seen.verdicts() == {**before, "103": "yes", "104": "yes"}
        # Nobody looks where nothing is sent, and the report stays what it was.
        result = await seen.made.resume(explicit={"verify_with": ()})
        assert seen.verdicts() == {**before, "103": "yes", "104": "yes"}
        assert result.verified == {"yes": 10, "no": 1, "not_visible": 0}


async def test_a_resume_can_begin_to_verify(tmp_path: Path) -> None:
    async with watched(tmp_path, code("000-004", "103")) as seen:
        result = await seen.apply(verify_with=())
        assert (result.verified, "verified" in seen.report()[0]) == (None, False)
        seen.made.misbehave()
        await seen.made.resume(explicit=dict(SEEN))
        assert seen.verdicts() == {**dict.fromkeys(seen.verdicts(), ""), "103": "yes"}


async def test_a_halted_leg_looks_all_the_same(tmp_path: Path) -> None:
    scenario = Scenario(seed=1, faults=(code("000-002", "110-200"),))
    async with EmulatedGateway(scenario, agent_ids=range(101, 181)) as gateway:
        made = Shift(tmp_path, gateway)
        seen = Watched(made, {**dict.fromkeys(range(101, 181), 0), OBSERVER: 1})
        result = await seen.apply(halt=HaltAtCount(2), handover=False)
        assert (result.state, result.exit_code) == ("halted", 6)
        assert result.verified == {"yes": 9, "no": 0, "not_visible": 0}
        said = seen.verdicts()
        assert (said["101"], said["109"], said["110"], said["180"]) == ("yes", "yes", "", "")


async def test_a_leg_that_is_stopped_looks_and_one_that_is_cut_off_does_not(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as seen:
        result = await seen.apply(flag=None)
        assert result.exit_code == 0
    for ending in ("stop", "cancel"):
        folder = tmp_path / ending
        folder.mkdir()
        async with watched(folder) as seen:
            made = seen.made
            asked = made.request(seen.roster, flag=None, **SEEN)

            at_work: list[PreparedRun] = []

            def settled(
                outcome: Any, ending: str = ending, at_work: list[PreparedRun] = at_work
            ) -> None:
                if outcome.row == 5:
                    at_work[0].stop(signal.SIGINT)
                    if ending == "cancel":
                        at_work[0].cancel()

            with Run(asked, clock=made.clock, settled=settled) as run:
                prepared = run.prepare()
                at_work.append(prepared)
                finished = await prepared.execute(Consent.PROGRAM)
            assert finished.result_or_defect().exit_code == 130
            said = [seen.verdicts()[str(agent)] for agent in (101, 103, 110)]
            expected = "yes" if ending == "stop" else "not_visible"
            assert said == [expected, expected, ""]
            assert finished.unseen == ("" if ending == "stop" else "it was cut off")


async def test_a_stop_while_it_looks_first_leaves_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_self: Queries, _observer: Any, _skill: str) -> None:
        prepared.stop(signal.SIGTERM)
        await asyncio.Event().wait()

    monkeypatch.setattr(Queries, "agents_of_skill", never)
    async with watched(tmp_path) as seen:
        asked = seen.made.request(seen.roster, flag=None, **SEEN)
        with Run(asked, clock=seen.made.clock) as run:
            prepared = run.prepare()
            result = (await prepared.execute(Consent.PROGRAM)).result_or_defect()
        assert (result.exit_code, result.requests) == (143, 0)
        assert set(seen.verdicts().values()) == {""}


async def test_every_format_has_it_also_beside_a_column_of_that_name(tmp_path: Path) -> None:
    async with watched(tmp_path, ignored("102"), code("100-009", "103")) as seen:
        text = seen.roster.read_text().splitlines()
        text = [f"{text[0]},verified", *(f"{line},by hand" for line in text[1:])]
        seen.roster.write_text("\n".join([*text, ""]))
        await seen.apply()
        for suffix in ("csv", "json", "jsonl"):
            with open_ledger(seen.made.ledger) as database:
                standing = write_report(database, "last", tmp_path / f"again.{suffix}")
            assert standing.verified == {"yes": 9, "no": 1, "not_visible": 0}
    sheet = seen.report("again.csv")
    assert sheet == seen.report()
    assert list(sheet[0])[13:] == ["verified", "team", "roster_verified"]
    document = json.loads((tmp_path / "again.json").read_text())
    assert document["run"]["verified"] == {"yes": 9, "no": 1, "not_visible": 0}
    lines = [json.loads(line) for line in (tmp_path / "again.jsonl").read_text().splitlines()]
    assert lines == document["lines"]
    for line, row in zip(lines, sheet, strict=True):
        assert (line["verified"] or "") == row["verified"]
        assert line["roster_verified"] == row["roster_verified"] == "by hand"
    assert [line["verified"] for line in lines[1:3]] == ["no", None]


async def test_who_is_put_in_doubt_has_no_verdict_any_more(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        await seen.apply()
        with open_ledger(seen.made.ledger) as database:
            run = find_run(database, "last").run
            database.write(
                (
                    "INSERT INTO switch_overs SELECT run, gateway, ?, 1 FROM endpoints",
                    [(2_000_000_000_000,)],
                )
            )
            put_in_doubt(RunRecord(database, run))
            assert verification_counts(RunRecord(database, run)) is None
            # Not even when the row is set again by a leg that does not look.
            database.write(("UPDATE outcomes SET status = 'applied' WHERE run = ?", [(run,)]))
            assert list(verified_rows(RunRecord(database, run))) == []


@pytest.mark.parametrize(
    ("observer", "reason"),
    [
        ("119:1", "the roster, which has none of agent 119; add the agent as a row with flag 1"),
        ("102:1", "agent 102 is to stop taking calls by this run"),
        ("west/120:1", "there is no gateway 'west' here"),
    ],
)
async def test_observers_who_cannot_see_are_refused_before_anything_is_sent(
    tmp_path: Path, observer: str, reason: str
) -> None:
    async with watched(tmp_path) as seen:
        with pytest.raises(SettingsRefused, match=reason) as refused:
            await seen.apply(verify_with=(observer,))
        assert refused.value.totals is not None
        assert refused.value.totals["not_attempted"] == 11
        assert seen.made.requests == 0
        with open_ledger(seen.made.ledger) as database:
            assert database.all("SELECT * FROM runs") == []


async def test_with_several_gateways_an_observer_says_whose_it_is(tmp_path: Path) -> None:
    async with shift(tmp_path / "", code("100-009", "199")) as made:
        gateways = {
            "east": GatewaySection(url=made.gateway.url),
            "west": GatewaySection(url="https://127.0.0.1:1"),
            "north": GatewaySection(url="https://127.0.0.1:2"),
        }
        guid = made.gateway.sign_in("120")
        roster = tmp_path / "two.csv"
        roster.write_text(f"agent,guid,flag,gateway\n120,{guid},1,east\n103,{guid},0,west\n")

        def asked(*observers: str) -> Any:
            return made.request(
                roster, gateway="", flag=None, gateways=gateways, verify_with=observers
            )

        for observers, reason in (
            (
                ("120:1",),
                "the run is for east, west; write the agent's gateway too, like east/120:1",
            ),
            (("south/120:1",), "no gateway 'south' here; known are east, north, west"),
        ):
            with (
                Run(asked(*observers)) as run,
                pytest.raises(SettingsRefused, match=reason),
            ):
                run.prepare()
        # One configuration serves runs for any of its gateways.
        with Run(asked("east/120:1", "north/120:1", "east/120:01")) as run:
            found = run.prepare().observers
            assert [str(observer) for observer in found] == ["agent 120 for queue 1 on east"]


async def test_a_resume_leaves_observers_of_other_gateways_out_too(tmp_path: Path) -> None:
    async with watched(tmp_path, code("000-004", "103")) as seen:
        gateways = {
            "east": GatewaySection(url=seen.made.gateway.url),
            "west": GatewaySection(url="https://127.0.0.1:1"),
        }
        both = (f"east/{OBSERVER}:1", "west/105:1")
        await seen.apply(gateway="east", gateways=gateways, verify_with=both)
        seen.made.misbehave()
        result = await seen.made.resume()
        assert result.verified == {"yes": 11, "no": 0, "not_visible": 0}


async def test_a_revert_does_not_take_over_observers_whom_it_may_set_back(tmp_path: Path) -> None:
    async with watched(tmp_path) as seen:
        await seen.apply()
        result = await seen.made.revert(assume_opposite=True)
        assert (result.exit_code, result.verified) == (0, None)
        assert seen.made.rights()[str(OBSERVER)] == 0
