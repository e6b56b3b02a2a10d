"""Memory and CPU of `bulkagent session hold`, with aiofastnet under it and without.

    python -m tests.benchmarks.holding [--agents 5000] [--seconds 120] [--plain]

Signs the agents in at an emulated gateway with dynamic authentication and the vendor's timings,
waits until all are up, and measures the holding alone from there. `--plain` leaves aiofastnet out
where it is installed. What was lost meanwhile is counted, and must be nobody.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

_WITHOUT = "import asyncio, aiofastnet; aiofastnet.loop_factory = lambda: asyncio.new_event_loop; "
_MAIN = "import sys; {}from bulkagent.cli import main; main()"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.holding")
    parser.add_argument("--agents", type=int, default=5_000, help="up to 59899")
    parser.add_argument("--seconds", type=float, default=120.0, help="held after all are up")
    parser.add_argument("--plain", action="store_true", help="without aiofastnet")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        _measure(Path(name), asked.agents, asked.seconds, _WITHOUT if asked.plain else "")


def _measure(folder: Path, agents: int, seconds: float, without: str) -> None:
    python = [sys.executable, "-c", _MAIN.format(without)]
    emulate = ["emulate", "--agents", f"101-{100 + agents}", "--signed-out", "--auth", "dynamic"]
    emulate += ["--ca-out", "ca.pem", "--roster-out", "r.csv"]
    gateway = subprocess.Popen([*python, *emulate], cwd=folder, stdout=subprocess.PIPE, text=True)
    hold: subprocess.Popen[bytes] | None = None
    try:
        if gateway.stdout is None:
            raise RuntimeError("the emulated gateway says nothing")
        url = gateway.stdout.readline().split()[1]
        command = ["session", "hold", "r.csv", "--gateway", url, "--ca-file", "ca.pem", "--yes"]
        command += ["--sessions", "s.jsonl", "--sign-in-rate", "100/s"]
        hold = subprocess.Popen([*python, *command], cwd=folder, stderr=subprocess.DEVNULL)
        process = psutil.Process(hold.pid)
        bare_mb = 0.0
        while _up(folder) < agents:
            bare_mb = bare_mb or _mb(process) * bool(_up(folder))
            time.sleep(1)
        before_s, began = _cpu_s(process), time.monotonic()
        time.sleep(seconds)
        took_s = time.monotonic() - began
        cpu, held_mb = (_cpu_s(process) - before_s) / took_s, _mb(process)
        print(f"{_up(folder):,} of {agents:,} sessions up after {took_s:.0f} s")
        per_session_kb = (held_mb - bare_mb) * 1000 / agents
        print(
            f"memory {held_mb:.0f} MB, {per_session_kb:.0f} KB a session; CPU {cpu:.0%} of a core"
        )
    finally:
        for started in (hold, gateway):
            if started is not None:
                started.terminate()
                started.wait()


def _up(folder: Path) -> int:
    try:
        *lines, _ = (folder / "s.jsonl").read_text().split("\n")  # the last may not be complete
    except FileNotFoundError:
        return 0
    latest = {line["agent_id"]: line["state"] for line in map(json.loads, lines)}
    return list(latest.values()).count("up")


def _mb(process: psutil.Process) -> float:
    return process.memory_info().rss / 1e6


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main(sys.argv[1:])
