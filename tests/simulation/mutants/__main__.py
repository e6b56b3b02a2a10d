"""Each mutant until it is caught: `python -m tests.simulation.mutants [--seeds 500] [NAME ...]`.

Exit code 1 says that one survived: then a predicate or the draw of worlds is too weak.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.simulation.mutants import MUTANTS
from tests.simulation.mutants.hunt import SEEDS, try_mutant
from tests.simulation.repeatable import repeat_with_fixed_hashes


def main(arguments: Sequence[str]) -> int:
    """Try those that are named, or all; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--from", dest="begin", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MUTANTS)}")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(MUTANTS):
        parser.error(f"no mutant is called {', '.join(sorted(unknown))}")
    survived = 0
    with ProcessPoolExecutor(
        asked.jobs, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        tried = [
            pool.submit(try_mutant, name, asked.begin, asked.seeds)
            for name in asked.names or MUTANTS
        ]
        for future in tried:
            caught = future.result()
            survived += not caught.by
            print(caught, flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    repeat_with_fixed_hashes("tests.simulation.mutants")
    sys.exit(main(sys.argv[1:]))
