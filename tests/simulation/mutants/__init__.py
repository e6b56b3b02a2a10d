"""Faults of bulkagent that the judge must catch, so that each predicate is known to see something.

They are regressions as they happen: functions put in the place of named ones. A name that is gone
is an error here, so a rename is noticed. To add one: a row in the table of its module, with what is
wrong in it and the predicates that must see it. `python -m tests.simulation.mutants 'NAME'`
tries it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from tests.simulation.mutants import mutant
from tests.simulation.mutants.answers import ANSWERS
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.past import PAST
from tests.simulation.mutants.patience import PATIENCE
from tests.simulation.mutants.records import RECORDS
from tests.simulation.mutants.sending import SENDING
from tests.simulation.mutants.several import SEVERAL

MUTANTS: Mapping[str, Mutant] = {
    found.name: found for found in (*ANSWERS, *SENDING, *RECORDS, *SEVERAL, *PATIENCE, *PAST)
}
"""All of them, by name."""


@contextlib.contextmanager
def mutated(name: str) -> Iterator[Mutant]:
    """Have bulkagent be wrong in this way within.

    Raises:
        KeyError: There is no such mutant.
        AttributeError, LookupError: What it replaces is gone.
    """
    found = MUTANTS[name]
    with mutant.mutated(found):
        yield found
