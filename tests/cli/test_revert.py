"""`bulkagent revert`: what it shows, asks and answers; what it does is told in tests/run.

Proves --assume-opposite; guide "What a revert sets".
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, Emulated, Ended, bulkagent, emulated, report_of
from tests.cli.test_apply import KEYS, applied_to


def _one_of(gateway: Emulated, name: str, agents: range) -> Path:
    """A roster of some of the gateway's agents."""
    wanted = {str(agent) for agent in agents}
    head, *rows = gateway.roster.read_text().splitlines()
    path = gateway.folder / name
    path.write_text("\n".join([head, *(row for row in rows if row.split(",")[0] in wanted)]))
    return path


def _applied(gateway: Emulated, roster: Path, flag: int) -> None:
    address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file, "--yes"]
    ended = bulkagent(gateway.folder, "apply", roster, "--flag", flag, *address)
    assert ended.code == 0, ended.err


def test_a_revert_shows_its_plan_asks_and_sets_back(tmp_path: Path) -> None:
    """With what the run was given: gateway, certificate, limits."""
    with emulated(tmp_path, "101-110") as gateway:
        _applied(gateway, _one_of(gateway, "up.csv", range(101, 104)), 1)
        _applied(gateway, _one_of(gateway, "down.csv", range(104, 107)), 0)
        run = applied_to(gateway, "--yes", "--json").json["run_id"]
        refused = bulkagent(tmp_path, "revert", "last", "--json")
        assert refused.code == 2
        assert refused.json["state"] == "refused"
        assert "3 agents may take calls on localhost" in refused.err
        assert "3 agents will STOP taking calls on localhost" in refused.err
        assert "--yes" in refused.err
        assert gateway.judge("stats")["requests"] == 16
        assert bulkagent(tmp_path, "runs", "--json").json["runs"][0]["run_id"] == run
        ended = bulkagent(tmp_path, "revert", run[:20], "--yes", "--json")
        assert ended.code == 4, ended.err
        assert set(ended.json) == KEYS
        assert f"a revert of {run}" in ended.err
        assert "will set 6 of 10 agents: 4 whose earlier talk right is not known" in ended.err
        assert ended.json["totals"]["applied"] == 6
        assert ended.json["causes"] == {"previous_unknown": 4}
        assert gateway.set_to(1) == ["101", "102", "103"]
    lines = report_of(tmp_path, ended.json)
    assert [line["flag"] for line in lines] == ["1"] * 3 + ["0"] * 3 + [""] * 4
    assert ended.json["run_id"] in ended.json["reports"][0]


@pytest.mark.matrix
def test_the_opposite_is_assumed_where_that_is_said(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        assert applied_to(gateway, "--yes").code == 0
        assert bulkagent(tmp_path, "revert", "last", "--yes").code == 4
        assert gateway.set_to(1) == []
        first = bulkagent(tmp_path, "runs", "--json").json["runs"][-1]["run_id"]
        ended = bulkagent(tmp_path, "revert", first, "--yes", "--assume-opposite")
        assert ended.code == 0, ended.err
        assert len(gateway.set_to(1)) == 10
        ended = bulkagent(tmp_path, "revert", "last", "--yes", "--trust-state", "1h")
        assert ended.code == 0, ended.err
        assert len(gateway.set_to(0)) == 10


def test_a_revert_of_nothing_known_is_refused(tmp_path: Path) -> None:
    assert bulkagent(tmp_path, "revert", "last").code == 2
    ended = bulkagent(tmp_path, "revert", "2020", "--json")
    assert ended.code == 2
    assert ended.json["state"] == "refused"


def test_a_run_that_was_reverted_and_goes_on_says_so(tmp_path: Path) -> None:
    """`apply --or-resume --quiet`: 0 is this run's own, so a later run's agents are told of."""

    def ended(scenario: str, *words: object) -> Ended:
        faults = ("--scenario", SAMPLES / "scenarios" / f"{scenario}.toml")
        return bulkagent(tmp_path, *words, *faults, "--yes", "--quiet", "--json")

    shift = ("apply", SAMPLES / "evening_shift.csv", "--gateway", "emulated", "--flag")
    assert ended("calm", *shift, 0).code == 0
    run = ended("not_signed_in", *shift, 1).json["run_id"]
    back = ended("calm", "revert", "last").json["run_id"]
    reports = ("--report", "r.json", "--report", "r.html")
    again = ended("calm", *shift, 1, "--or-resume", *reports)
    assert (again.code, again.json["run_id"]) == (0, run)
    assert f"37 agents that this run had set are set otherwise since, by run {back}" in again.err
    assert again.err.startswith("SHORT   40 of 40 agents of evening_shift MAY TAKE calls")
    told = "a later run has set 37 of them otherwise since"
    assert told in again.err.splitlines()[0]
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert told in page.partition("</h1>")[0]
    assert "every agent is as wanted" not in page
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["run"]["set_otherwise"] == {back: 37}
