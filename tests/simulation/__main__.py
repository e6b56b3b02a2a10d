"""Mornings from seeds, lived and judged. Exit code 1 says that a promise was broken.

python -m tests.simulation --seeds 10000 [--from N] [--minutes M] [--jobs 2]
python -m tests.simulation --log --from 4711         one seed, with everything that happened
python -m tests.simulation --log --world FILE        a world that a failure has left
python -m tests.simulation --mutant NAME             with a fault put into bulkagent: exit
                                                     code 1 says that no promise was broken
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation.repeatable import repeat_with_fixed_hashes

if TYPE_CHECKING:
    from tests.simulation.campaign import Asked

_AT_ONCE = 500
"""Seeds in which a mutant has to be caught."""


def main(arguments: Sequence[str]) -> int:
    """Do what is asked for; give the exit code."""
    from tests.simulation.mutants import MUTANTS

    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, help="how many; 1,000 without --minutes")
    parser.add_argument("--from", dest="begin", type=int, default=0, help="the first seed")
    parser.add_argument("--minutes", type=float, help="begin no further seed after so long")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--log", action="store_true", help="of one world, all that happened")
    parser.add_argument("--world", type=Path, help="live the world of this file alone")
    parser.add_argument("--mutant", choices=["all", *MUTANTS], help="a fault in bulkagent")
    parser.add_argument("--shrink", type=float, default=60.0, help="seconds for a smaller world")
    parser.add_argument(
        "--worlds",
        type=Path,
        default=Path(tempfile.gettempdir()) / "bulkagent-worlds",
        help="the folder for worlds that fail",
    )
    asked = parser.parse_args(arguments)
    if asked.world or asked.log:
        return _one(asked)
    if asked.mutant:
        names = list(MUTANTS) if asked.mutant == "all" else [asked.mutant]
        return max(_mutant(name, asked) for name in names)
    return _many(asked)


def _one(asked: argparse.Namespace) -> int:
    from tests.simulation.draw import draw
    from tests.simulation.mutants import mutated
    from tests.simulation.told import told
    from tests.simulation.trial import from_json, judged

    world = from_json(asked.world.read_bytes()) if asked.world else draw(asked.begin)
    with mutated(asked.mutant) if asked.mutant else contextlib.nullcontext():
        morning, verdicts = judged(world)
    if asked.log:
        _say("\n".join([*told(world), *(morning.log if morning else ())]))
    for verdict in verdicts:
        _say(f"FAILED   {verdict}")
    return 1 if verdicts else 0


def _many(asked: argparse.Namespace) -> int:
    from tests.simulation.campaign import Campaign

    campaign = Campaign(_as_asked(asked, ""), _say)
    campaign.run()
    _say(campaign.summary())
    return 1 if campaign.failed else 0


def _mutant(name: str, asked: argparse.Namespace) -> int:
    from tests.simulation.campaign import Campaign

    said: list[str] = []
    campaign = Campaign(_as_asked(asked, name), said.append)
    campaign.run()
    if not campaign.failed:
        _say(f"SURVIVED {name}: {campaign.summary()}")
        return 1
    first = min(campaign.failed, key=lambda trial: trial.seed)
    needed = first.seed - asked.begin + 1
    _say(f"caught   {name} by: {', '.join(sorted(first.broken))}; seeds needed: {needed}")
    return 0


def _as_asked(asked: argparse.Namespace, mutant: str) -> Asked:
    from tests.simulation.campaign import Asked

    usual = None if asked.minutes is not None else _AT_ONCE if mutant else 2 * _AT_ONCE
    return Asked(
        begin=asked.begin,
        seeds=asked.seeds or usual,
        minutes=asked.minutes,
        jobs=asked.jobs,
        worlds=asked.worlds,
        shrink_s=asked.shrink,
        mutant=mutant,
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    repeat_with_fixed_hashes("tests.simulation")
    sys.exit(main(sys.argv[1:]))
