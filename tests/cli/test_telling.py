"""`runs` and `show`: what the ledger has, for people and for programs.

Proves --limit, --state, --since, --agent; guide "Runs", "Find out what happened",
"One agent gets no calls".
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bulkagent.cli.render.schedule import local_time
from bulkagent.ledger import RunLock
from bulkagent.model import Status
from bulkagent.run import Request, Run, agent_details, run_details, run_list
from bulkagent.settings import Settings
from tests.cli.command import SAMPLES, bulkagent, inside
from tests.run.again import code, shift

ROSTER = SAMPLES / "evening_shift.csv"

LINE = {
    *("run_id", "state", "exit_code", "created_at", "finished_at", "rows", "totals"),
    *(
        "roster",
        "gateway",
        "flag",
        "legs",
        "reverts",
        "job",
        "who",
        "note",
        "on_behalf_of",
        "elapsed_s",
    ),
}
STORY = {
    *("run", "gateways", "requests", "retries", "not_sent", "causes", "clusters", "legs"),
    "next",
}
LEG = {
    *("leg", "command", "started_at", "finished_at", "state", "exit_code", "reason", "override"),
    *("took_over", "drained_for", "who", "note", "on_behalf_of", "consent"),
}
ROW = {"row", "gateway", "flag", "status", "cause", "retcode", "message", "attempts"}
ATTEMPT = {"attempt", "sent_at", "ended", "http_status", "latency_ms", "message"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three agents not signed in, resumed in vain, and reverted."""
    folder = tmp_path_factory.mktemp("telling")
    scenario = SAMPLES / "scenarios/not_signed_in.toml"
    arguments = ["--flag", 0, "--gateway", "emulated", "--scenario", scenario]
    noted = ["--note", "ticket \x1b]0;812"]
    assert bulkagent(folder, "apply", ROSTER, *arguments, *noted).code == 3
    assert bulkagent(folder, "resume", "last", "--note", "once more").code == 3
    assert bulkagent(folder, "revert", "last", "--assume-opposite").code == 0
    return folder


def _json(folder: Path, *arguments: object) -> Any:
    ended = inside(folder, *arguments, "--json")
    assert ended.code == 0, ended.err
    assert ended.err == ""
    return ended.json


def _ledger(folder: Path) -> Path:
    return folder / "state/bulkagent/ledger.sqlite3"


def test_runs_lists_the_latest_first(folder: Path) -> None:
    (revert, apply) = _json(folder, "runs")["runs"]
    assert set(revert) == set(apply) == LINE
    assert set(apply["totals"]) == {status.value for status in Status}
    assert (apply["state"], apply["exit_code"], apply["legs"]) == ("completed", 3, 2)
    assert (apply["rows"], apply["totals"]["applied"]) == (40, 37)
    assert (apply["gateway"], apply["flag"], apply["reverts"]) == ("emulated", 0, None)
    assert apply["roster"] == str(ROSTER)
    assert (revert["reverts"], revert["rows"]) == (apply["run_id"], 37)
    assert _json(folder, "runs", "--limit", 1)["runs"] == [revert]


def test_runs_is_a_table_for_people(folder: Path) -> None:
    ended = inside(folder, "runs")
    heads, revert, apply = ended.out.splitlines()
    assert heads.split() == [
        *("run", "state", "exit", "applied", "of", "flag", "took", "gateway", "roster", "who"),
        "note",
    ]
    assert "completed (2 legs)" in apply
    assert "revert of" in revert
    assert str(ROSTER) in apply
    assert apply.endswith(r"ticket \x1b]0;812")


def test_runs_can_be_narrowed_down(folder: Path) -> None:
    revert, apply = _json(folder, "runs")["runs"]
    for arguments, found in (
        (["--flag", 0], [apply]),
        (["--flag", 1], []),
        (["--gateway", "emulated"], [revert, apply]),
        (["--gateway", "east"], []),
        (["--since", "1h"], [revert, apply]),
        (["--since", "1ms"], []),
        (["--state", "completed", "--limit", 1], [revert]),
        (["--state", "halted"], []),
        (["--job", "nightly"], []),
    ):
        assert _json(folder, "runs", *arguments)["runs"] == found, arguments
    assert inside(folder, "runs", "--state", "halted").err == (
        f"the ledger {_ledger(folder)} has no such run\n"
    )
    assert inside(folder, "runs", "--since", "yesterday").code == 2
    both = inside(folder, "runs", "--agent", 1007, "--flag", 0, "--gateway", "east")
    assert both.code == 2
    assert "leave out --gateway and --flag\n" in both.err


