"""Faults that bulkagent had until the simulation found them; each has a world that shows it.

The worlds are in the folder `regressions`, by the mutants' names: a seed means another world as
soon as the drawing of worlds changes, and a file does not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from bulkagent.engine import Gatekeeper
from bulkagent.ledger.taken_rows import TakenRows
from bulkagent.model import Cause
from bulkagent.run.handover.rules import NOBODY
from bulkagent.run.history.fallback_counts import fallback_summary
from tests.simulation.mutants.mutant import always, fault, written

WORLDS = Path(__file__).parent.parent / "regressions"
"""The folder of the worlds."""


def _estimated(right: Callable[..., Any]) -> Any:
    def judged(leg: Any, sent: Any, ending: Any) -> Any:
        found = right(leg, sent, ending)
        if len(found.troubles) > bool(ending.error) + len(sent.reasons):
            found.summary = fallback_summary(leg.plan, sent.counters)
        return found

    return judged


def _uncounted(right: Callable[..., Any]) -> Any:
    def reject(planner: Any, *row: Any, cause: Any = None, **options: Any) -> Any:
        on = options.pop("on", False) or cause is Cause.SUPERSEDED
        return right(planner, *row, cause=cause, on=on, **options)

    return reject


def _without_judging(_right: Callable[..., Any]) -> Any:
    def returned(keeper: Gatekeeper, lane: int) -> None:
        keeper._take(keeper._lanes[lane], -1)
        keeper.announce()

    return returned


def _forgotten(_right: Callable[..., Any]) -> Any:
    def sent_at(rows: TakenRows, row: int, otherwise: int) -> int:
        return rows._sent_at.pop(row, otherwise)

    return sent_at


PAST = (
    fault(
        "a failing ledger is not told",
        "A ledger that fails while a gate waits for outcomes is heard of by nobody: no end.",
        {"ledger.journal.Journal.tell": always(None)},
        caught_by={"comes to its end"},
    ),
    fault(
        "a floor of its own run alone",
        "A new run's floor does not count the agents whom another run has taken off.",
        {"run.handover.rules.taken_off": always(NOBODY)},
        caught_by={"gate and floor"},
    ),
    fault(
        "counted up twice",
        "An agent whom another run has set on counts again when this run sets the agent on.",
        {"ledger.handover_groups.up_already": always(set())},
        caught_by={"gate and floor"},
    ),
    fault(
        "superseded not counted by a revert",
        "A revert's gate does not count the agents whom a later run has taken off.",
        {"ledger.plan.Planner.reject": _uncounted},
        caught_by={"gate and floor"},
    ),
    fault(
        "on by a lost request",
        "A floor takes an agent for on whom another run has asked on without an answer.",
        {
            "ledger.off_already._OFF": written(
                "AND (p.status = 'applied' OR b.arguments = a.arguments)", ""
            )
        },
        caught_by={"gate and floor"},
    ),
    fault(
        "estimated although counted",
        "Where the ledger takes no more at the end, the result has no causes.",
        {"run.finish._judged": _estimated},
        caught_by={"counted as reported"},
    ),
    fault(
        "seen although taken off",
        "With --up-means available an agent counts whom another run has taken off since.",
        {"ledger.handover_groups._UP_NO_MORE": written("was AND NOT up", "FALSE")},
        caught_by={"gate and floor"},
    ),
    fault(
        "canaries awaited for ever",
        "Where all canaries are another run's by the time they are taken, nobody goes on: no end.",
        {"engine.gates.gatekeeper.Gatekeeper.returned": _without_judging},
        caught_by={"comes to its end"},
    ),
    fault(
        "a revert without those who are back",
        "Where a later run has on all who would come back, a revert knows no floor.",
        {"ledger.coverage.CoverageCounter.back_already": always(None)},
        caught_by={"gate and floor"},
    ),
    fault(
        "a clock ahead by a run meanwhile",
        "A run during which another one began is taken for one whose clock was ahead.",
        {"ledger.elapsed.LegOrder.meanwhile": always(False)},
        caught_by={"reaches its aim"},
    ),
    fault(
        "a burst for each pass",
        "What is sent once more within a run has a rate of its own, which begins with its burst.",
        {"engine.throttle.slots.Slots.follow": always(None)},
        caught_by={"within rate"},
    ),
    fault(
        "finished before it was sent",
        "A clock that is set back before a retry dates a row's end before its first request.",
        {"ledger.taken_rows.TakenRows.sent_at": _forgotten},
        caught_by={"timed as it was"},
    ),
)
"""All of them."""
