"""`bulkagent emulate`: the sessions that it starts with, and the files that it writes.

Proves --agents, --ca-out, --roster-out, --sessions-out, --signed-out, --password, --auth,
--guid-interval, --guid-timeout, --poll-wait, --poll-timeout, --nodes, --skill; guide "Agents, GUIDs
and nodes".
"""

from __future__ import annotations

import csv
import json
import stat
import time
from pathlib import Path

import pytest

from tests.cli.command import bulkagent, emulated
from tests.waiting import HANG_S

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_agents_that_are_signed_out_have_a_password(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-103", "--signed-out", "--password", "right") as gateway:
        assert rows(gateway.roster)[0] == {
            "agent_id": "101",
            "password": "right",
            "phonenum": "7101",
        }
        assert stat.S_IMODE(gateway.roster.stat().st_mode) == 0o600
        agents = gateway.judge("agents")
        assert [agent["signed_in"] for agent in agents] == [False] * 3
        assert gateway.judge("history") == []


def test_a_roster_for_nodes_has_cookies(tmp_path: Path) -> None:
    with emulated(tmp_path, "101-103", "--nodes", "2") as gateway:
        cookies = [row["cookie"] for row in rows(gateway.roster)]
        assert cookies == ["AGWROUTE=node-1", "AGWROUTE=node-2", "AGWROUTE=node-1"]
        assert [agent["session"]["node"] for agent in gateway.judge("agents")] == [1, 2, 1]


def test_a_sessions_file_is_kept_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    times = ["--guid-interval", "100", "--guid-timeout", "60000"]
    with emulated(tmp_path, "101-103", "--auth", "dynamic", *times, "--sessions-out", path):
        first = path.read_text()
        until = time.monotonic() + HANG_S
        while path.read_text() == first:
            assert time.monotonic() < until
            time.sleep(0.01)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert [line["agent_id"] for line in lines] == ["101", "102", "103"]
        assert set(lines[0]) == {"gateway", "agent_id", "guid", "cookie", "issued_at"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--guid-interval", "120000"], "is not below the GUID timeout"),
        (["--poll-timeout", "0"], "poll_timeout_ms is 0"),
        (["--password", "x" * 33], "give 1 to 32 characters"),
        (["--signed-out", "--sessions-out", "s.jsonl"], "leave one of them out"),
        (["--nodes", "2", "--scenario", SAMPLES / "bad_node.toml"], "`nodes = 2`"),
        (["--sessions-out", "no/s.jsonl"], "give another path"),
        (["--skill", "101-200"], "write each queue once, like 7=101-200,305"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, arguments: list[object], reason: str) -> None:
    ended = bulkagent(tmp_path, "emulate", *arguments)
    assert ended.code == 2
    assert reason in ended.err
    assert "Traceback" not in ended.err
    assert ("would matter with --auth dynamic" in ended.err) == ("--guid-interval" in arguments)
