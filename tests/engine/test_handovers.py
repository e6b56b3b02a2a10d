"""Random handovers, with faults, kills and resumes: the rule holds at every instant.

Proves --gate, --floor; guide "The rule".

README: In a shift change no agent goes off shift before the gate opens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from tests.engine.handovers import play


def played(seeds: Iterable[int]) -> str:
    results = [play(seed) for seed in seeds]
    legs = sum(result.legs for result in results)
    kills = sum(result.kills for result in results)
    bound = sum(result.bound for result in results)
    held = sum(result.held for result in results)
    agents = sum(result.agents for result in results)
    assert min(kills, bound, held), "the interesting cases are among them"
    return (
        f"{len(results):,} random handovers of {agents:,} agents, {legs:,} legs, {kills:,} killed:"
        f" no violation; the floor bound {bound:,} requests, {held:,} groups were held"
    )


@pytest.mark.matrix
def test_six_hundred_random_handovers(printed: Callable[[str], None]) -> None:
    printed(played(range(600)))


@pytest.mark.soak
def test_ten_thousand_random_handovers(printed: Callable[[str], None]) -> None:
    printed(f"soak: {played(range(10_000))}")
