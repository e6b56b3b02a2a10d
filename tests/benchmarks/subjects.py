"""The subjects of a comparison: a command each, and how to read what it says that it did.

What may live here: one function for each subject. What this room must not know: servers, turns,
and what becomes of the figures.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import re
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.benchmarks.processes import COMMAND, Cost, measure
from tests.benchmarks.work import CONTENT_TYPE, Work

__all__ = ["BARE", "OURS", "SUBJECTS", "Did", "Subject", "bulkagent", "bulkagent_command"]

OURS, BARE = "bulkagent apply", "bare aiohttp loop"
_PEERS = Path(__file__).with_name("peers")
_JOBS = 500


class Did(msgspec.Struct, frozen=True):
    """What one process did, and what that cost."""

    asked: int
    """Agents that it was given."""
    applied: int
    send_s: float
    """From the first request to the last reply; 0.0 where the subject does not say."""
    cost: Cost


Subject = Callable[[Work], Did]


def bulkagent_command(work: Work, *more: str) -> list[str | Path]:
    """The installed command with its limits lifted; its files are new, in the work's folder."""
    for name in ("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm"):
        with contextlib.suppress(FileNotFoundError):
            (work.folder / name).unlink()
    return [
        *(COMMAND, "apply", work.roster, "--flag", "0", "--yes", "--rate", "none"),
        *("--config", work.configuration),
        *("--ca-file", work.ca_file, "--ledger", "ledger.sqlite3", "--report", "report.csv"),
        *(more or ("--concurrency", str(work.concurrency))),
    ]


def bulkagent(work: Work, *more: str) -> Did:
    """The whole job. What it did is read back from its report, and the send phase too."""
    cost = measure(bulkagent_command(work, *more), work.folder)
    applied, first, last = 0, "9", ""
    with (work.folder / "report.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            applied += row["status"] == "applied"
            first, last = min(first, row["first_sent_at"]), max(last, row["finished_at"])
    took = dt.datetime.fromisoformat(last) - dt.datetime.fromisoformat(first)
    return Did(work.agents, applied, took.total_seconds(), cost)


def _script(name: str, *more: str) -> Subject:
    def run(work: Work) -> Did:
        gateways = [f"{gateway}={url}" for gateway, url in work.gateways.items()]
        files = [_PEERS / name, work.roster, work.ca_file]
        command: list[str | Path] = [sys.executable, *files]
        command += [str(work.concurrency), *gateways, *more]
        cost = measure(command, work.folder)
        applied, send_s = cost.said.split()
        return Did(work.agents, int(applied), float(send_s), cost)

    return run


def _curl(work: Work) -> Did:
    """One process for all, from a config file; a line with status and URL for each."""
    config = work.folder / f"curl_{work.agents}"
    with config.open("w", encoding="utf-8") as out:
        for number, (agent, guid, gateway) in enumerate(work.rows()):
            url = work.gateways[gateway]
            out.write("next\n" if number else "")
            out.write(
                f'url = "{url}/agentgateway/resource/onlineagent/{agent}/settalkright?flag=0"\n'
                f'request = "POST"\nheader = "Content-Type: {CONTENT_TYPE}"\n'
                f'header = "Guid: {guid}"\ncacert = "{work.ca_file}"\n'
                'write-out = " %{response_code} %{url}\\n"\n'
            )
    at_once = str(work.concurrency)
    command = ["curl", "--silent", "--show-error", "--parallel", "--parallel-max", at_once]
    cost = measure([*command, "--config", config], work.folder)
    return Did(work.agents, _successes(cost), 0.0, cost)


def _successes(cost: Cost) -> int:
    """Bodies that say so, a chunk of what was said at a time, for it may be long."""
    with cost.output.open(encoding="utf-8") as said:
        return sum(line.count('"retcode":"0"') for line in said)


def _first(work: Work) -> str:
    return next(iter(work.gateways.values()))


def _gnu_parallel(work: Work) -> Did:
    """A curl for each agent, with a job log; of 500 agents, for it is the slowest by far."""
    jobs = work.folder / "jobs.csv"
    with work.roster.open(encoding="utf-8") as roster, jobs.open("w", encoding="utf-8") as out:
        for number, line in enumerate(roster):
            if 0 < number <= _JOBS:
                out.write(line)
    (work.folder / "joblog").unlink(missing_ok=True)
    target = f"{_first(work)}/agentgateway/resource/onlineagent/{{1}}/settalkright?flag=0"
    command = [
        *("parallel", "--will-cite", "--jobs", str(work.concurrency), "--joblog", "joblog"),
        *("--colsep", ",", "--arg-file", str(jobs), "curl", "--silent", "--show-error"),
        *("--cacert", str(work.ca_file), "--request", "POST", "--header"),
        *(f"'Content-Type: {CONTENT_TYPE}'", "--header", "'Guid: {2}'", f"'{target}'"),
    ]
    cost = measure(command, work.folder)
    return Did(min(_JOBS, work.agents), _successes(cost), 0.0, cost)


def _hey(work: Work) -> Did:
    """One fixed request, again and again. It never verifies certificates."""
    number = work.agents // work.concurrency * work.concurrency
    target = f"{_first(work)}/agentgateway/resource/onlineagent/101/settalkright?flag=0"
    guid = "Guid: 0a1b2c3d-4e5f-4a6b-8c7d-000000000000.AgentGateway1"
    command = ["hey", "-n", str(number), "-c", str(work.concurrency), "-m", "POST"]
    command += ["-T", CONTENT_TYPE, "-H", guid, target]
    cost = measure(command, work.folder)
    found = re.search(r"\[200\]\s+(\d+) responses", cost.said)
    return Did(number, int(found[1]) if found else 0, 0.0, cost)


SUBJECTS: dict[str, Subject] = {
    OURS: lambda work: bulkagent(work),  # noqa: PLW0108 - a table of one signature
    BARE: _script("bare_loop.py"),
    "bare loop, aiofastnet": _script("bare_loop.py", "--aiofastnet"),
    "aiohttp, semaphore, gather": _script("tutorial.py"),
    "requests, 64 threads": _script("thread_pool.py"),
    "httpx, semaphore, gather": _script("httpx_loop.py"),
    "curl --parallel": _curl,
    "GNU parallel, curl": _gnu_parallel,
    "hey": _hey,
}
"""Every subject by its name, in the order of the tables."""
