"""One world is lived and judged; whatever goes wrong with that is a failure of it, too."""

from __future__ import annotations

import contextlib
import signal
import time
import traceback
from collections.abc import Iterator
from types import FrameType

import msgspec

from tests.simulation.draw import draw
from tests.simulation.history import Morning
from tests.simulation.judge import Verdict, judge
from tests.simulation.leftovers import let_all_go
from tests.simulation.morning import live
from tests.simulation.mutants import mutated
from tests.simulation.shrink import shrink
from tests.simulation.world import World

_LONGEST_S = 10
"""No morning takes so much of a processor; one that does goes round in circles."""


class Trial(msgspec.Struct, frozen=True):
    """What came of one world."""

    seed: int
    profile: str
    verdicts: tuple[Verdict, ...]
    """Broken promises; none where all were kept."""

    @property
    def broken(self) -> frozenset[str]:
        """The names of the broken promises."""
        return frozenset(verdict.name for verdict in self.verdicts)


class _Circles(KeyboardInterrupt):
    """The processor was busy for too long. The loop lets nothing pass but such an end of all."""


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def ring(_number: int, frame: FrameType | None) -> None:
        # Out of a process's own stack, its traceback would be lost on the way to the loop's.
        raise _Circles("".join(traceback.format_stack(frame)))

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, _LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def judged(world: World) -> tuple[Morning | None, tuple[Verdict, ...]]:
    """The morning of a world, where it came to an end, and its broken promises."""
    morning = None
    try:
        with _alarm():
            morning = live(world)
        return morning, tuple(judge(morning))
    except _Circles as circles:
        words = str(circles)
    except Exception as error:  # noqa: BLE001 - an error of the simulation is a failure of its seed
        return morning, (_no_end(type(error).__name__, traceback.format_exc()),)
    finally:
        # What the morning and its errors held while they had names would be heard of elsewhere.
        let_all_go()
    return None, (_no_end("takes for ever", words),)


def _no_end(how: str, words: str) -> Verdict:
    return Verdict(
        f"comes to an end: {how}", "A morning is lived and judged.", "simulation", (words,)
    )


def try_seeds(seeds: range, mutant: str = "") -> list[Trial]:
    """Live the worlds of some seeds, with a mutant or without."""
    trials = []
    for seed in seeds:
        world = draw(seed)
        verdicts = _with_mutant(world, mutant) if mutant else judged(world)[1]
        trials.append(Trial(seed, world.profile, verdicts))
    return trials


def _with_mutant(world: World, mutant: str) -> tuple[Verdict, ...]:
    """Of the promises that a mutant is known to break, those that it breaks in this world."""
    with mutated(mutant) as at_work:
        _, verdicts = judged(world)
    broken = [verdict for verdict in verdicts if verdict.name in at_work.caught_by]
    # What is broken without the mutant, too, is not broken by it.
    anyway = {verdict.name for verdict in judged(world)[1]} if broken else set()
    return tuple(verdict for verdict in broken if verdict.name not in anyway)


def smallest(world: World, broken: frozenset[str], seconds: float, mutant: str = "") -> bytes:
    """The smallest world that is found in so many seconds and breaks one of the same promises.

    With a mutant it is one that keeps them without.
    """
    until = time.monotonic() + seconds

    def fails(other: World) -> bool:
        verdicts = _with_mutant(other, mutant) if mutant else judged(other)[1]
        return any(verdict.name in broken for verdict in verdicts)

    return as_json(shrink(world, fails, lambda: time.monotonic() < until))


def as_json(world: World) -> bytes:
    """A world as a file has it, the same bytes for the same world."""
    written = msgspec.json.encode(world, order="deterministic")
    return msgspec.json.format(written, indent=1) + b"\n"


def from_json(written: bytes) -> World:
    """A world from such a file."""
    return msgspec.json.decode(written, type=World)
