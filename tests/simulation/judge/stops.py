"""What ends a run before its rows are done: deadline, the rule for first agents, canaries."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tests.simulation.history import Ended, Handled, Morning
from tests.simulation.judge.evidence import Evidence
from tests.simulation.world import FaultKind, RowKind

_LATE_S = 1.0
"""What was begun just before reaches the gateway by then; so does word of the answers."""
_SET_UP = frozenset({"000-002", "000-003"})
"""Answers after which nothing is tried again, so that the first ones are soon known."""
_ANSWERED = frozenset({FaultKind.REFUSES, FaultKind.GARBAGE, FaultKind.SLOW})


def deadline_holds(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After --deadline no more attempts start. It counts from no later than the first one."""
    for process, requests in evidence.of_process.items():
        settings = evidence.settings(process)
        deadline_s = settings.get("deadline_s")
        if deadline_s is None:
            continue
        connecting_s = float(settings.get("connect_timeout_s", 3.0))
        end_s = requests[0].arrived_s + float(deadline_s) + connecting_s + _LATE_S
        if requests[-1].arrived_s > end_s:
            yield (
                f"process {process}: the first request arrived at {requests[0].arrived_s:.3f} s,"
                f" and {requests[-1].number} at {requests[-1].arrived_s:.3f} s, with a deadline"
                f" of {deadline_s:g} s"
            )


def wrong_set_up_halts(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """If the first agents all get the same answer of a wrong set-up, the gateway gets no more.

    It is judged where each attempt gets to the gateway and is answered, for no other one is seen.
    """
    world = morning.world
    if world.source_faults or any(fault.kind not in _ANSWERED for fault in world.faults):
        return
    for run_id, legs in evidence.legs.items():
        run, first = evidence.runs.get(run_id), legs[0]
        roster = evidence.rosters.get(run.roster) if run else None
        number = int(first.settings.get("halt_first", 50))
        if roster is None or not number:
            continue
        sent = evidence.of_process.get(first.process, ())
        for gateway in sorted({each.gateway for each in sent}):
            agents = sum(
                row.gateway == gateway and row.kind is RowKind.ASSIGNMENT for row in roster.rows
            )
            here = [each for each in sent if each.gateway == gateway]
            yield from _went_on(first, gateway, here, min(number, agents))


def _went_on(leg: Ended, gateway: str, sent: list[Handled], number: int) -> Iterator[str]:
    answers: dict[str, str] = {}
    for each in sorted(sent, key=lambda each: each.ended_s or math.inf):
        if each.ended_s is None or each.accepted:
            return
        answers.setdefault(each.agent, each.answer)
        if len(answers) == number:
            known_s = each.ended_s + _LATE_S
            break
    else:
        return
    found = set(answers.values())
    if len(found) == 1 and found <= _SET_UP and sent[-1].arrived_s > known_s:
        yield (
            f"process {leg.process}: the first {number} agents at {gateway} all got {found},"
            f" and request {sent[-1].number} arrived at {sent[-1].arrived_s:.3f} s"
        )


def canaries_go_first(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Of --canary N agents one at least is set before any other agent gets a request."""
    for run_id, legs in evidence.legs.items():
        number = int(legs[0].settings.get("canary", 0))
        if not number:
            continue
        agents: set[tuple[str, str]] = set()
        # A stray "0" in the place of an answer proves as much, as far as the client can see.
        proven_s = min(
            (
                found_s
                for each in evidence.of_run.get(run_id, ())
                for found_s in (each.effect_s if each.accepted else None, each.strayed_s)
                if found_s is not None
            ),
            default=math.inf,
        )
        for each in evidence.of_process.get(legs[0].process, ()):
            agents.add((each.gateway, each.agent))
            if each.arrived_s >= proven_s:
                break
            if len(agents) > number:
                yield (
                    f"run {run_id}: request {each.number} is for agent {len(agents)} at"
                    f" {each.arrived_s:.3f} s, before one of {number} canaries was set"
                )
                break
