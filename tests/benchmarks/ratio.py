"""What one agent more costs bulkagent beside a bare loop: fails where that has doubled.

    python -m tests.benchmarks.ratio [--limit 1.6]

Processor time, not seconds, and of the agents alone: two runs of different length, of which the
difference counts, so that neither start-up nor a busy machine weighs. A gateway that holds
nothing, in a process of its own; three pairs, of which the median ratio counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.figures import median
from tests.benchmarks.servers import fixed_latency
from tests.benchmarks.subjects import BARE, OURS, SUBJECTS
from tests.benchmarks.work import Work, prepared

FEW, MANY = 500, 6_500
PAIRS = 3
LIMIT = 1.6


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ratio")
    parser.add_argument("--limit", type=float, default=LIMIT, help="above which it fails")
    limit = parser.parse_args(arguments).limit
    with tempfile.TemporaryDirectory(prefix="bulkagent-ratio-") as name:
        folder = Path(name)
        with fixed_latency(folder, 0.0) as served:
            few, many = (prepared(folder, served.urls, agents, 64) for agents in (FEW, MANY))
            pairs = [[_each_s(who, few, many) for who in (OURS, BARE)] for _ in range(PAIRS)]
    found = median([ours / bare for ours, bare in pairs])
    ours, bare = (median([pair[side] for pair in pairs]) * 1e6 for side in (0, 1))
    print(f"CPU of one agent more: {ours:.0f} us beside {bare:.0f} us of a bare loop, {found:.2f}")
    if found > limit:
        print(f"that is more than {limit}; python -m tests.benchmarks tells more")
    return int(found > limit)


def _each_s(who: str, few: Work, many: Work) -> float:
    least, most = (SUBJECTS[who](work) for work in (few, many))
    if (least.applied, most.applied) != (FEW, MANY):
        raise RuntimeError(f"{who}: {least.applied} and {most.applied} were applied")
    return (most.cost.cpu_s - least.cost.cpu_s) / (MANY - FEW)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
