"""Mornings from seeds, lived and judged. Exit code 1 says that a promise was broken.

python -m tests.simulation --seeds 1000 [--from N]   so many mornings, seed by seed
python -m tests.simulation --minutes M               as many as there is time for
python -m tests.simulation --log --from 4711         one seed, with everything that happened
python -m tests.simulation --log --world FILE        a world that a failure has left
python -m tests.simulation --mutant 'NAME'           with a fault put into bulkagent, until it
                                                     breaks a promise; also with --world
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tests.simulation.repeatable import repeat_with_fixed_hashes

if TYPE_CHECKING:
    from tests.simulation.campaign import Asked
    from tests.simulation.world import World

_TREE = Path(__file__).parents[2]
_SEEDS = 1_000


def main(arguments: Sequence[str]) -> int:
    """Do what is asked for; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description=__doc__,
        epilog="Two cores live about 20 mornings a second where nothing else is at work.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--seeds", type=int, metavar="N", help="how many; 1,000 without --minutes")
    add("--from", dest="begin", type=int, default=0, metavar="SEED", help="the first seed")
    add("--minutes", type=float, metavar="M", help="begin no further seed after so long")
    add("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes at once")
    add("--log", action="store_true", help="of one world, all that happened")
    add("--world", type=Path, metavar="FILE", help="live the world of this file alone")
    add("--mutant", metavar="NAME", help="a fault; `python -m tests.simulation.mutants --list`")
    add("--shrink", type=float, default=60.0, metavar="S", help="seconds for a smaller world")
    add(
        "--worlds",
        type=Path,
        default=_TREE / ".worlds",
        metavar="FOLDER",
        help="where worlds that fail are written, .worlds if not given",
    )
    asked = parser.parse_args(arguments)
    if asked.mutant:
        _refuse_unknown(asked.mutant, parser)
    if asked.world or asked.log:
        return _one(_asked_world(asked, parser), asked)
    return _many(asked)


def _refuse_unknown(mutant: str, parser: argparse.ArgumentParser) -> None:
    from tests.simulation.mutants import MUTANTS

    if mutant not in MUTANTS:
        parser.error(
            f"no mutant is called {mutant!r}; `python -m tests.simulation.mutants --list` has all"
            " names, and a name with spaces stands in quotes"
        )


def _asked_world(asked: argparse.Namespace, parser: argparse.ArgumentParser) -> World:
    from tests.simulation.draw import draw
    from tests.simulation.trial import from_json

    if not asked.world:
        return draw(asked.begin)
    try:
        return from_json(asked.world.read_bytes())
    except OSError as error:
        parser.error(f"{asked.world} cannot be read: {error.strerror}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        parser.error(f"{asked.world} has no world as a failure leaves it: {error}")


def _one(world: World, asked: argparse.Namespace) -> int:
    from tests.simulation.judge import PREDICATES
    from tests.simulation.mutants import mutated
    from tests.simulation.told import told
    from tests.simulation.trial import judged

    with mutated(asked.mutant) if asked.mutant else contextlib.nullcontext():
        morning, verdicts = judged(world)
    if asked.log:
        _say("\n".join([*told(world), *(morning.log if morning else ())]))
    for verdict in verdicts:
        _say(f"FAILED   {verdict}")
    if not verdicts:
        _say(f"KEPT     all {len(PREDICATES)} promises")
    return 1 if verdicts else 0


def _many(asked: argparse.Namespace) -> int:
    from tests.simulation.campaign import Campaign

    campaign = Campaign(_as_asked(asked), _say)
    campaign.run()
    _say(campaign.summary())
    campaign.tell_smallest()
    return 1 if campaign.failed else 0


def _as_asked(asked: argparse.Namespace) -> Asked:
    from tests.simulation.campaign import Asked

    return Asked(
        begin=asked.begin,
        seeds=asked.seeds or (None if asked.minutes is not None else _SEEDS),
        minutes=asked.minutes,
        jobs=asked.jobs,
        worlds=asked.worlds,
        shrink_s=asked.shrink,
        mutant=asked.mutant or "",
    )


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    repeat_with_fixed_hashes("tests.simulation")
    sys.exit(main(sys.argv[1:]))
