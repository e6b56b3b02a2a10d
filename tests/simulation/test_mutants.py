"""Faults that are put into bulkagent: each takes the place of something that is still there."""

from __future__ import annotations

import pytest

from bulkagent.engine.gates import handover
from bulkagent.ledger import rows, summarise
from bulkagent.run.history import report
from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.mutants.mutant import always, fault, written
from tests.simulation.mutants.mutant import mutated as made_wrong


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_takes_the_place_of_what_is_there(name: str) -> None:
    with mutated(name) as mutant:
        assert mutant.changes


def test_what_is_replaced_is_wrong_wherever_it_is_known_and_right_again_afterwards() -> None:
    right = summarise
    with mutated("invalid rows not counted"):
        assert rows.summarise is not right
        assert vars(report)["summarise"] is rows.summarise
    assert rows.summarise is right
    assert vars(report)["summarise"] is right


def test_a_name_that_is_gone_is_an_error() -> None:
    gone = fault("gone", "", {"engine.gates.handover._ceiling": always(0)}, caught_by=())
    with pytest.raises(AttributeError, match="_ceiling"), made_wrong(gone):
        pass
    text = fault("text", "", {"ledger.rows._LINE": written("no such", "")}, caught_by=())
    with pytest.raises(LookupError, match="no such"), made_wrong(text):
        pass
    assert handover.needed(0.5, 3) == 2
