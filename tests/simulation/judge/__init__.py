"""The promises, each as a predicate over what the gateways, files and exit codes say.

A predicate is a pure function of a morning and its evidence. It yields a sentence for each
violation, which names process, run, agent and time. It knows what the gateways saw, reports, exit
codes, `--json` and the ledger's runs, and nothing of the inside of bulkagent.

To add one:

1. Find the promise on its page: a topic of the guide, the README or CONTRIBUTING. A promise that
   stands on no page is written there first. Where a page has an exception, the predicate has it,
   too, and says on which page it stands. What a page leaves open is no violation.
2. Write the function into the module of its group, or into a new one. What it has to look up goes
   into `Evidence`, so that all predicates share one pass over the morning.
3. Give it a row in `promises_of_requests.py` or `promises_of_commands.py`: its name, the promise in
   the page's words, shortened, and the page.
4. Give it two mornings, made of the parts in `tests/simulation/hand_made.py`. The one that keeps
   the promise is a row of `KEPT`, the one that breaks it a row of `BROKEN`. These tables are in
   `judged_sending.py`, `judged_runs.py` and `judged_ends.py`. `test_judge.py` tries them all.
5. Give it a mutant of bulkagent that it catches, so that it is known to see something: a row in
   `tests/simulation/mutants/`, with the predicate's name in `caught_by`.
"""

from __future__ import annotations

from tests.simulation.history import Morning
from tests.simulation.judge import liveness
from tests.simulation.judge.evidence import evidence_of
from tests.simulation.judge.predicate import Predicate, Verdict
from tests.simulation.judge.promises_of_commands import OF_COMMANDS
from tests.simulation.judge.promises_of_requests import OF_REQUESTS

__all__ = ["PREDICATES", "Predicate", "Verdict", "judge"]

PREDICATES: tuple[Predicate, ...] = (*OF_REQUESTS, *OF_COMMANDS)
"""In the order in which they are judged."""

MOST_TOLD = 5
"""Violations of one promise that are told; the first ones lead to its cause."""


def judge(morning: Morning) -> list[Verdict]:
    """The promises that a morning broke; none where it kept all.

    Of a morning that came to no end nothing else is said: what was at work there has no end either.
    """
    evidence = evidence_of(morning)
    return [
        Verdict(predicate.name, predicate.promise, predicate.page, found[:MOST_TOLD])
        for predicate in PREDICATES
        if not morning.stuck or predicate.violations is liveness.comes_to_an_end
        if (found := tuple(predicate.violations(morning, evidence)))
    ]
