"""Sessions are held on a loop of another library, which must fail in the same words as asyncio's.

The tests of the client that holds them, once more. Their servers are left to
themselves there: what those have not closed when a test is over is not the client's.

Proves guide "What it costs".
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOP = "BULKAGENT_TEST_LOOP"
FOLDER = Path(__file__).parent
CROSSING = ("test_session_client.py",)


@pytest.mark.matrix
@pytest.mark.skipif(LOOP in os.environ, reason="this is that once more")
def test_they_hold_on_it_too() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly"]
    command += ["-W", "ignore::ResourceWarning", *(str(FOLDER / name) for name in CROSSING)]
    environment = {**os.environ, LOOP: "aiofastnet"}
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    ended = subprocess.run(
        command, cwd=FOLDER.parents[1], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-8000:]
    assert " passed" in ended.stdout
