"""When all faults have ended, every run comes to its end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from tests.simulation.history import Morning, ReportRow, RunRow
from tests.simulation.judge.evidence import Agent, Evidence
from tests.simulation.judge.handover import Group, lines_of_run, numbers_of
from tests.simulation.world import SENDING, SourceKind

_WELL = frozenset({0, 4})
_LEFT_SOME = 3
_REFUSED = 2
_HELD = 6
_FOR_GOOD = frozenset({"superseded", "previous_unknown", "protected"})
_HOLDS = frozenset({"gate", "floor"})
_LONGEST_S = 3_600.0
"""For one command of the end, beside what its settings let it wait."""


def comes_to_an_end(morning: Morning, _evidence: Evidence) -> Iterator[str]:
    """A morning ends, and no command at its end takes longer than its settings let it."""
    if morning.stuck:
        yield morning.stuck
    for end in morning.last:
        rate = end.settings.get("per_second") or math.inf
        waits_s = sum(
            float(end.settings.get(name) or 0.0)
            for name in ("wait_for_sign_in_s", "retry_for_s", "give_up_after_s", "grace_s")
        )
        allowed = _LONGEST_S + waits_s + 4 * len(end.report) / float(rate)
        if end.ended_s - end.began_s > allowed:
            yield f"process {end.process} took {end.ended_s - end.began_s:.0f} s at the end"


def reaches_its_aim(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """All runs that have begun end with 0 or 4, unless an agent is lost to them for good."""
    refused = {
        end.command.run: end
        for end in morning.last
        if end.command.kind in SENDING and end.exit_code == _REFUSED
    }
    # Guide, resume: a run that was recorded when the clock was ahead is refused.
    for end in () if evidence.clocks_moved else refused.values():
        yield f"process {end.process} of the end, run {end.command.run}: {end.said}"
    for run in morning.runs:
        if not run.begun or run.exit_code in _WELL or not morning.last or run.run_id in refused:
            continue
        told = f"run {run.run_id} ended with {run.exit_code}, {run.state}"
        left = [row for row in run.report if _left(row)]
        lost = [row for row in left if _lost(morning, evidence, row)]
        if run.exit_code == _LEFT_SOME:
            found = [row for row in left if row not in lost]
            if found or not left:
                yield f"{told}: {_named(found)}"
        elif run.exit_code == _HELD:
            if not lost and not _rightly_held(morning, evidence, run):
                yield f"{told}: {_named(left)}"
        else:
            yield f"{told}: {_named(left)}"


def _left(row: ReportRow) -> bool:
    return row.status not in {"applied", "invalid", "duplicate"}


def _lost(morning: Morning, evidence: Evidence, row: ReportRow) -> bool:
    """Whether no resume can help an agent: refused, left to others, or without a session."""
    if row.status == "rejected" or row.cause in _FOR_GOOD:
        return True
    model = next(each for each in morning.world.gateways if each.name == row.gateway)
    end_s = max((end.ended_s for end in evidence.ended.values()), default=math.inf)
    old_guid = morning.world.source is SourceKind.COLUMN and (
        row.agent_id in model.newer or row.agent_id in model.absent
    )
    gone = row.agent_id in model.leaves or model.absent.get(row.agent_id, 0.0) > end_s
    # A row in doubt keeps the cause of its doubt, until a "0" that never comes.
    return gone or old_guid


def _rightly_held(morning: Morning, evidence: Evidence, run: RunRow) -> bool:
    """Whether gate or floor cannot open, by what became of the rows."""
    legs = evidence.legs.get(run.run_id, ())
    left = [row for row in run.report if _left(row)]
    if not legs or not left:
        return False
    settings = legs[-1].settings
    lines = lines_of_run(evidence, run, settings.get("group_by") or "")
    if not lines:
        return True
    rows = {
        (row.gateway, row.agent_id): row
        for row in run.report
        if row.status not in {"invalid", "duplicate"}
    }
    # One that was tried keeps its own cause, and is held all the same.
    causes = _HOLDS & {row.cause for row in left} or {row.cause for row in left}
    held = {
        line.group
        for line in lines
        if line.flag == "0"
        and line.agent in rows
        and rows[line.agent].cause in causes
        and _left(rows[line.agent])
    }
    if not held or {line.flag for line in lines} != {"0", "1"}:
        return False
    for name, group in numbers_of(lines).items():
        if name not in held or not group.incoming or _left_to_others(run, group, rows):
            continue
        up = sum(
            each in rows
            and rows[each].status == "applied"
            and "0" not in _asked_by_others(evidence, run, each)
            for each in group.coming_on
        )
        off = group.invalid_off + sum(
            each in rows
            and (_cannot_be_counted_on(rows[each]) or "0" in _asked_by_others(evidence, run, each))
            for each in group.going_off
        )
        if group.lets_go(up, off, settings):
            return False
    return True


def _left_to_others(run: RunRow, group: Group, rows: Mapping[Agent, ReportRow]) -> bool:
    """Whether nobody comes on by a revert itself.

    Guide, revert: a group stays on whose agents coming back are all a later run's.
    """
    return bool(run.reverts) and all(
        each in rows and rows[each].cause == "superseded" for each in group.coming_on
    )


def _cannot_be_counted_on(row: ReportRow) -> bool:
    return row.status in {"applied", "unknown"} or row.cause == "not_signed_in"


def _asked_by_others(evidence: Evidence, run: RunRow, agent: Agent) -> set[str]:
    """The flags that other runs have asked for an agent, who may be as they have it."""
    return {
        each.flag
        for each in evidence.of_agent.get(agent, ())
        if evidence.run_of.get(each.process) != run.run_id
    }


def _named(rows: list[ReportRow]) -> str:
    told = [f"{row.agent_id} at {row.gateway} {row.status} {row.cause}" for row in rows[:5]]
    return ", ".join(told) or "nothing is left"
