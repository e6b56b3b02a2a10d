"""The benchmark command runs and prints its ratios; what they are is not for a test."""

import re
import subprocess
import sys
from pathlib import Path

from tests.cli.command import HANG_S, environment

REPOSITORY = Path(__file__).parents[1]


def test_the_benchmark_prints_a_ratio_for_each_figure(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--agents", "200", "--pairs", "1"],
        cwd=REPOSITORY,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = re.findall(
        r"^(CPU per agent|wall|peak memory).* \d+\.\d\d \(", done.stdout, re.MULTILINE
    )
    assert figures == ["CPU per agent", "wall", "peak memory"]


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
