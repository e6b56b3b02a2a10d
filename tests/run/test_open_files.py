"""A run has room for its connections, or is refused before anything is sent."""

import subprocess
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, SAMPLES, environment
from tests.waiting import HANG_S


@pytest.mark.parametrize(
    ("limits", "concurrency", "code"),
    [("ulimit -n 64", 100, 2), ("ulimit -S -n 64", 100, 0), ("ulimit -n 64", 4, 0)],
)
def test_the_limit_of_open_files(tmp_path: Path, limits: str, concurrency: int, code: int) -> None:
    script = (
        f'{limits}; exec "$0" apply "$1" --flag 0 --gateway emulated --report r.csv'
        f" --concurrency {concurrency}"
    )
    ended = subprocess.run(
        ["/bin/bash", "-c", script, COMMAND, SAMPLES / "evening_shift.csv"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert ("lower --concurrency" in ended.stderr) is (code == 2)
    assert (tmp_path / "r.csv").read_text().startswith("REFUSED") is (code == 2)
