"""A hundred whole mornings, judged: some that stay the same, and some that nobody has seen."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

import pytest

_SEEDS = 50
"""Of each."""


@pytest.mark.parametrize("begin", [0, None], ids=["the same", "new ones"])
def test_promises_are_kept_whatever_the_morning_brings(begin: int | None) -> None:
    first = secrets.randbelow(1_000_000_000) if begin is None else begin
    lived = subprocess.run(
        [
            *(sys.executable, "-m", "tests.simulation", "--jobs", "1", "--shrink", "0"),
            *("--seeds", str(_SEEDS), "--from", str(first)),
        ],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
        capture_output=True,
        text=True,
    )
    sys.stdout.write(lived.stdout)
    assert lived.returncode == 0, f"seeds from {first} on:\n{lived.stdout}{lived.stderr}"
    assert f"{_SEEDS} mornings from seed {first} on" in lived.stdout