def test_an_agent_is_followed_through_all_runs(folder: Path) -> None:
    revert, apply = (run["run_id"] for run in _json(folder, "runs")["runs"])
    told = _json(folder, "runs", "--agent", 1001)
    assert told["agent_id"] == "1001"
    later, earlier = told["runs"]
    assert (later["run_id"], later["flag"], later["status"]) == (revert, "1", "applied")
    assert (earlier["run_id"], earlier["flag"], earlier["status"]) == (apply, "0", "applied")
    assert later["at"] > earlier["at"]
    assert later["who"] == earlier["who"]
    (failed,) = _json(folder, "runs", "--agent", 1007)["runs"]
    assert (failed["status"], failed["cause"], failed["attempts"]) == (
        *("failed", "not_signed_in"),
        2,
    )
    assert _json(folder, "runs", "--agent", 1001, "--limit", 1)["runs"] == [later]
    heads, first, _ = inside(folder, "runs", "--agent", 1001).out.splitlines()
    assert heads.split()[:5] == ["at", "run", "gateway", "flag", "status"]
    assert first.startswith(f"{local_time(later['at'])}  {revert}  ")
    assert first.split()[4:7] == ["emulated", "1", "applied"]
    nobody = inside(folder, "runs", "--agent", "4711\x1b")
    assert (nobody.code, nobody.out) == (0, "")
    assert nobody.err == (
        f"no run in the ledger {_ledger(folder)} names agent 4711\\x1b. A job may have a ledger of"
        " its own: name it with --ledger PATH\n"
    )


def test_who_began_a_leg_and_what_they_noted_is_kept(folder: Path) -> None:
    apply = _json(folder, "runs")["runs"][1]
    assert "@" in apply["who"]
    assert apply["note"] == "ticket \x1b]0;812"
    first, second = _json(folder, "show", apply["run_id"])["legs"]
    assert (first["note"], second["note"]) == (apply["note"], "once more")
    assert first["who"] == second["who"] == apply["who"]
    told = inside(folder, "show", apply["run_id"]).out
    assert f"who     {apply['who']}" in told
    assert r"note    ticket \x1b]0;812" in told
    assert "        note: once more" in told


def test_show_tells_a_run_with_every_leg(folder: Path) -> None:
    revert, apply = _json(folder, "runs")["runs"]
    details = _json(folder, "show", apply["run_id"])
    assert set(details) == STORY
    assert details["run"] == apply
    assert details["gateways"] == {"emulated": "emulated"}
    assert (details["requests"], details["retries"]) == (43, 3)
    assert details["causes"] == {"not_signed_in": 3}
    assert details["next"] == f"bulkagent resume {apply['run_id']}"
    assert details["clusters"] == [
        {
            "status": "failed",
            "cause": "not_signed_in",
            "count": 3,
            "agents": ["1007", "1019", "1033"],
        }
    ]
    assert [set(leg) for leg in details["legs"]] == [LEG, LEG]
    assert [leg["command"] for leg in details["legs"]] == ["apply", "resume"]
    assert [leg["exit_code"] for leg in details["legs"]] == [3, 3]
    ended = inside(folder, "show", apply["run_id"])
    assert f"run     {apply['run_id']}: completed, exit 3" in ended.out
    assert "leg 2   resume, " in ended.out
    assert "3 failed" in ended.out
    assert "3 x not_signed_in: 1007, 1019, 1033" in ended.out
    assert f"revert  of {apply['run_id']}" in inside(folder, "show", "last").out
    assert revert["reverts"] == apply["run_id"]


