"""Each mutant, or those that are named, until the judge catches it. A name stands in quotes.

Exit code 1 says that one survived: then a predicate or the drawing of worlds is too weak. The
smallest world that shows one is found by `python -m tests.simulation --mutant 'NAME'`.
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
from tests.simulation.mutants.past import PAST
from tests.simulation.repeatable import repeat_with_fixed_hashes


def main(arguments: Sequence[str]) -> int:
    """Try those that are named, or all; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=int, default=SEEDS, metavar="N", help=f"at most; {SEEDS} if not given")
    add("--from", dest="begin", type=int, default=0, metavar="SEED", help="the first seed")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    add("--list", action="store_true", help="only say which there are")
    add("names", nargs="*", metavar="NAME", help="a mutant; none: all but those of the past")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(MUTANTS):
        names = ", ".join(map(repr, sorted(unknown)))
        parser.error(f"no mutant is called {names}; --list has all, and a name stands in quotes")
    if asked.list:
        for name in asked.names or MUTANTS:
            print(f"'{name}'  {MUTANTS[name].wrong}")
        return 0
    survived = 0
    with ProcessPoolExecutor(
        asked.jobs, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        # Those of the past are rare, and have worlds of their own: see test_regressions.py.
        usual = [name for name in MUTANTS if name not in {mutant.name for mutant in PAST}]
        tried = [
            pool.submit(try_mutant, name, asked.begin, asked.seeds) for name in asked.names or usual
        ]
        for future in tried:
            caught = future.result()
            survived += not caught.by
            print(caught, flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    repeat_with_fixed_hashes("tests.simulation.mutants")
    sys.exit(main(sys.argv[1:]))
