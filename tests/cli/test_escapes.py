"""Control characters, bidi marks and Unicode line ends from a gateway or a ledger are escaped.

In --log-file, --events, --metrics-file, show, runs and everything on stdout, as in reports.
"""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.cli.console.terminal import print_data, print_json
from bulkagent.reports import RunMetrics, encoded, write_metrics
from bulkagent.reports.sanitize import OBEYED
from tests.cli.command import bulkagent, inside

HOSTILE = "\x1b[2J\x07 \u202eoff\u202c \u2028line\u2029 \x85 \x9b1m \x7f \u2066x\u2069 \u061c end"
SCENARIO = """
[[faults]]
kind = "retcode"
retcode = "100-007"
message = "\\u001b[2J\\u0007 \\u202eoff\\u202c \\u2028line\\u2029 \\u0085 \\u009b1m \\u007f \\u2066x\\u2069 \\u061c end"
share = 1.0
"""  # noqa: E501


def _raw(text: str) -> list[str]:
    return [character for line in text.split("\n") for character in OBEYED.findall(line)]


@pytest.mark.matrix
def test_nothing_that_a_gateway_or_a_ledger_says_is_obeyed(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(SCENARIO)
    (tmp_path / "r.csv").write_text("agent_id\n1001\n")
    files = ("--log-file", "log", "--events", "events", "--metrics-file", "m.prom")
    ended = bulkagent(
        *(tmp_path, "apply", "r.csv", "--flag", 0, "--gateway", "emulated", "--json"),
        *("--scenario", "s.toml", "--max-attempts", 1, "--report", "r.json", *files),
    )
    assert ended.code in (3, 4, 6), ended.err
    (ledger,) = (tmp_path / "state").glob("**/*.sqlite3")
    with sqlite3.connect(ledger) as connection:
        connection.execute("UPDATE legs SET note = ?, who = ?, reason = ?", (HOSTILE,) * 3)
    connection.close()
    said = {name: (tmp_path / name).read_text() for name in ("log", "events", "m.prom", "r.json")}
    said |= {"apply --json": ended.out, "apply": ended.err}
    for command in (
        ("show", "last"),
        ("show", "last", "--json"),
        ("show", "last", "--agent", "1001"),
        ("show", "last", "--agent", "1001", "--json"),
        ("runs",),
        ("runs", "--json"),
        ("runs", "--agent", "1001"),
        ("runs", "--agent", "1001", "--json"),
    ):
        done = inside(tmp_path, *command)
        assert done.code == 0, done.err
        said[" ".join(command)] = done.out + done.err
    assert {name: _raw(text) for name, text in said.items() if _raw(text)} == {}
    assert sum("\\u202e" in text for text in said.values()) >= 9, "and none of it is lost"
    attempts = [json.loads(line) for line in said["log"].splitlines()]
    assert HOSTILE in {attempt.get("message") for attempt in attempts}
    assert json.loads(said["show last --json"])["run"]["note"] == HOSTILE


@given(st.text(st.characters() | st.sampled_from(HOSTILE)))
def test_json_is_read_back_to_the_letter(text: str) -> None:
    line = encoded({"text": text, text: 1}).decode()
    assert _raw(line) == []
    assert "\n" not in line
    expected = text.encode("utf-8", "backslashreplace").decode()
    assert json.loads(line) == {"text": expected, expected: 1} or text == "text"


def test_stdout_has_nothing_raw(capsys: pytest.CaptureFixture[str]) -> None:
    print_data(f"first\n{HOSTILE}")
    print_json({"message": HOSTILE})
    first, text, line = capsys.readouterr().out.splitlines()
    assert first == "first"
    assert not _raw(text)
    assert json.loads(line) == {"message": HOSTILE}


def test_labels_of_metrics_have_nothing_raw(tmp_path: Path) -> None:
    path = tmp_path / "m.prom"
    run = RunMetrics(
        run_id=HOSTILE,
        command="apply",
        job=HOSTILE,
        version="1",
        totals={"applied": 1},
        causes={HOSTILE: 1},
        requests=1,
        retries=0,
        not_sent=0,
        started_ms=0,
    )
    write_metrics(path, run)
    assert not _raw(path.read_text())
