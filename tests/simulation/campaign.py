"""Many seeds in several processes, told as they go on; failures come with their smallest world."""

from __future__ import annotations

import multiprocessing
import os
import shlex
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, islice
from pathlib import Path
from typing import Any

import msgspec

from tests.simulation.draw import draw
from tests.simulation.told import told
from tests.simulation.trial import Trial, from_json, smallest, try_seeds

_CHUNK = 20
"""Seeds that a process is given at once."""
_MINUTE_S = 60.0
_MOST_SHRUNK = 5
"""Kinds of failure whose worlds are made smaller."""


class Asked(msgspec.Struct, frozen=True):
    """What a campaign is asked to do."""

    begin: int
    seeds: int | None
    """How many; None: as many as there is time for."""
    minutes: float | None
    jobs: int
    worlds: Path
    """The folder for worlds that fail."""
    shrink_s: float
    """How long a world may be made smaller."""
    mutant: str = ""
    """A fault that is put into bulkagent; the campaign ends with the first failure by it."""


class Campaign:
    """Seeds in the order of their numbers, until they or the time are over.

    Args:
        asked: What is to be done.
        say: Where lines go.
    """

    def __init__(self, asked: Asked, say: Callable[[str], None]) -> None:
        self._asked = asked
        self._say = say
        self._began = time.monotonic()
        self._ends = None if asked.minutes is None else self._began + asked.minutes * 60
        self._told_at = self._began
        self._kinds: set[frozenset[str]] = set()
        self._smallest: list[str] = []
        self.lived = 0
        self.failed: list[Trial] = []

    def run(self) -> None:
        """Live all of them."""
        asked = self._asked
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(asked.jobs, mp_context=context) as pool:
            chunks = self._chunks()
            trials = {
                pool.submit(try_seeds, chunk, asked.mutant)
                for chunk in islice(chunks, 2 * asked.jobs)
            }
            shrinking: dict[Future[bytes], Trial] = {}
            while trials or shrinking:
                at_work: set[Future[Any]] = {*trials, *shrinking}
                ended, _ = wait(at_work, self._until_told(), FIRST_COMPLETED)
                for future in ended & shrinking.keys():
                    self._keep(shrinking.pop(future), future.result())
                for future in ended & trials:
                    trials.discard(future)
                    for trial in future.result():
                        if self.count(trial):
                            shrinking[self._shrink(pool, trial)] = trial
                    trials |= {
                        pool.submit(try_seeds, chunk, asked.mutant) for chunk in islice(chunks, 1)
                    }
                self._tell_each_minute()

    def _chunks(self) -> Iterator[range]:
        asked = self._asked
        end = None if asked.seeds is None else asked.begin + asked.seeds
        for begin in count(asked.begin, _CHUNK):
            over = self._ends is not None and time.monotonic() > self._ends
            caught = asked.mutant and self.failed
            if over or caught or (end is not None and begin >= end):
                return
            yield range(begin, begin + _CHUNK if end is None else min(begin + _CHUNK, end))

    def _shrink(self, pool: ProcessPoolExecutor, trial: Trial) -> Future[bytes]:
        seconds, mutant = self._asked.shrink_s, self._asked.mutant
        return pool.submit(smallest, draw(trial.seed), trial.broken, seconds, mutant)

    def count(self, trial: Trial) -> bool:
        """Count and tell a trial; whether its world is to be made smaller.

        Further failures of the same promises have the same cause as a rule: a line is enough.
        """
        self.lived += 1
        if not trial.verdicts:
            return False
        self.failed.append(trial)
        told = f"FAILED   seed {trial.seed} ({trial.profile})"
        if trial.broken in self._kinds:
            self._say(f"{told}: {_names(trial)}")
            return False
        self._say(told)
        for verdict in trial.verdicts:
            self._say(f"  {verdict}")
        self._kinds.add(trial.broken)
        return len(self._kinds) <= (1 if self._asked.mutant else _MOST_SHRUNK)

    def _keep(self, trial: Trial, written: bytes) -> None:
        """Write a smallest world down at once. It is told last, where it is looked for."""
        asked = self._asked
        name = asked.mutant.replace(" ", "-") or f"seed-{trial.seed}"
        path = Path(os.path.relpath(asked.worlds)) / f"{name}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(written)
        except OSError as error:
            self._say(f"  its smallest world cannot be written: {error}")
        mutant = ["--mutant", asked.mutant] if asked.mutant else []
        again = ["python", "-m", "tests.simulation", *mutant, "--log", "--world", str(path)]
        self._smallest += [
            f"SMALLEST of seed {trial.seed}, which breaks: {_names(trial)}",
            *(f"  {line}" for line in told(from_json(written))),
            f"  {shlex.join(again)}",
        ]

    def tell_smallest(self) -> None:
        """Tell of each smallest world how it is lived again."""
        for line in self._smallest:
            self._say(line)

    def _until_told(self) -> float:
        return max(0.0, self._told_at + _MINUTE_S - time.monotonic())

    def _tell_each_minute(self) -> None:
        if not self._until_told():
            self._told_at = time.monotonic()
            self._say(f"so far: {self.summary()}")

    def summary(self) -> str:
        """How it stands, in one line."""
        seconds = time.monotonic() - self._began
        return (
            f"{self.lived:,} mornings from seed {self._asked.begin} on in {seconds:,.0f} s,"
            f" {self.lived / max(seconds, 0.001):,.1f} a second, {len(self.failed):,} failed"
        )


def _names(trial: Trial) -> str:
    return ", ".join(sorted(trial.broken))
