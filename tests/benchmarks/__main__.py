"""CPU per agent of the whole `bulkagent apply --rate none` beside a bare aiohttp loop.

    python -m tests.benchmarks [--agents 20000] [--pairs 3] [--concurrency 64]

Both send the same roster to the same emulated gateway, in turn, as whole processes. Machines
are noisy: the ratio of each pair is what counts, not the seconds.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.processes import Cost, emulated_gateway, measure

REPOSITORY = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--agents", type=int, default=20_000, help="up to 59899")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=64)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with emulated_gateway(folder, asked.agents) as url:
            pairs = [
                _pair(folder, url, asked.agents, asked.concurrency) for _ in range(asked.pairs)
            ]
    _print(pairs, asked.agents)


def _pair(folder: Path, url: str, agents: int, concurrency: int) -> tuple[Cost, Cost]:
    tool = [sys.executable, "-m", "bulkagent", "apply", "roster.csv", "--flag", "0"]
    tool += ["--gateway", url, "--ca-file", "ca.pem", "--concurrency", str(concurrency)]
    tool += ["--rate", "none", "--yes", "--ledger", "ledger.sqlite3", "--report", "report.csv"]
    ours = measure(tool, folder)
    applied = (folder / "report.csv").read_text().count(",applied,")
    (folder / "ledger.sqlite3").unlink()
    bare = [sys.executable, str(REPOSITORY / "tests/benchmarks/bare_loop.py")]
    loop = measure([*bare, "roster.csv", url, "ca.pem", str(concurrency)], folder)
    if not applied == int(loop.output) == agents:
        raise RuntimeError(f"of {agents} agents, {applied} and {loop.output} were applied")
    return ours, loop


def _print(pairs: Sequence[tuple[Cost, Cost]], agents: int) -> None:
    print(f"{agents:,} agents; median of {len(pairs)} pairs, lowest and highest in brackets")
    print(f"{'':22}{'bulkagent apply':>18}{'bare aiohttp loop':>20}   ratio")
    rows: list[tuple[str, Callable[[Cost], float], str]] = [
        ("CPU per agent, us", lambda cost: cost.cpu_s / agents * 1e6, "{:.0f}"),
        ("wall, s", lambda cost: cost.wall_s, "{:.1f}"),
        ("peak memory, MB", lambda cost: cost.peak_mb, "{:.0f}"),
    ]
    for name, figure, form in rows:
        ours, bare = ([figure(pair[side]) for pair in pairs] for side in (0, 1))
        ratios = [a / b for a, b in zip(ours, bare, strict=True)]
        middle = [form.format(statistics.median(side)) for side in (ours, bare)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        print(f"{name:22}{middle[0]:>18}{middle[1]:>20}   {spread}")


if __name__ == "__main__":
    main(sys.argv[1:])
