"""`check`, `report`, `emulate`, and what all commands have in common.

Proves --to, --host, --port, --encoding; guide "Formats and places", "Report columns", "What a job
prints".
"""

import json
import re
import signal
import stat
from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, bulkagent, emulated, started
from tests.waiting import HANG_S


def test_check_says_what_would_be_sent(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, "check", SAMPLES / "centre.csv", "--flag", 0, "--json")
    assert ended.code == 0, ended.err
    assert ended.json["rows"] == ended.json["totals"]["not_attempted"] == 5000
    assert ended.json["errors"] == [] if "errors" in ended.json else True
    assert "5,000 agents will STOP taking calls" in ended.err
    assert "nothing was sent" not in ended.err.lower(), "a check never sends"
    assert not (tmp_path / "state").exists(), "a check records nothing"


def test_check_needs_neither_flag_nor_guids_nor_gateway(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, "check", SAMPLES / "evening_shift.csv")
    assert ended.code == 0, ended.err
    assert ended.out == ""


def test_check_skipping_invalid_rows_lists_them_and_is_content(tmp_path: Path) -> None:
    arguments = ["check", SAMPLES / "messy.csv", "--gateway", "emulated", "--skip-invalid", 15]
    ended = bulkagent(tmp_path, *arguments, "--json")
    assert ended.code == 0
    assert len(ended.json["errors"]) == ended.json["totals"]["invalid"] == 15


def test_check_announces_how_it_read_the_file(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("工号;姓名\n101;安\n102;白\n", encoding="gb18030")
    refused = bulkagent(tmp_path, "check", "export.csv")
    assert refused.code == 2
    assert "--encoding gb18030" in refused.err
    ended = bulkagent(tmp_path, "check", "export.csv", "--encoding", "gb18030")
    assert ended.code == 0, ended.err
    assert "semicolon-separated" in ended.err
    assert "agent column '工号'" in ended.err


def test_report_writes_a_run_again_in_any_format(tmp_path: Path) -> None:
    arguments = ["--flag", 1, "--gateway", "emulated", "--report", "first.csv", "--json"]
    run = bulkagent(tmp_path, "apply", SAMPLES / "evening_shift.csv", *arguments).json
    again = bulkagent(tmp_path, "report", "last", "--to", "again.csv")
    assert again.code == 0, again.err
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()
    ended = bulkagent(tmp_path, "report", run["run_id"], "--to", "again.json", "--json")
    assert ended.json["totals"] == run["totals"]
    assert ended.json["run_id"] == run["run_id"]
    document = json.loads((tmp_path / "again.json").read_text())
    assert document["run"]["run_id"] == run["run_id"]
    assert len(document["lines"]) == 40


def test_a_run_that_was_killed_has_a_true_report(tmp_path: Path) -> None:
    scenario = tmp_path / "slow.toml"
    scenario.write_text('[latency]\ndistribution = "fixed"\nmilliseconds = 50\n')
    with emulated(tmp_path, "101-1100", "--scenario", scenario) as gateway:
        arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes"]
        arguments += ["--ca-file", gateway.ca_file, "--rate", "none"]
        with started(tmp_path, *arguments) as process:
            while gateway.judge("stats")["requests"] < 100:
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=HANG_S)
        ended = bulkagent(tmp_path, "report", "last", "--to", "after.jsonl", "--json")
        assert ended.code == 0, ended.err
        assert (ended.json["state"], ended.json["exit_code"]) == ("interrupted", 5)
        lines = [json.loads(line) for line in (tmp_path / "after.jsonl").read_text().splitlines()]
        status = {line["agent_id"]: line["status"] for line in lines}
        changed = set(gateway.set_to(0))
        assert len(lines) == 1000
        assert {agent for agent in status if status[agent] == "applied"} <= changed
        assert changed <= {agent for agent in status if status[agent] in {"applied", "unknown"}}
        assert sum(1 for agent in status if status[agent] == "unknown") <= 16


def test_emulate_writes_its_roster_for_its_owner_alone(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-110") as gateway:
        assert stat.S_IMODE(gateway.roster.stat().st_mode) == 0o600
        assert gateway.roster.read_text().splitlines()[0] == "agent_id,guid"
        assert len(gateway.judge("agents")) == 10
        assert gateway.judge("history")[0]["event"] == "sign_in"


def test_emulate_says_what_is_wrong(tmp_path: Path) -> None:
    for arguments in (["--agents", "5-1"], ["--ca-out", "no/ca.pem"], ["--host", "192.0.2.1"]):
        ended = bulkagent(tmp_path, "emulate", *arguments)
        assert ended.code == 2, arguments
        assert ended.err.startswith("bulkagent: ")
        assert "Traceback" not in ended.err


def test_help_and_version_answer(tmp_path: Path) -> None:
    for command in ([], ["check"], ["apply"], ["report"], ["emulate"]):
        ended = bulkagent(tmp_path, *command, "--help")
        assert ended.code == 0
        assert "Usage: bulkagent" in ended.out
    assert re.fullmatch(r"bulkagent \d+\.\d+\.\d+\n", bulkagent(tmp_path, "--version").out)


@pytest.mark.parametrize(
    ("roster", "more", "code"),
    [
        ("agent_id\n1001\n", (), 0),
        ("agent_id\nSumme\n", (), 2),
        ("agent_id\nSumme\n", ("--skip-invalid",), 2),
        ("agent_id\n1001\nSumme\n", (), 2),
        ("agent_id\n1001\nSumme\n", ("--skip-invalid",), 0),
        ("agent_id\n1001\nSumme\n", ("--skip-invalid", "0"), 2),
        ("agent_id\n1001\n", ("--protect", "nowhere.csv"), 2),
        ("name\n1001\n", (), 2),
        ("", (), 2),
    ],
)
def test_check_never_says_that_nothing_was_sent(
    tmp_path: Path, roster: str, more: tuple[str, ...], code: int
) -> None:
    """`check` sends nothing whatever it finds, so there is nothing to reassure of."""
    (tmp_path / "r.csv").write_text(roster)
    ended = bulkagent(tmp_path, "check", "r.csv", *more)
    assert ended.code == code, ended.err
    assert "nothing was sent" not in ended.err.lower()


def test_the_command_alone_shows_the_first_three_commands(tmp_path: Path) -> None:
    """`bulkagent` alone: what to type first, and each of them is a command that there is."""
    ended = bulkagent(tmp_path)
    assert (ended.code, ended.out) == (2, "")
    shown = [line.split()[1:] for line in ended.err.splitlines() if line.startswith("  bulkagent ")]
    assert [first for first, *_ in shown] == ["check", "apply", "guide"]
    (tmp_path / "shift.csv").write_text("agent_id\n1001\n1002\n")
    for words in shown:
        assert bulkagent(tmp_path, *words).code == 0, words
    assert "bulkagent --help" in ended.err
