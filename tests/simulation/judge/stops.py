"""What ends a run before its rows are done: deadline, the rule for first agents, canaries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tests.simulation.history import Ended, Handled, Morning
from tests.simulation.judge.evidence import KILLED, Evidence
from tests.simulation.world import EPOCH_MS, EventKind, FaultKind, RowKind

_LATE_S = 1.0
"""What was begun just before reaches the gateway by then; so does word of the answers."""
_SET_UP = {"000-002": 1, "000-003": 1, "100-007": 4}
"""After so many such answers an agent is not tried again in a run."""
_BEGUN_S = 0.3
"""What has its mark when a signal comes still leaves, by then."""
_WRITES_S = 5.0
"""So long reports and the ledger take at the end of a command."""
_ROUNDED_S = 0.0015
_AT_LEAST = 50
"""So many have to be finished before --halt says anything."""
_FINISHED = frozenset({"applied", "rejected", "failed", "unknown"})
_ASIDE = frozenset({"not_signed_in", "superseded", "interrupted"})
_ANSWERED = frozenset({FaultKind.REFUSES, FaultKind.GARBAGE, FaultKind.SLOW})


def deadline_holds(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After --deadline no more attempts start. It counts from no later than the first one."""
    for process, requests in evidence.of_process.items():
        settings = evidence.settings(process)
        deadline_s = settings.get("deadline_s")
        if deadline_s is None:
            continue
        lost = not evidence.swallowed.isdisjoint(each.gateway for each in requests)
        on_the_way_s = _on_the_way_s(morning, settings, lost=lost)
        end_s = requests[0].arrived_s + float(deadline_s) + on_the_way_s
        if requests[-1].arrived_s > end_s:
            yield (
                f"process {process}: the first request arrived at {requests[0].arrived_s:.3f} s,"
                f" and {requests[-1].number} at {requests[-1].arrived_s:.3f} s, with a deadline"
                f" of {deadline_s:g} s"
            )


def _on_the_way_s(morning: Morning, settings: Mapping[str, Any], *, lost: bool) -> float:
    """How long after its attempt has begun a request may arrive.

    The attempt begins before the GUID is asked for, and before there is a connection. The service
    of GUIDs may be slow, and then waits for its turn in the rate once more.
    """
    asked_s = float(settings.get("timeout_s", 10.0)) if morning.world.source_faults else 0.0
    connecting_s = float(settings.get("connect_timeout_s", 3.0)) if lost else 0.0
    return _BEGUN_S + asked_s + connecting_s


def stops_in_order(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """After a signal nothing more is begun, and the command ends within --grace."""
    signals = [each for each in morning.world.events if each.kind is EventKind.SIGNAL]
    for number, requests in evidence.of_process.items():
        end = evidence.ended.get(number)
        own = [each for each in signals if each.process == number]
        # A signal before the first request ends the command at once, or a moment later.
        if end is None or end.exit_code == KILLED or not own or own[0].at_s < end.began_s:
            continue
        stopped_s = own[0].at_s
        if not requests[0].arrived_s < stopped_s < end.ended_s:
            continue
        lost = requests[-1].gateway in evidence.swallowed
        late_s = stopped_s + _on_the_way_s(morning, end.settings, lost=lost)
        if requests[-1].arrived_s > late_s:
            yield (
                f"process {number} was stopped at {stopped_s:.3f} s, and its request"
                f" {requests[-1].number} arrived at {requests[-1].arrived_s:.3f} s"
            )
        # A second signal cuts off what is in flight.
        grace_s = float(end.settings.get("grace_s", 15.0))
        until_s = min(stopped_s + grace_s, own[1].at_s if len(own) > 1 else math.inf)
        if end.ended_s > until_s + _WRITES_S and not evidence.disk_failed:
            yield (
                f"process {number} was stopped at {stopped_s:.3f} s, had to end by"
                f" {until_s:.3f} s, and ended at {end.ended_s:.3f} s"
            )


def starts_when_told(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """With --start-at nothing is sent before that time."""
    for process, requests in evidence.of_process.items():
        end = evidence.ended.get(process)
        if end is None or not end.command.start_in_s or evidence.clocks_moved:
            continue
        begins_s = end.began_s + end.command.start_in_s
        if requests[0].arrived_s < begins_s - _ROUNDED_S:
            yield (
                f"process {process} was to start at {begins_s:.3f} s, and its request"
                f" {requests[0].number} arrived at {requests[0].arrived_s:.3f} s"
            )


def too_many_fail(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Once --halt fail=N of the finished agents are not applied, no further agent is begun."""
    for run_id, legs in evidence.legs.items():
        leg = legs[0]
        halt = leg.settings.get("halt")
        resends = leg.settings.get("resend_after_switchover")
        if halt is None or resends or evidence.clocks_moved or evidence.forgot:
            continue
        finished = sorted(
            (row.finished_at, row.status == "applied")
            for row in leg.report
            if row.finished_at
            and row.status in _FINISHED
            and row.cause not in _ASIDE
            and not evidence.strayed_in(run_id, row.gateway)
        )
        known_s = _too_many_s(halt, finished)
        begun: set[tuple[str, str]] = set()
        for each in evidence.of_process.get(leg.process, ()):
            agent = (each.gateway, each.agent)
            if agent not in begun and each.arrived_s > known_s + _LATE_S:
                yield (
                    f"run {run_id}: too many had failed at {known_s:.3f} s, and request"
                    f" {each.number} for another agent arrived at {each.arrived_s:.3f} s"
                )
                break
            begun.add(agent)


def _too_many_s(halt: Any, finished: list[tuple[str, bool]]) -> float:
    """When as many had failed as --halt allows."""
    failed = 0
    for number, (at, applied) in enumerate(finished, 1):
        failed += not applied
        share = getattr(halt, "share", None)
        enough = failed >= share * number if share is not None else failed >= halt.agents
        if number >= _AT_LEAST and enough:
            return datetime.fromisoformat(at).timestamp() - EPOCH_MS / 1000
    return math.inf


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
        put_off = int(first.settings["max_attempts"]) < max(_SET_UP.values())
        if roster is None or not number or put_off:
            continue
        sent = evidence.of_process.get(first.process, ())
        for gateway in sorted({each.gateway for each in sent}):
            agents = sum(
                row.gateway == gateway and row.kind is RowKind.ASSIGNMENT for row in roster.rows
            )
            here = [each for each in sent if each.gateway == gateway]
            yield from _went_on(first, gateway, here, min(number, agents))


def _went_on(leg: Ended, gateway: str, sent: list[Handled], number: int) -> Iterator[str]:
    answers: Counter[str] = Counter()
    finished = 0
    for each in sorted(sent, key=lambda each: each.ended_s or math.inf):
        if each.ended_s is None or each.accepted or each.answer != sent[0].answer:
            return
        answers[each.agent] += 1
        finished += answers[each.agent] == _SET_UP.get(each.answer, math.inf)
        if finished == number:
            known_s = each.ended_s + _LATE_S
            break
    else:
        return
    if sent[-1].arrived_s > known_s:
        yield (
            f"process {leg.process}: the first {number} agents at {gateway} all got"
            f" {sent[0].answer}, and request {sent[-1].number} arrived at"
            f" {sent[-1].arrived_s:.3f} s"
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
