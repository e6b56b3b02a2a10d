"""Shift changes by the installed command, and the gateway's own history against the rule.

Proves --group-by, --gate, --floor, --override; guide "The rule", "What a group is",
"When a group is held".

README: In a shift change no agent goes off shift before the gate opens.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cli.command import SAMPLES, Emulated, Ended, bulkagent, emulated, report_of, started
from tests.waiting import HANG_S

SAMPLE = SAMPLES / "handover.csv"
TROUBLE = SAMPLES / "scenarios" / "handover_trouble.toml"
GATE, FLOOR = 95, 90
MOMENT = 244
GROUPED = ("--group-by", "team", "--floor", f"{FLOOR}%")


class Row(NamedTuple):
    team: str
    flag: int


class Site:
    """The sample's agents at a gateway whose trouble ends after each one's fourth request."""

    def __init__(self, gateway: Emulated) -> None:
        self.gateway = gateway
        self.folder = gateway.folder
        with gateway.roster.open(newline="") as file:
            guids = {line["agent_id"]: line["guid"] for line in csv.DictReader(file)}
        with SAMPLE.open(newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        self.rows = {line["agent_id"]: Row(line["team"], int(line["flag"])) for line in lines}
        self.roster = self.folder / "handover.csv"
        with self.roster.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*lines[0], "guid"])
            writer.writeheader()
            writer.writerows({**line, "guid": guids[line["agent_id"]]} for line in lines)

    def count(self, team: str, flag: int) -> int:
        return sum(row == (team, flag) for row in self.rows.values())

    def applying(self, *more: object) -> list[object]:
        address = ["--gateway", self.gateway.url, "--ca-file", self.gateway.ca_file]
        limits = ["--rate", "none", "--concurrency", 32, "--yes", "--json"]
        # What a kill leaves in doubt uses slots for twice the time-out.
        limits += ["--timeout", "2s", "--connect-timeout", "1500ms"]
        return ["apply", self.roster, *address, *limits, *GROUPED, *more]

    def apply(self, *more: object) -> Ended:
        return bulkagent(self.folder, *self.applying(*more))

    def resume(self, *more: object) -> Ended:
        return bulkagent(self.folder, "resume", "last", "--yes", "--json", *more)

    def replay(self) -> int:
        """Whether the rule held whenever somebody went off; how often the floor was reached."""
        on: dict[str, set[str]] = {row.team: set() for row in self.rows.values()}
        off: dict[str, set[str]] = {row.team: set() for row in self.rows.values()}
        bound = 0
        for change in self.gateway.judge("history"):
            if change["event"] != "talk_right":
                continue
            agent = change["agent_id"]
            team, flag = self.rows[agent]
            assert change["flag"] == flag
            (on if flag else off)[team].add(agent)
            if flag:
                continue
            coming, going = self.count(team, 1), self.count(team, 0)
            up, down = len(on[team]), len(off[team])
            assert 100 * up >= GATE * coming, f"{agent} went off with {up} of {coming} up"
            assert 100 * (going - down + up) >= FLOOR * going, f"{agent}: {going - down} + {up}"
            bound += down < going and 100 * (going - down - 1 + up) < FLOOR * going
        return bound


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    trouble = 'agents = "2276-2305"\n'
    scenario = TROUBLE.read_text().replace(trouble, f"{trouble}per_agent = 4\n")
    (tmp_path / "scenario.toml").write_text(scenario)
    with emulated(tmp_path, "2001-2580", "--scenario", tmp_path / "scenario.toml") as gateway:
        yield Site(gateway)


def held(lines: Sequence[dict[str, str]], cause: str) -> set[str]:
    return {line["team"] for line in lines if line["cause"] == cause}


def assert_held(site: Site, ended: Ended) -> None:
    assert ended.code == ended.json["exit_code"] == 6, ended.err
    assert ended.json["state"] == "halted"
    assert ended.json["causes"] == {"gate": 85, "gateway_error": 30}
    lines = report_of(site.folder, ended.json)
    assert held(lines, "gate") == held(lines, "gateway_error") == {"Maple"}
    assert (
        "HELD    Maple: 70 of 100 agents coming on shift are up, the gate needs 95;"
        " 0 of 85 agents going off shift are off, 85 stay on" in ended.err
    )
    assert (
        "group   Cedar: 110 of 110 agents coming on shift are up, 95 of 95 agents going off shift"
        in ended.err
    )
    assert ended.json["next"] in ended.err


def test_two_teams_hand_over_the_third_stays_and_is_completed_when_its_trouble_is_gone(
    site: Site,
) -> None:
    page = site.folder / "shift.html"
    ended = site.apply("--report", "shift.csv", "--report", page)
    assert_held(site, ended)
    told = page.read_text(encoding="utf-8")
    (verdict,) = (line[8:] for line in ended.err.splitlines() if line.startswith("HALTED"))
    assert f"<h1><b>HALTED</b> {verdict}</h1>" in told, "the page says the same"
    assert "<b>Maple</b> <span>85 stay on, held by the gate</span>" in told
    assert "<span>70 of 100 are up, the gate needs 95</span>" in told
    assert (
        "order   handover by team, 3 groups: agents coming on shift first; gate 95%, floor 90%"
        in ended.err
    )
    assert site.replay() > 0, "the floor did bind"
    refused = site.resume()
    assert refused.code == 6, "a person must look"
    finished = site.resume("--override", "Maple's part of the gateway is back")
    assert finished.code == 0, finished.err
    assert finished.json["totals"]["applied"] == 580
    site.replay()
    rights = {agent["agent_id"]: agent["talk_right"] for agent in site.gateway.judge("agents")}
    assert rights == {agent: row.flag for agent, row in site.rows.items()}


@pytest.mark.matrix
def test_a_killed_handover_keeps_its_cover_and_its_order(site: Site) -> None:
    """It is killed in the middle, and gone on with to its end."""
    with started(site.folder, *site.applying()) as process:
        while site.gateway.judge("stats")["requests"] < MOMENT and process.poll() is None:
            pass
        process.kill()
        process.communicate(timeout=HANG_S)
    site.replay()
    result: Any = None
    for _ in range(4):
        ended = site.resume("--override", "it was killed on purpose")
        result = ended.json
        site.replay()
        if ended.code == 0:
            break
    assert result["totals"]["applied"] == 580, result
