"""bulkagent beside what people would use instead, as Markdown tables and JSON.

    python -m tests.benchmarks [PART ...] [--pairs 7] [--agents 20000 59899] [--json FILE]

Parts: nginx (everybody, on the fastest gateway there can be), latency (gateways that hold each
request for a fixed time), growth (from a thousand agents to a million), files (roster and report
beside the csv module) and auto (`--concurrency auto` beside fixed numbers). All of them take
about two hours; machines are noisy, so subjects take turns and ratios are of neighbours.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.benchmarks import parts
from tests.benchmarks.work import FULL_GATEWAY

PARTS = {
    "nginx": parts.everybody,
    "latency": parts.latency_bound,
    "growth": parts.growth,
    "files": parts.files,
    "auto": parts.adaptive,
}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--pairs", type=int, default=7, help="rounds in which all take turns")
    parser.add_argument("--agents", type=int, nargs="+", default=[20_000, FULL_GATEWAY])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--largest", type=int, default=1_000_000, help="of growth and files")
    parser.add_argument("--only", nargs="+", help="subjects of nginx, by their names")
    parser.add_argument("--json", type=Path, help="where all figures go")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.part) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    wanted = parts.Wanted(
        pairs=asked.pairs,
        agents=tuple(asked.agents),
        concurrency=asked.concurrency,
        largest=asked.largest,
        only=tuple(asked.only or ()),
    )
    machine = f"{os.cpu_count()} cores, CPython {platform.python_version()}, {platform.machine()}"
    print(f"{machine}; load average {os.getloadavg()[0]:.1f} before", flush=True)
    measured = {name: PARTS[name](wanted) for name in asked.part or PARTS}
    if asked.json:
        figures = {"machine": machine, "pairs": asked.pairs, **measured}
        encoded = msgspec.json.encode(figures, enc_hook=str)
        asked.json.write_bytes(msgspec.json.format(encoded, indent=1))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RuntimeError as error:
        sys.exit(str(error))
