"""A hundred whole mornings, judged."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_SEEDS = 50
"""Of each part; two, so that they can be lived beside each other."""


@pytest.mark.parametrize("first", [0, _SEEDS])
def test_promises_are_kept_whatever_the_morning_brings(first: int) -> None:
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
