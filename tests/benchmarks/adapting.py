"""What `--concurrency auto` reaches beside fixed numbers, as Markdown tables.

    python -m tests.benchmarks.adapting [--overload-seconds 8] [--steady-seconds 30]

What may live here: the runs that make up a table, and its lines. What this room must not know:
by what rules the limit moves; it is read from the log, as an operator would.

Two gateways: the overload scenario of the samples, which collapses beyond 50 in flight, so that
too much is as wrong as too little; and one of a fixed latency, where only more is right, and two
cores are not yet the limit. Every run gets the same time and not the same agents: a bad number
would take minutes for them. Every run writes the log that only `auto` needs, since it costs time.
"""

import argparse
import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.benchmarks.processes import emulated_gateway

COMMAND = Path(sys.executable).with_name("bulkagent")
OVERLOAD = Path(__file__).parents[2] / "samples/scenarios/overload.toml"
CONCURRENCIES = ("8", "16", "32", "48", "64", "96", "128", "256", "auto")
SECONDS_SHOWN = (0.5, 1, 2, 4, 8, 16)
EVENTS = ("limit.", "breaker.open", "run.apply")


class Event(msgspec.Struct, frozen=True):
    """What a line of the log says here."""

    at: dt.datetime
    event: str
    reason: str = ""


class Ran(NamedTuple):
    """What came of one run."""

    concurrency: str
    applied: int
    requests: int
    elapsed_s: float
    opened: int
    """How often the circuit breaker opened."""
    limits: list[tuple[float, int]]
    """Seconds since the run began -> the limit from then on; empty where it was fixed."""

    @property
    def goodput(self) -> float:
        return self.applied / self.elapsed_s


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.adapting")
    parser.add_argument("--agents", type=int, default=55_000, help="more than any run can send")
    parser.add_argument("--overload-seconds", type=int, default=8, help="for each run")
    parser.add_argument("--steady-seconds", type=int, default=30, help="for each run")
    parser.add_argument("--latency", type=int, default=150, help="of the steady one, in ms")
    parser.add_argument("--concurrency", nargs="+", default=CONCURRENCIES, metavar="N|auto")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        steady = Path(name) / "steady.toml"
        steady.write_text(f'[latency]\ndistribution = "fixed"\nmilliseconds = {asked.latency}\n')
        tables = (
            ("20 ms, 50 at once; overload", OVERLOAD, asked.overload_seconds),
            (f"{asked.latency} ms, any number at once", steady, asked.steady_seconds),
        )
        for title, scenario, seconds in tables:
            before = os.getloadavg()[0]
            runs = _runs(Path(name), scenario, asked.agents, seconds, asked.concurrency)
            print(f"\n{title}: {seconds} s each; load average {before:.1f} before")
            _print(runs)


def _runs(
    folder: Path, scenario: Path, agents: int, seconds: int, concurrencies: Sequence[str]
) -> list[Ran]:
    with emulated_gateway(folder, agents, "--scenario", str(scenario)) as url:
        return [_run(folder, url, concurrency, seconds) for concurrency in concurrencies]


def _run(folder: Path, url: str, concurrency: str, seconds: int) -> Ran:
    command = [str(COMMAND), "apply", "roster.csv", "--flag", "0", "--gateway", url]
    command += ["--ca-file", "ca.pem", "--concurrency", concurrency, "--rate", "none"]
    command += ["--deadline", f"{seconds}s", "--yes", "--json", "--report", "report.csv"]
    with tempfile.TemporaryDirectory(dir=folder) as own:
        log = Path(own) / "log.jsonl"
        command += ["--ledger", f"{own}/ledger.sqlite3", "--log-file", str(log)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        # The deadline is an exit code, so is a refusal; what tells them apart is what was sent.
        result = json.loads(done.stdout or "{}")
        if not result.get("requests"):
            raise RuntimeError(f"nothing was sent, exit code {done.returncode}:\n{done.stderr}")
        events = list(_events(log))
    return Ran(
        concurrency=concurrency,
        applied=result["totals"]["applied"],
        requests=result["requests"],
        elapsed_s=result["elapsed_s"],
        opened=sum(event.event == "breaker.open" for event in events),
        limits=_limits(events),
    )


def _events(log: Path) -> Iterator[Event]:
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            # Nearly all are attempts, too many to decode.
            if any(f'"event":"{event}' in line for event in EVENTS):
                yield msgspec.json.decode(line, type=Event)


def _limits(events: Sequence[Event]) -> list[tuple[float, int]]:
    """From "16 to 32: why" and "32: why"."""
    began = events[0].at
    limits: list[tuple[float, int]] = []
    for event in events:
        if event.event.startswith("limit."):
            numbers = event.reason.partition(":")[0].split(" to ")
            if not limits:
                limits.append((0.0, int(numbers[0])))
            limits.append(((event.at - began).total_seconds(), int(numbers[-1])))
    return limits


def _print(runs: Sequence[Ran]) -> None:
    best = max(
        (run.goodput for run in runs if run.concurrency != "auto"),
        default=max(run.goodput for run in runs),
    )
    print("| concurrency | applied a second | of the best fixed | requests per agent | opened |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for run in runs:
        each = f"{run.requests / run.applied:.2f}" if run.applied else "-"
        share = f"{run.goodput / best:.0%}" if best else "-"
        print(f"| {run.concurrency} | {run.goodput:,.0f} | {share} | {each} | {run.opened} |")
    for run in runs:
        if run.limits:
            print(f"\nThe limit of {run.concurrency}: {_course(run)}")


def _course(run: Ran) -> str:
    """The limit over time in a few numbers."""
    shown = [seconds for seconds in SECONDS_SHOWN if seconds < run.elapsed_s] or [0]
    at = ", ".join(str(_at(run.limits, seconds)) for seconds in shown)
    # A hundred moments, because a limit is not in force for as long as the next one.
    half = [_at(run.limits, run.elapsed_s * (0.5 + step / 200)) for step in range(100)]
    after = ", ".join(f"{seconds:g}" for seconds in shown)
    return (
        f"after {after} s {at}; in the second half {min(half)} to {max(half)},"
        f" median {statistics.median_low(half)}"
    )


def _at(limits: Sequence[tuple[float, int]], seconds: float) -> int:
    return [limit for since, limit in limits if since <= seconds][-1]


if __name__ == "__main__":
    main(sys.argv[1:])
