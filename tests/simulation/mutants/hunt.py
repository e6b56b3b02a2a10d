"""A mutant is tried with one seed after the other, until the judge sees it."""

from __future__ import annotations

import time

import msgspec

from tests.simulation.trial import try_seeds

SEEDS = 500
"""In so many each has to be caught."""


class Caught(msgspec.Struct, frozen=True):
    """What came of a mutant."""

    name: str
    seeds: int
    """How many were tried."""
    by: tuple[str, ...]
    """The predicates that saw it; none: it survived."""
    seconds: float

    def __str__(self) -> str:
        if not self.by:
            return f"SURVIVED {self.name}: {self.seeds} seeds, {self.seconds:.0f} s"
        return (
            f"caught   {self.name}: {self.seeds} seeds, {self.seconds:.0f} s,"
            f" by {', '.join(self.by)}"
        )


def try_mutant(name: str, begin: int, seeds: int) -> Caught:
    """Live the worlds of seeds with a mutant until a predicate sees it that must.

    What a world breaks without the mutant, too, does not count.
    """
    began = time.monotonic()
    for seed in range(begin, begin + seeds):
        (trial,) = try_seeds(range(seed, seed + 1), name)
        if trial.broken:
            tried, by = seed - begin + 1, tuple(sorted(trial.broken))
            return Caught(name, tried, by, time.monotonic() - began)
    return Caught(name, seeds, (), time.monotonic() - began)
