"""The benchmark command runs and prints its ratios; what they are is not for a test."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment
from tests.waiting import HANG_S

REPOSITORY = Path(__file__).parents[1]


@pytest.mark.matrix
def test_the_benchmark_prints_a_line_for_each_latency_and_writes_what_it_measured(
    tmp_path: Path,
) -> None:
    """The part that needs no other program than ours."""
    command = [sys.executable, "-m", "tests.benchmarks", "latency", "--agents", "100"]
    done = subprocess.run(
        [*command, "--pairs", "1", "--json", str(tmp_path / "figures.json")],
        cwd=REPOSITORY,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = re.findall(
        r"^\| (\d+)\.\d ms \| [\d,]+ \| [\d,]+ \| \d\.\d\d \(", done.stdout, re.MULTILINE
    )
    # What was held, in milliseconds: never less than was asked for, and more on a busy machine.
    assert len(lines) == 3
    assert all(int(held) >= asked for held, asked in zip(lines, (5, 20, 100), strict=True))
    measured = json.loads((tmp_path / "figures.json").read_text())
    ran = measured["latency"]["20"]["did"]["bulkagent apply"]
    assert [run["applied"] for run in ran] == [100]


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "nginx", "--agents", "100"]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**environment(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == "nginx is not installed; see the README, Measured"


@pytest.mark.matrix
def test_the_benchmark_of_the_adaptive_limit_prints_a_table_for_each_gateway(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.adapting", "--agents", "300"]
    command += ["--overload-seconds", "2", "--steady-seconds", "2", "--latency", "20"]
    done = subprocess.run(
        [*command, "--concurrency", "16", "auto"],
        cwd=REPOSITORY,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    row = re.compile(r"^\| (16|auto) \| \d[\d,]* \| \d+% \| 1\.\d\d \| ", re.MULTILINE)
    lines = row.findall(done.stdout)
    assert lines == ["16", "auto"] * 2
    assert done.stdout.count("The limit of auto: after ") == 2
