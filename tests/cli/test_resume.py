"""`bulkagent resume`: what it shows, asks and answers; what it does is told in tests/run.

Proves --only, --max-attempts, --retry-for, --override, --max-age, --roster; guide "Resume".
"""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path

import pytest

from tests.cli.command import (
    SAMPLES,
    Emulated,
    Ended,
    bulkagent,
    emulated,
    report_of,
    started,
)
from tests.cli.terminal import at_a_terminal, shown_until
from tests.cli.test_apply import KEYS, applied_to
from tests.waiting import HANG_S

SLOW = '[latency]\ndistribution = "fixed"\nmilliseconds = 60000\n'


def _stopped(gateway: Emulated, *more: object) -> Ended:
    """A run of which some are left, because one attempt was not enough."""
    ended = applied_to(
        gateway, "--yes", "--json", "--max-attempts", 1, "--retry-for", "none", *more
    )
    assert ended.code == 3, ended.err
    return ended


FAULTS = """
[[faults]]
kind = "retcode"
retcode = "000-004"
share = 1.0
agents = "101-102"
per_agent = 1
[[faults]]
kind = "reset_after"
share = 1.0
agents = "103"
per_agent = 1
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "faulty.toml"
    path.write_text(FAULTS)
    return path


def test_a_resume_shows_its_plan_asks_and_goes_on(tmp_path: Path, faulty: Path) -> None:
    """From another folder, with what the run was given: gateway, certificate, report."""
    (tmp_path / "elsewhere").mkdir()
    with emulated(tmp_path, "101-110", "--scenario", faulty) as gateway:
        first = _stopped(gateway)
        assert first.json["next"] == f"bulkagent resume {first.json['run_id']}"
        ledger = ["--ledger", tmp_path / "state/bulkagent/ledger.sqlite3"]
        refused = bulkagent(tmp_path / "elsewhere", "resume", "last", *ledger, "--json")
        assert (refused.code, refused.json["state"]) == (2, "refused")
        assert refused.json["totals"] == first.json["totals"]
        assert "will set 3 of 10 agents: 2 that failed before, 1 unknown" in refused.err
        assert "3 agents will STOP taking calls on localhost" in refused.err
        assert gateway.judge("stats")["requests"] == 10
        ended = bulkagent(tmp_path / "elsewhere", "resume", "last", *ledger, "--yes", "--json")
        assert ended.code == 0, ended.err
        assert set(ended.json) == KEYS
        assert ended.json["run_id"] == first.json["run_id"]
        assert (ended.json["requests"], ended.json["retries"]) == (13, 3)
        assert "DONE    10 of 10 agents of " in ended.err
        assert "; now 3 agents set in " in ended.err
        agents = gateway.judge("agents")
        assert [agent["times_set"] for agent in agents] == [1, 1, 2, *[1] * 7]
    (path,) = ended.json["reports"]
    assert Path(tmp_path, path).resolve() == Path(tmp_path, first.json["reports"][0]).resolve()
    assert [line["attempts"] for line in report_of(tmp_path, ended.json)[:4]] == list("2221")


def test_only_some_causes_are_taken(tmp_path: Path, faulty: Path) -> None:
    with emulated(tmp_path, "101-110", "--scenario", faulty) as gateway:
        _stopped(gateway)
        wrong = bulkagent(tmp_path, "resume", "last", "--only", "timeot", "--yes")
        assert wrong.code == 2
        assert "timeot" in wrong.err
        ended = bulkagent(tmp_path, "resume", "last", "--only", "timeout, reset", "--yes", "--json")
        assert (ended.code, ended.json["causes"]) == (3, {"switch_over": 2})
        assert "will set 1 of 10 agents: 1 unknown" in ended.err
        assert gateway.judge("stats")["requests"] == 11


def test_what_was_typed_goes_over_the_run_and_that_over_environment_and_file(
    tmp_path: Path,
) -> None:
    (tmp_path / "always.toml").write_text(
        '[[faults]]\nkind = "retcode"\nretcode = "000-004"\nshare = 1.0\n'
    )
    (tmp_path / "bulkagent.toml").write_text("max_attempts = 7\n")
    surroundings = {"BULKAGENT_MAX_ATTEMPTS": "5"}
    with emulated(tmp_path, "101-101", "--scenario", "always.toml") as gateway:
        _stopped(gateway)
        command = ["resume", "last", "--yes", "--json"]
        ended = bulkagent(tmp_path, *command, surroundings=surroundings)
        assert ended.json["requests"] == 1 + 1, "the run's own"
        ended = bulkagent(
            tmp_path,
            *command,
            "--max-attempts",
            2,
            "--retry-for",
            "none",
            surroundings=surroundings,
        )
        assert ended.json["requests"] == 1 + 1 + 2, "what was typed"


def test_a_run_under_way_is_refused_to_a_second_process_and_free_after_a_kill(
    tmp_path: Path,
) -> None:
    (tmp_path / "slow.toml").write_text(SLOW)
    with emulated(tmp_path, "101-110", "--scenario", "slow.toml") as gateway:
        address = ["--gateway", gateway.url, "--ca-file", gateway.ca_file, "--yes"]
        # Nothing is overdue however long the commands below take.
        limits = ["--concurrency", 4, "--timeout", "60s"]
        apply = ["apply", gateway.roster, "--flag", 0, *address, *limits]
        with started(tmp_path, *apply) as process:
            while gateway.judge("stats")["in_flight"] < 4:
                assert process.poll() is None
            (line,) = bulkagent(tmp_path, "runs", "--json").json["runs"]
            assert (line["state"], line["exit_code"]) == ("running", None)
            again = ["resume", "last", "--yes"], [*apply, "--or-resume"], ["revert", "last"]
            for command in again:
                refused = bulkagent(tmp_path, *command, "--json")
                assert (refused.code, refused.json["state"]) == (5, "refused")
                assert "another process" in refused.err
            assert gateway.judge("stats")["requests"] == 4
            process.kill()
            process.communicate(timeout=HANG_S)
        (line,) = bulkagent(tmp_path, "runs", "--json").json["runs"]
        assert (line["state"], line["exit_code"]) == ("interrupted", 5)
        assert line["totals"]["unknown"] == 4
        # Four slots are still used by what the kill left in doubt.
        more = ["--concurrency", 8, "--max-attempts", 1, "--retry-for", "1ms"]
        resume = ["resume", "last", "--yes", "--json", *more]
        with started(tmp_path, *resume) as process:
            while gateway.judge("stats")["requests"] < 8:
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.stderr is not None
            while "stopping" not in process.stderr.readline():
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANG_S)
        assert process.returncode == 130, err
        assert json.loads(out)["requests"] == 8
        assert json.loads(out)["totals"]["unknown"] == 4


def test_an_orchestrator_goes_on_with_the_same_command(tmp_path: Path, faulty: Path) -> None:
    with emulated(tmp_path, "101-110", "--scenario", faulty) as gateway:
        options = ["--or-resume", "--yes", "--json", "--max-attempts", 1, "--retry-for", "none"]
        first, second, third = (applied_to(gateway, *options) for _ in range(3))
        assert [first.code, second.code, third.code] == [3, 0, 0]
        assert first.json["run_id"] == second.json["run_id"] != third.json["run_id"]
        assert "will set 3 of 10 agents" in second.err
        assert gateway.judge("stats")["requests"] == 13 + 10


def _halted(gateway: Emulated) -> Ended:
    """A run with stale GUIDs, which have been seen to since."""
    roster = gateway.roster.read_text()
    stale = [line.split(",")[0] + ",stale" for line in roster.splitlines()[1:]]
    gateway.roster.write_text("\n".join(["agent_id,guid", *stale]))
    halted = applied_to(gateway, "--yes", "--json")
    assert (halted.code, halted.json["state"]) == (6, "halted")
    gateway.roster.write_text(roster)
    return halted


@pytest.mark.parametrize(("answer", "code", "applied"), [("yes", 0, 10), ("n", 2, 0)])
def test_a_person_answers_for_a_halted_run(
    tmp_path: Path, answer: str, code: int, applied: int
) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        _halted(gateway)
        process, ours = at_a_terminal(tmp_path, ["resume", "last", "--yes"])
        shown = shown_until(ours, b"[y/N]")
        assert "This run was halted" in shown
        assert "10 agents will STOP taking calls on localhost:" in shown
        os.write(ours, f"{answer}\n".encode())
        shown += shown_until(ours, b"")
        assert process.wait(HANG_S) == code, shown
        os.close(ours)
        assert len(gateway.set_to(0)) == applied
    (leg, *more) = bulkagent(tmp_path, "show", "last", "--json").json["legs"]
    assert leg["override"] is None
    assert [leg["override"] for leg in more] == ["answered at the terminal"] * (code == 0)
    assert [at["consent"] for at in (leg, *more)] == ["yes", "terminal"][: 1 + (code == 0)]


def test_yes_does_not_answer_for_a_halted_run(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        halted = _halted(gateway)
        requests = gateway.judge("stats")["requests"]
        refused = bulkagent(tmp_path, "resume", "last", "--yes", "--json")
        assert (refused.code, refused.json["state"]) == (6, "refused")
        assert refused.json["totals"] == halted.json["totals"]
        assert f"run {halted.json['run_id']} was halted: " in refused.err
        assert "HALTED" not in refused.err
        assert "--override REASON" in refused.err
        assert refused.err.endswith("\nmore    bulkagent guide resume\n")
        assert gateway.judge("stats")["requests"] == requests
        log = tmp_path / "log.jsonl"
        override = ["--override", "fresh GUIDs", "--yes", "--log-file", log]
        ended = bulkagent(tmp_path, "resume", "last", *override)
        assert ended.code == 0, ended.err
        assert "HALTED" not in ended.err
        below = ended.err.partition("DONE    10 of 10 agents of ")[2]
        assert re.search(r"\nnote    was halted \d\d:\d\d:\d\d [A-Z]+: the first ", below)
        assert len(gateway.set_to(0)) == 10
    assert "overridden: fresh GUIDs" in bulkagent(tmp_path, "show", "last").out
    assert log.read_text().count("setTalkRight") == 10


def test_a_log_that_breaks_is_warned_about(tmp_path: Path, faulty: Path) -> None:
    with emulated(tmp_path, "101-110", "--scenario", faulty) as gateway:
        _stopped(gateway)
        ended = bulkagent(tmp_path, "resume", "last", "--yes", "--log-file", "/dev/full")
        assert ended.code == 0, ended.err
        assert "WARNING the log /dev/full is not complete" in ended.err
        refused = bulkagent(tmp_path, "resume", "last", "--yes", "--log-file", "none/log.jsonl")
        assert refused.code == 2
        assert "--log-file" in refused.err


def test_a_resume_of_a_rehearsal_with_nothing_left_ends_as_the_run_stands(tmp_path: Path) -> None:
    rehearsal = (SAMPLES / "evening_shift.csv", "--flag", 0, "--gateway", "emulated")
    assert bulkagent(tmp_path, "apply", *rehearsal).code == 0
    for more in ((), ("--only", "timeout")):
        again = bulkagent(tmp_path, "resume", "last", "--yes", "--json", *more)
        assert (again.code, again.json["state"]) == (0, "completed"), again.err
        assert again.json["requests"] == 40
