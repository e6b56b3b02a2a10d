"""Whole processes, measured by the operating system's own accounting."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec


class Cost(msgspec.Struct, frozen=True):
    """What one finished process cost."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; a failed subject has no cost.
    """
    started = time.perf_counter()
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall_s = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}:\n{text}")
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text)


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
