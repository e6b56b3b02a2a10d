"""A disk that runs full in the middle of a run: what cannot be recorded is not sent."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import (
    COMMAND,
    SAMPLES,
    Emulated,
    bulkagent,
    emulated,
    environment,
    report_of,
)
from tests.waiting import HANG_S

# In blocks of 512 bytes, for any one file: the plan fits in, the outcomes of 2,500 agents do not.
# Two files grow, so no other number is exact, and none needs to be.
LIMIT = 900
AGENTS = 2_500


def apply_to(gateway: Emulated, limit: int) -> subprocess.CompletedProcess[str]:
    arguments = ["apply", gateway.roster, "--flag", 0, "--gateway", gateway.url, "--yes", "--json"]
    arguments += ["--ca-file", gateway.ca_file, "--rate", "none", "--report", "report.csv"]
    # What ends in doubt uses slots for twice the time-out.
    arguments += ["--timeout", "2s", "--connect-timeout", "1500ms"]
    script = f'ulimit -f {limit}; exec "$0" "$@"'
    return subprocess.run(
        ["/bin/sh", "-c", script, COMMAND, *map(str, arguments)],
        cwd=gateway.folder,
        env=environment(gateway.folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


@pytest.mark.matrix
def test_what_cannot_be_recorded_is_not_sent_and_a_resume_finishes_it(tmp_path: Path) -> None:
    scenario = SAMPLES / "scenarios/calm.toml"
    with emulated(tmp_path, f"101-{100 + AGENTS}", "--scenario", scenario) as gateway:
        ended = apply_to(gateway, LIMIT)
        assert ended.returncode == 5, ended.stderr
        result = json.loads(ended.stdout)
        assert result["state"] == "interrupted"
        assert "takes no more records" in result["error"]
        assert "free space" in result["error"]
        assert result["next"] == f"bulkagent resume {result['run_id']}"
        assert sum(result["totals"].values()) == AGENTS
        by_status: dict[str, set[str]] = {}
        for line in report_of(tmp_path, result):
            by_status.setdefault(line["status"], set()).add(line["agent_id"])
        assert set(by_status) <= {"applied", "unknown", "not_attempted"}
        assert by_status["not_attempted"]
        done = set(gateway.set_to(0))
        assert by_status["applied"] <= done
        assert done <= by_status["applied"] | by_status.get("unknown", set())
        resumed = bulkagent(tmp_path, "resume", "last", "--yes", "--json")
        assert resumed.code == 0, resumed.err
        assert resumed.json["run_id"] == result["run_id"]
        assert resumed.json["reports"] == [str(tmp_path / "report.csv")]
        assert len(gateway.set_to(0)) == AGENTS


def test_a_plan_that_does_not_fit_sends_nothing(tmp_path: Path) -> None:
    with emulated(tmp_path, f"101-{100 + AGENTS}") as gateway:
        ended = apply_to(gateway, 300)
        assert ended.returncode == 2, ended.stderr
        assert "nothing was sent" in ended.stderr
        assert gateway.judge("stats")["requests"] == 0
        assert "no run" in bulkagent(tmp_path, "report", "last", "--to", "x.csv").err
