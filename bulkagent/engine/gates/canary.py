"""Whether the first few went well enough to go on with the rest: a pure judgement of few."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from bulkagent.reasons import CanariesFailed, CanaryMisled, NoCanarySet

TOLERATED = 0.05
"""The share of failures that a run goes on with."""

_DOUBT = 0.1
"""So unlikely must a number of failures be at the tolerated share before it is held against the
run: of twenty, one or two are chance, three are not (the binomial tail is 0.26 and 0.08)."""


class Canaries(msgspec.Struct):
    """What came of the first ones so far."""

    counted: int = 0
    bad: int = 0
    """Of these, those that were not applied."""
    misled: str = ""
    """What any of them got that means a wrong set-up; "" where none did."""

    def against(self) -> CanaryMisled | NoCanarySet | CanariesFailed | None:
        """What speaks against going on; None where nothing does."""
        if self.misled:
            return CanaryMisled(self.misled)
        if self.counted and self.bad == self.counted:
            return NoCanarySet(self.counted)
        if unlikely(self.bad, self.counted):
            return CanariesFailed(self.bad, self.counted, TOLERATED)
        return None


def unlikely(bad: int, counted: int) -> bool:
    """Whether so many failures are hardly chance where the tolerated share of all fails."""
    # By logarithms: the numbers of ways go far beyond a float, their shares do not.
    below = sum(
        math.exp(
            math.lgamma(counted + 1)
            - math.lgamma(k + 1)
            - math.lgamma(counted - k + 1)
            + k * math.log(TOLERATED)
            + (counted - k) * math.log1p(-TOLERATED)
        )
        for k in range(bad)
    )
    return bad > 0 and 1.0 - below < _DOUBT


def spread(number: int, rows: Sequence[int]) -> list[int]:
    """How many of each lane are canaries: as evenly as the lanes' sizes allow.

    Args:
        number: Of canaries, 0 or more.
        rows: How many items each lane has.
    """
    quotas = [0] * len(rows)
    left = min(number, sum(rows))
    while left:
        for at, most in enumerate(rows):
            if left and quotas[at] < most:
                quotas[at] += 1
                left -= 1
    return quotas
