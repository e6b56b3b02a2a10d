"""Each sample is run or parsed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import bulkagent
from bulkagent.emulator import load_scenario
from tests.cli.command import environment
from tests.waiting import HANG_S

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.mark.parametrize("scenario", sorted(SAMPLES.glob("scenarios/*.toml")), ids=lambda p: p.name)
def test_a_scenario_is_one_and_says_what_it_shows(scenario: Path) -> None:
    assert load_scenario(scenario).seed is not None
    assert scenario.read_text().startswith("# ")


@pytest.mark.parametrize(("name", "agents"), [("evening_shift.csv", 40), ("centre.csv", 5000)])
def test_a_roster_is_in_order(name: str, agents: int) -> None:
    plan = bulkagent.check(SAMPLES / name, flag=0)
    assert (plan.rows, plan.agents, plan.bad_rows) == (agents, agents, ())


def test_the_python_sample_does_what_the_command_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SAMPLES / "run_from_python.py"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "40 of 40 agents set, report in shift.jsonl\n"
    lines = [json.loads(line) for line in (tmp_path / "shift.jsonl").read_text().splitlines()]
    assert {line["status"] for line in lines} == {"applied"}


def test_every_sample_is_described() -> None:
    described = (SAMPLES / "README.md").read_text()
    for path in SAMPLES.rglob("*"):
        if path.is_file() and path.name != "README.md" and "__pycache__" not in path.parts:
            assert f"`{path.relative_to(SAMPLES)}`" in described
