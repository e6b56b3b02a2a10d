"""What is refused before anything is sent: a sentence, exit 2, and a JSON object if asked for."""

from pathlib import Path

import pytest

from tests.cli.command import SAMPLES, bulkagent

ROSTER = SAMPLES / "evening_shift.csv"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["apply", "no.csv", "--flag", "0", "--gateway", "emulated"], "no.csv"),
        (["apply", ROSTER, "--gateway", "emulated"], "--flag"),
        (["apply", ROSTER, "--flag", "0"], "--gateway"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "east"], "no gateway is called"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "http://x:1"], "https://"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "https://u:pw@x"], "do not belong"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "https://x:1"], "guid column"),
        (["apply", SAMPLES / "messy.csv", "--flag", "0", "--gateway", "emulated"], "column 'flag'"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--rate", "5"], "100/s"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--timeout", "2s"], "longer"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--concurrency", "0"], "1 to"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--report", "x.xml"], ".csv"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--report", "no/x.csv"], "no"),
        (
            ["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--config", "no.toml"],
            "no.toml",
        ),
        (
            ["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--scenario", "no.toml"],
            "no.toml",
        ),
        (["apply", ROSTER, "--flag", "0", "--gateway", "emulated", "--ledger", ROSTER], "--ledger"),
        (["apply", ROSTER, "--flag", "0", "--gateway", "https://x", "--scenario", "x"], "emulated"),
        (
            ["apply", ROSTER, "--flag", "0", "--gateway", "https://x", "--ca-file", "no.pem"],
            "no.pem",
        ),
        (["report", "last", "--to", "x.csv"], "no run"),
        (["report", "2026", "--to", "x.csv"], "no run"),
        (["check", "no.csv"], "no.csv"),
        (["check", SAMPLES / "messy.csv"], "invalid"),
    ],
)
def test_is_refused_with_a_sentence(tmp_path: Path, arguments: list[object], says: str) -> None:
    ended = bulkagent(tmp_path, *arguments, "--json")
    assert ended.code == ended.json["exit_code"] == 2
    assert ended.json["state"] == "refused"
    assert ended.json["run_id"] is None
    assert says in ended.json["error"]
    assert ended.json["error"] in ended.err
    assert "Traceback" not in ended.err
    assert sum(ended.json["totals"].values()) == ended.json["rows"]
    assert not list(tmp_path.glob("*.report.csv"))
    assert "pw" not in ended.err


def test_a_gateway_without_a_configuration_in_the_folder_names_the_folder(tmp_path: Path) -> None:
    """Most often the command was typed in another folder than that of bulkagent.toml."""
    command = ("apply", ROSTER, "--flag", 0, "--gateway", "east")
    elsewhere = bulkagent(tmp_path, *command)
    assert elsewhere.code == 2
    assert f"There is no bulkagent.toml in this folder ({tmp_path})" in elsewhere.err
    assert "--config PATH" in elsewhere.err
    (tmp_path / "bulkagent.toml").write_text('[gateways.west]\nurl = "https://w.test:1"\n')
    there = bulkagent(tmp_path, *command)
    assert "(known: west)" in there.err
    assert "this folder" not in there.err


def test_every_bad_row_is_listed_with_line_column_and_reason(tmp_path: Path) -> None:
    ended = bulkagent(tmp_path, "apply", SAMPLES / "messy.csv", "--gateway", "emulated", "--json")
    assert ended.code == 2
    assert ended.json["rows"] == 18
    assert ended.json["totals"]["invalid"] == len(ended.json["errors"]) == 15
    assert ended.json["errors"][0] == {
        "row": 4,
        "column": "agent_id",
        "reason": "'+1003' has a sign; an agent ID is digits alone",
    }
    for bad in ended.json["errors"]:
        assert f"line {bad['row']}, {bad['column']}: {bad['reason']}" in ended.err


def test_the_terminal_gets_fifty_bad_rows_and_json_all(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("agent\n" + "x\n" * 120)
    ended = bulkagent(tmp_path, "apply", "bad.csv", "--flag", 0, "--gateway", "emulated", "--json")
    assert ended.code == 2
    assert len(ended.json["errors"]) == 120
    assert ended.err.count("line ") == 50
    assert "and 70 more" in ended.err


def test_a_refused_roster_leaves_nothing_in_the_ledger(tmp_path: Path) -> None:
    bulkagent(tmp_path, "apply", SAMPLES / "messy.csv", "--gateway", "emulated")
    assert "no run" in bulkagent(tmp_path, "report", "last", "--to", "x.csv").err


@pytest.mark.parametrize("arguments", [["apply"], ["apply", "x", "--flag", "2"], ["nothing"]])
def test_wrong_usage_is_exit_two(tmp_path: Path, arguments: list[str]) -> None:
    ended = bulkagent(tmp_path, *arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.err


def test_a_defect_is_a_sentence_and_its_traceback_is_kept(tmp_path: Path) -> None:
    """A defect cannot be ordered, so one is put in: a clock that fails."""
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n"
        "def broken():\n"
        "    raise ZeroDivisionError('at 7f3c1b52-9d1e-4c55-8a53-0d2b6f9e4a11')\n"
        "time.time_ns = broken\n"
    )
    arguments = ["apply", ROSTER, "--flag", 0, "--gateway", "emulated"]
    ended = bulkagent(tmp_path, *arguments, surroundings={"PYTHONPATH": str(tmp_path)})
    assert ended.code == 1
    assert "a defect in bulkagent: ZeroDivisionError" in ended.err
    assert "Traceback" not in ended.err
    kept = (tmp_path / "state/bulkagent/defects.log").read_text()
    assert "Traceback" in kept
    assert "ZeroDivisionError: at (redacted)" in kept
