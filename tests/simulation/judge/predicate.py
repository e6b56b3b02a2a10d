"""What a predicate is, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from tests.simulation.history import Morning
from tests.simulation.judge.evidence import Evidence


class Predicate(msgspec.Struct, frozen=True):
    """A promise, and how it is judged."""

    name: str
    promise: str
    page: str
    """A topic of the guide, `README` or `CONTRIBUTING`."""
    violations: Callable[[Morning, Evidence], Iterator[str]]


class Verdict(msgspec.Struct, frozen=True):
    """A promise that a morning broke."""

    name: str
    promise: str
    page: str
    violations: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.promise} ({self.page})", *self.violations]
        return "\n    ".join(lines)
