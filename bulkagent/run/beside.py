"""The runs beside another one: what becomes of them if it is agreed to, and what became of them.

The one who agrees has to know that first, and a refusal that is certain needs no question.
"""

from __future__ import annotations

import contextlib
import enum
import warnings

import msgspec

from bulkagent.errors import (
    BulkagentError,
    GuardrailRefused,
    Refused,
    ResumeRefused,
    RunBusy,
    RunNotFound,
)
from bulkagent.ledger import (
    Overlap,
    RunRecord,
    drained_for,
    find_run,
    overlaps,
    run_size,
    shared_agents,
)
from bulkagent.run.plan.consent import Consent
from bulkagent.run.plan.next_command import resume_command
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.take_over import ALL, TakeOverPlan, plan_take_over, refusal


class RunFate(enum.StrEnum):
    """What becomes of a run in progress that has agents of another one."""

    DRAINED = "drained"
    """It stops, for all its agents."""
    CORRECTED = "corrected"
    """It leaves the agents that both want, and goes on with its others."""
    LEFT = "left"
    """The agents that both want stay with it."""
    AGAINST = "against"
    """Because of it nothing may be sent."""
    OPEN = "open"
    """The other one begins later, and looks again then."""


class RunBeside(msgspec.Struct, frozen=True, kw_only=True):
    """A run in progress that has agents of another one."""

    run_id: str
    who: str
    """The user and machine that have begun it; "" where nobody knows."""
    shared: int
    """How many agents both want."""
    some: tuple[str, ...]
    """The IDs of the first of them."""
    agents: int
    """How many agents it has."""
    left: int
    """How many of these it has not set yet."""
    fate: RunFate


class Beside(msgspec.Struct, frozen=True):
    """All of them, and whether they keep the other one from sending anything."""

    runs: tuple[RunBeside, ...] = ()
    refused: BulkagentError | None = None
    """Why nothing could be sent whatever the answer is; None where something can."""


class DrainedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was drained for another one and is not done."""

    run_id: str
    who: str
    agents: int
    left: int
    command: str
    """The command that goes on with it; "" where it cannot be known whole."""


def look_beside(leg: PlannedLeg, *, consent: Consent | None, later: bool) -> Beside:
    """What becomes of the runs in progress that have agents of a leg.

    Args:
        leg: It, which has not begun.
        consent: How it would be agreed to.
        later: Whether it waits for its start, when everything is looked at again.
    """
    if not leg.plan.at_work and not leg.asked.take_over:
        return Beside()
    try:
        found = overlaps(leg.record)
        if later:
            return Beside(tuple(_beside(leg, overlap, RunFate.OPEN) for overlap in found))
        take_over = _planned(leg, found, consent)
        refused = _refused_by(leg, take_over, consent)
        if refused is not None:
            # Those that were named go on, too.
            all_of_them = tuple(_beside(leg, overlap, RunFate.AGAINST) for overlap in found)
            return Beside(all_of_them, refused)
        runs = tuple(
            _beside(leg, overlap, fate)
            for fate in (RunFate.DRAINED, RunFate.CORRECTED, RunFate.LEFT)
            for overlap in getattr(take_over, fate.value)
        )
        return Beside(runs)
    except (Refused, RunNotFound) as certain:
        return Beside((), certain)
    except BulkagentError:  # the ledger cannot be read now; it is looked at once more
        return Beside()


def _planned(leg: PlannedLeg, found: tuple[Overlap, ...], consent: Consent | None) -> TakeOverPlan:
    return plan_take_over(
        found,
        named=named_runs(leg),
        person=consent is Consent.TERMINAL,
        new=leg.planned.new,
        run=leg.planned.run,
    )


def _beside(leg: PlannedLeg, overlap: Overlap, fate: RunFate) -> RunBeside:
    size = run_size(RunRecord(leg.database, overlap.run))
    return RunBeside(
        run_id=overlap.run_id,
        who=find_run(leg.database, overlap.run_id).who or "",
        shared=overlap.agents,
        some=shared_agents(leg.record, overlap.run, _SOME),
        agents=size.agents,
        left=size.left,
        fate=fate,
    )


_SOME = 3


def refuse_against(leg: PlannedLeg, take_over: TakeOverPlan, consent: Consent | None) -> None:
    """Refuse to send anything because of runs in the way.

    Raises:
        RunBusy: A run of the same roster is in progress elsewhere.
        GuardrailRefused: A run in progress has some of the agents.
    """
    if refused := _refused_by(leg, take_over, consent):
        raise refused


def _refused_by(
    leg: PlannedLeg, take_over: TakeOverPlan, consent: Consent | None
) -> Refused | None:
    """Why nothing may be sent because of runs in the way; None where something may."""
    if not take_over.against:
        return None
    elsewhere = all(overlap.same for overlap in take_over.against)
    kind = RunBusy if elsewhere else GuardrailRefused
    person = consent is Consent.TERMINAL
    return kind(refusal(take_over, person=person), totals=leg.plan.totals)


def named_runs(leg: PlannedLeg) -> frozenset[int] | None:
    """The keys of the runs that are to be taken over; None: all.

    Raises:
        ResumeRefused: One is the run itself.
        RunNotFound: There is no run of a name.
    """
    names = leg.asked.take_over
    if isinstance(names, str):
        warnings.warn(
            "take_over is a tuple of runs now; give (run,)", DeprecationWarning, stacklevel=2
        )
        names = (names,) if names else ()
    if ALL in names:
        return None
    found = frozenset(find_run(leg.database, name).run for name in names)
    if leg.planned.run in found:
        raise ResumeRefused(
            f"--take-over {leg.plan.run_id}: that is this run itself; name the other one"
        )
    return found


def drained_runs(leg: PlannedLeg) -> tuple[DrainedRun, ...]:
    """The runs that were drained for a leg and have agents left."""
    drained: list[DrainedRun] = []
    if not leg.asked.take_over:
        return ()
    with contextlib.suppress(BulkagentError):
        for run_id in drained_for(leg.record):
            facts = find_run(leg.database, run_id)
            size = run_size(RunRecord(leg.database, facts.run))
            command = resume_command(facts, leg.database.path, leg.resolved.request.place)
            drained.append(
                DrainedRun(
                    run_id=run_id,
                    who=facts.who or "",
                    agents=size.agents,
                    left=size.left,
                    command=command or "",
                )
            )
    return tuple(run for run in drained if run.left)
