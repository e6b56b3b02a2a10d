"""Whole processes, measured by the operating system's own accounting.

What may live here: starting one, and what it cost. What this room must not know: what it does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

__all__ = ["COMMAND", "Cost", "emulated_gateway", "measure"]

COMMAND = Path(sys.executable).with_name("bulkagent")
"""The installed command."""
_SHOWN = 2000
_LAUNCHER = Path(__file__).with_name("launcher.py")


class Cost(msgspec.Struct, frozen=True):
    """What one finished process cost, with all that it started and waited for."""

    wall_s: float
    cpu_s: float
    """User and system."""
    peak_mb: float
    """Of the largest process among them."""
    output: Path
    """What it said, both streams; written over by the next one."""
    said: str
    """Its last kilobytes."""


def measure(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; a failed subject has no cost.
    """
    said, result = folder / "output", folder / "cost"
    # An environment that forbids compiled modules pays for compiling all of them at every start.
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    with said.open("wb") as output:
        ended = subprocess.run(
            [sys.executable, "-I", "-S", _LAUNCHER, result, *command],
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        raise RuntimeError(f"{command[:4]} ended with {ended.returncode}:\n{_end_of(said)}")
    wall_s, cpu_s, peak_mb = map(float, result.read_text().split())
    return Cost(wall_s, cpu_s, peak_mb, said, _end_of(said))


def _end_of(said: Path) -> str:
    with said.open("rb") as file:
        file.seek(max(0, said.stat().st_size - _SHOWN))
        return file.read().decode(errors="replace")


@contextlib.contextmanager
def emulated_gateway(folder: Path, agents: int, *more: str) -> Iterator[str]:
    """An emulated gateway in a process of its own; `ca.pem` and `roster.csv` are in the folder."""
    command = [sys.executable, "-m", "bulkagent", "emulate", "--agents", f"101-{100 + agents}"]
    command += ["--ca-out", "ca.pem", "--roster-out", "roster.csv", *more]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            ready = process.stdout.readline() if process.stdout else ""
            if not ready.startswith("ready "):
                raise RuntimeError(f"the emulated gateway did not start: {ready!r}")
            yield ready.split()[1]
        finally:
            process.terminate()
