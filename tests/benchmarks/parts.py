"""The parts of the benchmark: what is run in which turn, and the table that comes of it.

What may live here: rounds, and lines of tables. What this room must not know: how subjects and
servers do what they do.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tests.benchmarks.figures import Table, median, ratio, spread
from tests.benchmarks.processes import COMMAND, measure
from tests.benchmarks.servers import Hold, Served, fixed_latency, nginx
from tests.benchmarks.subjects import BARE, OURS, SUBJECTS, Did, Subject, bulkagent
from tests.benchmarks.work import FULL_GATEWAY, Work, prepared

__all__ = ["Wanted", "adaptive", "everybody", "files", "growth", "latency_bound"]

_LATENCIES_MS = (5, 20, 100)
_FIXED = (32, 64, 128, 256)
_PEER = Path(__file__).with_name("peers")
Measured = dict[str, Any]


class Wanted(msgspec.Struct, frozen=True):
    """What is to be measured."""

    pairs: int
    agents: tuple[int, ...]
    concurrency: int
    largest: int
    only: tuple[str, ...] = ()
    """Subjects by name; none: all."""


def everybody(wanted: Wanted) -> Measured:
    """All subjects on nginx: CPU per agent, wall, memory."""
    measured: Measured = {}
    chosen = {
        name: subject
        for name, subject in SUBJECTS.items()
        if not wanted.only or name in {OURS, BARE, *wanted.only}
    }
    with _folder() as folder, nginx(folder) as served:
        for agents in wanted.agents:
            work = prepared(folder, served.urls, agents, wanted.concurrency)
            did = _in_turn(work, chosen, wanted.pairs)
            print(f"\n{agents:,} agents on nginx, concurrency {wanted.concurrency}; ", end="")
            print(f"medians of {wanted.pairs} rounds, ratios to the bare loop\n")
            print(_compared(did), flush=True)
            measured[str(agents)] = did
    return measured


def latency_bound(wanted: Wanted) -> Measured:
    """The command and the bare loop on gateways of a fixed latency: which of the two waits."""
    measured: Measured = {}
    agents = wanted.agents[0]
    table = Table(
        *("held", "bulkagent, agents/s", "bare loop, agents/s", "ratio"),
        *("of Little's bound", "bare loop's", "everything else, s"),
    )
    for milliseconds in _LATENCIES_MS:
        with _folder() as folder, fixed_latency(folder, milliseconds) as served:
            work = prepared(folder, served.urls, agents, wanted.concurrency)
            two = {name: SUBJECTS[name] for name in (OURS, BARE)}
            did, held = _held_in_turn(work, two, wanted.pairs, served)
        ours, bare = did[OURS], did[BARE]
        rates = [[run.applied / run.send_s for run in runs] for runs in (ours, bare)]
        bounds = [_reached(work, did[name], held[name]) for name in (OURS, BARE)]
        mean_ms = median([hold.mean_ms for hold in held[OURS]])
        table.add(
            f"{mean_ms:.1f} ms",
            *(f"{median(rate):,.0f}" for rate in rates),
            spread(*rates),
            *(f"{bound:.1%}" for bound in bounds),
            f"{median([run.cost.wall_s - run.send_s for run in ours]):.2f}",
        )
        measured[str(milliseconds)] = {"did": did, "held": held}
    print(f"\n{agents:,} agents, a fixed latency, concurrency {wanted.concurrency}; ", end="")
    print(f"send phase, medians of {wanted.pairs} pairs\n\n{table}", flush=True)
    return measured


def growth(wanted: Wanted) -> Measured:
    """The whole command from a thousand agents on; more than one gateway has, over several."""
    measured: Measured = {}
    table = Table("agents", "wall, s", "sending, s", "CPU per agent, us", "peak memory, MB")
    sizes = [10**power for power in range(3, 7) if 10**power < wanted.largest]
    with _folder() as folder, nginx(folder, -(-wanted.largest // FULL_GATEWAY)) as served:
        for agents in (*sizes, wanted.largest):
            gateways = -(-agents // FULL_GATEWAY)
            # At one gateway as everywhere; over several the connections are shared out.
            each = max(1, wanted.concurrency // gateways)
            work = prepared(folder, served.urls[:gateways], agents, each)
            did = [_checked(OURS, bulkagent(work)) for _ in range(_times(wanted, agents))]
            table.add(
                f"{agents:,}",
                f"{median([run.cost.wall_s for run in did]):.1f}",
                f"{median([run.send_s for run in did]):.1f}",
                f"{median([run.cost.cpu_s for run in did]) / agents * 1e6:.0f}",
                f"{median([run.cost.peak_mb for run in did]):.0f}",
            )
            measured[str(agents)] = did
    print(f"\nbulkagent on nginx, {wanted.concurrency} requests at once\n\n{table}", flush=True)
    return measured


def files(wanted: Wanted) -> Measured:
    """Roster and report beside what reading and writing such a file costs at the least."""
    with _folder() as folder, nginx(folder, -(-wanted.largest // FULL_GATEWAY)) as served:
        each = max(1, wanted.concurrency // len(served.urls))
        work = prepared(folder, served.urls, wanted.largest, each)
        _checked(OURS, bulkagent(work))
        return _files(work)


def adaptive(wanted: Wanted) -> Measured:
    """`--concurrency auto` beside fixed numbers, on both kinds of gateway."""
    measured: Measured = {}
    agents = max(wanted.agents)
    numbers = [*map(str, _FIXED), "auto"]
    servers: dict[str, Callable[[Path], AbstractContextManager[Served]]] = {
        "nginx": nginx,
        "20 ms": partial(fixed_latency, milliseconds=20),
    }
    table = Table("gateway", *numbers, "auto, of the best fixed")
    for name, server in servers.items():
        with _folder() as folder, server(folder) as served:
            work = prepared(folder, served.urls, agents, wanted.concurrency)
            subjects: dict[str, Subject] = {number: _at(number) for number in numbers}
            did = _in_turn(work, subjects, min(3, wanted.pairs))
        rates = {number: [run.applied / run.send_s for run in did[number]] for number in numbers}
        best = max(numbers[:-1], key=lambda number: median(rates[number]))
        shown = (f"{median(rates[number]):,.0f}" for number in numbers)
        table.add(name, *shown, f"{ratio(rates['auto'], rates[best]):.0%}")
        measured[name] = did
    print(f"\n{agents:,} agents, applied a second while sending\n\n{table}", flush=True)
    return measured


def _at(concurrency: str) -> Subject:
    def run(work: Work) -> Did:
        return bulkagent(work, "--concurrency", concurrency)

    return run


def _files(work: Work) -> Measured:
    """The command on the files of a run that is over."""
    few = prepared(work.folder, tuple(work.gateways.values()), 100, work.concurrency)
    python = sys.executable
    commands: dict[str, Sequence[str | Path]] = {
        "check": [COMMAND, "check", work.roster, "--config", work.configuration],
        "check of 100 rows": [COMMAND, "check", few.roster, "--config", work.configuration],
        "csv.reader": [python, _PEER / "csv_reader.py", work.roster],
        "report": [COMMAND, "report", "last", "--ledger", "ledger.sqlite3", "--to", "again.csv"],
        "csv.writer": [python, _PEER / "csv_writer.py", "report.csv", "again.csv"],
    }
    did = {name: measure(command, work.folder) for name, command in commands.items()}
    inside = {name: float(did[name].said) for name in ("csv.reader", "csv.writer")}
    start_s = did["check of 100 rows"].wall_s
    check_s, report_s = (did[name].wall_s - start_s for name in ("check", "report"))
    table = Table("rows", "bulkagent, s", "the csv module alone, s", "ratio", "peak memory, MB")
    for name, took, least in (
        ("check", check_s, inside["csv.reader"]),
        ("report", report_s, inside["csv.writer"]),
    ):
        table.add(
            f"{name}, {work.agents:,}",
            f"{took:.2f}",
            f"{least:.2f}",
            f"{took / least:.1f}",
            f"{did[name].peak_mb:.0f}",
        )
    print(f"\nFiles; start-up of {start_s:.2f} s apart\n\n{table}", flush=True)
    return {"costs": did, "inside": inside}


def _in_turn(work: Work, subjects: Mapping[str, Subject], rounds: int) -> dict[str, list[Did]]:
    """A B A B: every other round the other way round, so that nobody always comes first."""
    did: dict[str, list[Did]] = {name: [] for name in subjects}
    for number in range(rounds):
        for name in list(subjects)[:: -1 if number % 2 else 1]:
            did[name].append(_checked(name, subjects[name](work)))
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return did


def _held_in_turn(
    work: Work, subjects: Mapping[str, Subject], rounds: int, served: Served
) -> tuple[dict[str, list[Did]], dict[str, list[Hold]]]:
    """The same, and for how long the server held the requests of each."""
    held: dict[str, list[Hold]] = {name: [] for name in subjects}

    def asking(name: str, subject: Subject) -> Subject:
        def run(work: Work) -> Did:
            did = subject(work)
            held[name].append(served.held())
            return did

        return run

    asked = {name: asking(name, subject) for name, subject in subjects.items()}
    return _in_turn(work, asked, rounds), held


def _checked(name: str, did: Did) -> Did:
    if did.applied != did.asked:
        raise RuntimeError(f"{name}: of {did.asked} requests {did.applied} were applied")
    return did


def _compared(did: Mapping[str, Sequence[Did]]) -> Table:
    table = Table(
        *("", "agents/s", "wall, ratio", "CPU per agent, us", "CPU, ratio"),
        "peak memory, MB",
    )
    bare = did[BARE]
    for name, runs in did.items():
        cpu, bare_cpu = ([run.cost.cpu_s / run.asked for run in each] for each in (runs, bare))
        wall, bare_wall = ([run.cost.wall_s / run.asked for run in each] for each in (runs, bare))
        table.add(
            name,
            f"{1 / median(wall):,.0f}",
            spread(wall, bare_wall),
            f"{median(cpu) * 1e6:.0f}",
            spread(cpu, bare_cpu),
            f"{median([run.cost.peak_mb for run in runs]):.0f}",
        )
    return table


def _reached(work: Work, did: Sequence[Did], held: Sequence[Hold]) -> float:
    """The share of the rate that Little's law allows (requests in flight = rate x time)."""
    least_s = [work.agents * hold.mean_ms / 1000 / work.concurrency for hold in held]
    return median([least / run.send_s for least, run in zip(least_s, did, strict=True)])


def _times(wanted: Wanted, agents: int) -> int:
    return 1 if agents > FULL_GATEWAY else min(3, wanted.pairs)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bulkagent-benchmark-") as name:
        yield Path(name)