def test_show_tells_an_agent_with_every_attempt(folder: Path) -> None:
    apply = _json(folder, "runs")["runs"][1]["run_id"]
    details = _json(folder, "show", apply, "--agent", 1007)
    (row,) = details["rows"]
    assert (details["run_id"], details["agent_id"]) == (apply, "1007")
    assert set(row) == ROW
    assert (row["row"], row["status"], row["cause"]) == (8, "failed", "not_signed_in")
    assert row["retcode"] == "100-006"
    assert [set(attempt) for attempt in row["attempts"]] == [ATTEMPT, ATTEMPT]
    assert [attempt["attempt"] for attempt in row["attempts"]] == [1, 2]
    assert {attempt["ended"] for attempt in row["attempts"]} == {"100-006"}
    assert {attempt["http_status"] for attempt in row["attempts"]} == {200}
    ended = inside(folder, "show", apply, "--agent", 1007)
    agent, line, first, second = ended.out.splitlines()
    assert agent == f"agent   1007 in run {apply}"
    assert " ".join(line.split()) == "row 8 emulated, flag 0: failed, not_signed_in (100-006)"
    for number, text in enumerate((first, second), start=1):
        assert text.split()[0] == str(number)
        assert "100-006, HTTP 200, " in text
        assert " ms" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "2020"], "no run '2020'"),
        (["show", "1007"], "is it an agent ID? Then type `bulkagent runs --agent 1007`"),
        (["show", "last", "--agent", 4711], "(last) has no agent 4711; `bulkagent runs --agent"),
        (["show", "last", "--agent", "x\x1b]0;y"], "no agent x"),
        (["runs", "--ledger", "."], "ledger"),
    ],
)
def test_what_is_not_there_is_said_so(folder: Path, arguments: list[object], said: str) -> None:
    ended = inside(folder, *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert said in ended.err
    assert "\x1b" not in ended.err


def test_without_any_run_there_is_nothing_to_list(tmp_path: Path) -> None:
    ended = inside(tmp_path, "runs")
    assert (ended.code, ended.out, ended.err) == (
        0,
        "",
        f"the ledger {_ledger(tmp_path)} has no run yet\n",
    )
    assert _json(tmp_path, "runs") == {"runs": []}
    assert inside(tmp_path, "show", "last").code == 2


def test_a_run_is_running_while_a_process_owns_it_and_interrupted_after(tmp_path: Path) -> None:
    ledger = tmp_path / "state/bulkagent/ledger.sqlite3"
    request = Request(
        roster=str(ROSTER), gateway="emulated", flag=0, settings=Settings(ledger=ledger)
    )
    copy = tmp_path / "copy.sqlite3"
    with Run(request) as run:
        run_id = run.prepare().plan.run_id
        (line,) = _json(tmp_path, "runs")["runs"]
        assert (line["state"], line["exit_code"], line["finished_at"]) == ("running", None, None)
        assert line["totals"]["not_attempted"] == 40
        assert f"{run_id}: running\n" in inside(tmp_path, "show", "last").out
        shutil.copyfile(ledger, copy)  # what a kill would leave
    (line,) = _json(tmp_path, "runs", "--ledger", copy)["runs"]
    assert (line["state"], line["exit_code"]) == ("interrupted", 5)
    lock = RunLock(copy, run_id)
    assert [x.state for x in run_list(copy, 9)] == ["running"]
    lock.release()
    assert [x.state for x in run_list(copy, 9)] == ["interrupted"]
    assert _json(tmp_path, "runs") == {"runs": []}, "discarded, for nobody agreed"


async def test_an_override_and_a_reason_are_told_with_their_leg(tmp_path: Path) -> None:
    async with shift(tmp_path, code("000-003")) as made:
        await made.apply(halt_first=3)
        made.misbehave()
        await made.resume(override="fresh GUIDs, \x1b[31mAna")
    details = run_details(made.ledger, "last")
    assert details.legs[0].reason is not None
    assert "the first 3 on" in details.legs[0].reason
    assert [leg.override for leg in details.legs] == [None, "fresh GUIDs, \x1b[31mAna"]
    assert (details.run.state, details.run.exit_code, details.requests) == ("completed", 0, 13)
    ended = inside(tmp_path, "show", "last", "--ledger", made.ledger)
    assert "overridden: fresh GUIDs, " in ended.out
    assert "the first 3 on" in ended.out
    assert "\x1b" not in ended.out


async def test_rows_that_were_never_sent_have_no_attempts(tmp_path: Path) -> None:
    """Every row that names the agent is told, also the duplicate."""
    async with shift(tmp_path) as made:
        made.write([101, 102], more=["101,x,"])
        await made.apply()
    one, two = agent_details(made.ledger, "last", "101").rows
    assert (one.row, one.status, len(one.attempts)) == (2, "applied", 1)
    assert (two.row, two.status, two.cause, two.attempts) == (4, "duplicate", "repeated_row", ())
    assert json.dumps(two.message)
