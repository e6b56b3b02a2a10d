"""Faults between commands: which of them may go on with a run, and which leaves agents to which."""

from __future__ import annotations

import fcntl
import signal
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from bulkagent.errors import RunNotFound
from bulkagent.ledger import Overlap, RunRecord
from bulkagent.run.plan import same_roster
from bulkagent.run.plan.apply import Planned
from bulkagent.run.plan.recorded import locked_run
from bulkagent.run.plan.request import Request
from bulkagent.run.send.control import LegControl
from tests.simulation.mutants.mutant import always, fault, instead, written

_WITH_PLANS = written("AND EXISTS (SELECT 1 FROM legs l WHERE l.run = runs.run)", "AND 1")


def _gives_up(_right: Callable[..., Any]) -> Any:
    def resume_instead(
        database: Any, planned: Planned, asked: Request, *, now_ms: int, began_ms: int
    ) -> Planned:
        del began_ms
        for latest in same_roster._rivals(database, planned, asked, now_ms)[:1]:
            if latest.done:
                break
            try:
                facts, lock = locked_run(database, latest.id)
            except RunNotFound:
                break  # it was just being discarded
            try:
                return same_roster._gone_on_with(database, facts, lock, planned, asked)
            except BaseException:
                lock.release()
                raise
        return planned

    return resume_instead


async def _at_once(*_args: Any, **_options: Any) -> None:
    """Nobody is waited for."""


def _by_a_signal(_right: Callable[..., Any]) -> Any:
    def taken_over(control: LegControl, _by: str) -> None:
        control.stop(signal.SIGTERM)

    return taken_over


def _named_alone(_right: Callable[..., Any]) -> Any:
    def note_take_over(record: RunRecord, leg: int, taken: Sequence[Overlap]) -> None:
        names = ", ".join(overlap.run_id for overlap in taken)
        record.database.execute(
            "UPDATE legs SET took_over = ? WHERE run = ? AND leg = ?", [(names, record.run, leg)]
        )

    return note_take_over


_SHARED_LOCKS = SimpleNamespace(
    flock=fcntl.flock, LOCK_EX=fcntl.LOCK_SH, LOCK_SH=fcntl.LOCK_SH, LOCK_NB=fcntl.LOCK_NB
)

SEVERAL = (
    fault(
        "a plan for a run",
        "--or-resume takes another's throw-away plan for a run in progress (A2).",
        {"ledger.runs._BEGUN": _WITH_PLANS},
        caught_by={"one of several sends"},
    ),
    fault(
        "gives up at the first",
        "--or-resume looks at the latest plan alone, and begins a new run where that has just gone"
        " (A2).",
        {
            "ledger.runs._BEGUN": _WITH_PLANS,
            "run.plan.same_roster.resume_instead": _gives_up,
        },
        caught_by={"one of several sends"},
    ),
    fault(
        "nobody looks again",
        "A new run begins although another of the same roster has begun since it was planned.",
        {"run.plan.same_roster.begun_since": always(None)},
        caught_by={"one of several sends"},
    ),
    fault(
        "shared locks",
        "Two processes can own one run at once.",
        {"ledger.run_lock.fcntl": instead(_SHARED_LOCKS)},
        caught_by={"one process at a time"},
    ),
    fault(
        "take-over does not wait",
        "A take-over begins to send while the other run has requests in flight.",
        {"run.take_over.make_way": instead(_at_once)},
        caught_by={"one for an agent", "take-over waits"},
    ),
    fault(
        "undone by a scheduler",
        "A run that was taken over ends 143, and its restart sets all its agents again (A14).",
        {
            "run.send.control.LegControl.taken_over": _by_a_signal,
            "ledger.agent_leases.note_take_over": _named_alone,
            "ledger.agent_leases.take_from": always(None),
            "ledger.set_aside.supersede": always({}),
            "ledger.set_aside.leave_to_persons": always(0),
        },
        caught_by={"left to later runs"},
    ),
    fault(
        "resume overrides",
        "A resume sends also to agents whom a later run has set.",
        {"ledger.set_aside.supersede": always({})},
        caught_by={"left to later runs"},
    ),
    fault(
        "new run overrides",
        "An unattended run of the same roster sets again what a person has set otherwise since.",
        {"ledger.set_aside.leave_to_persons": always(0)},
        caught_by={"a person's word"},
    ),
    fault(
        "leases ignored",
        "A run begins although another one in progress has some of its agents.",
        {"ledger.agent_leases._overlaps_before": always(())},
        caught_by={"one run for an agent"},
    ),
)
"""All of them."""
