"""Chance, in the few shapes that a world is drawn with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """What decides. All of it comes from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"world {seed}")

    def chance(self, probability: float) -> bool:
        """Whether something of this probability is so."""
        return self._random.random() < probability

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included; each is as likely."""
        return self._random.randint(low, high)

    def number(self, low: float, high: float) -> float:
        """A number to the millisecond; each is as likely."""
        return round(self._random.uniform(low, high), 3)

    def scale(self, low: float, high: float) -> float:
        """A number of which each order of magnitude is as likely; `low` is above 0."""
        exponent = self._random.uniform(math.log(low), math.log(high))
        return float(f"{math.exp(exponent):.3g}")

    def size(self, low: int, high: int) -> int:
        """A whole number of which small ones are likelier; `low` is above 0."""
        return max(low, min(high, round(self.scale(low, high))))

    def one_of(self, values: Sequence[T]) -> T:
        """One of them; each is as likely."""
        return self._random.choice(values)

    def some_of(self, values: Sequence[T], most: int) -> list[T]:
        """One to `most` of them, in an order of their own."""
        return self.sample(values, self.whole(1, max(1, min(most, len(values)))))

    def sample(self, values: Sequence[T], count: int) -> list[T]:
        """So many of them, in an order of their own."""
        return self._random.sample(values, count)

    def weighted(self, values: Sequence[tuple[T, float]]) -> T:
        """One of them by their weights."""
        weights = [weight for _, weight in values]
        return self._random.choices([value for value, _ in values], weights)[0]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """All of them in another order."""
        return self.sample(values, len(values))
