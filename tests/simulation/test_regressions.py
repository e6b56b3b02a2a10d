"""Worlds that have shown a fault: each is lived again, without the fault and with it."""

from __future__ import annotations

import pytest

from tests.simulation import morning
from tests.simulation.mutants import mutated
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.past import PAST, WORLDS
from tests.simulation.trial import from_json, judged
from tests.simulation.world import World


def _world(mutant: Mutant) -> World:
    return from_json((WORLDS / f"{mutant.name.replace(' ', '-')}.json").read_bytes())


def test_each_world_is_of_a_fault_and_each_fault_has_one() -> None:
    worlds = {path.stem for path in WORLDS.glob("*")}
    assert worlds == {mutant.name.replace(" ", "-") for mutant in PAST}


@pytest.mark.parametrize("mutant", PAST, ids=lambda mutant: mutant.name)
def test_a_promise_that_was_broken_once_is_kept(mutant: Mutant) -> None:
    _, verdicts = judged(_world(mutant))
    assert not verdicts


@pytest.mark.parametrize("mutant", PAST, ids=lambda mutant: mutant.name)
def test_a_fault_that_was_mended_breaks_its_promise_again(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that never ends is given up sooner, for it is to be seen here that it does not."""
    monkeypatch.setattr(morning, "ENDS_WITHIN_S", 200.0)
    with mutated(mutant.name):
        _, verdicts = judged(_world(mutant))
    assert mutant.caught_by & {verdict.name for verdict in verdicts}
