"""Agents that are left alone: those that are set already, and those of a later run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.simulation.history import Ended, Handled, Morning
from tests.simulation.judge.evidence import Agent, Evidence, answered_in_time, assignments_of
from tests.simulation.world import CommandKind

_FINISHED = frozenset({0, 4})
_FAILS_OVER = frozenset({"000-004", "105-001", "105-002", "105-003", "105-004"})
_AGENTS_OF_A_FAILOVER = 3


def applied_once(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A run sends nothing more for an agent who was applied.

    Guide, doubt and outages: except after a reply too many, and with --resend-after-switchover.
    """
    for run_id, legs in evidence.legs.items():
        resends = any(leg.settings.get("resend_after_switchover") for leg in legs)
        for (gateway, agent), requests in evidence.agents_of_run(run_id).items():
            if evidence.strayed_in(run_id, gateway) or (resends and failed_over(evidence, gateway)):
                continue
            told = f"run {run_id}, agent {agent} at {gateway}"
            for before, after in pairwise(requests):
                if _known_as_applied(evidence, before, after):
                    yield (
                        f"{told}: request {before.number} of process {before.process} was"
                        f" answered 0 at {before.ended_s} s, and process {after.process} sent"
                        f" {after.number} at {after.arrived_s:.3f} s"
                    )


def failed_over(evidence: Evidence, gateway: str) -> bool:
    """Guide, outages: it counts as a failover if three agents get an answer that says so."""
    agents = {each.agent for each in evidence.of_gateway[gateway] if each.answer in _FAILS_OVER}
    return len(agents) >= _AGENTS_OF_A_FAILOVER


def _known_as_applied(evidence: Evidence, before: Handled, after: Handled) -> bool:
    if before.answer != "0" or before.ended_s is None or before.ended_s >= after.arrived_s:
        return False
    sender = evidence.ended.get(before.process)
    if sender is not None and before.process != after.process and sender.report:
        agent = (before.gateway, before.agent)
        return any(
            row.status == "applied" and (row.gateway, row.agent_id) == agent
            for row in sender.report
        )
    if evidence.disk_failed or evidence.forgot:
        return False
    return answered_in_time(evidence, before)


def left_to_later_runs(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """An agent to which a later run has sent anything is left to that run."""
    if evidence.forgot:
        return
    for (gateway, agent), requests in evidence.of_agent.items():
        for number, request in enumerate(requests):
            run_id = evidence.run_of.get(request.process, "")
            later = next(
                (
                    other
                    for other in requests[:number]
                    if evidence.is_later(evidence.run_of.get(other.process, ""), run_id)
                ),
                None,
            )
            if later is not None:
                by = evidence.ended.get(later.process)
                whose = "a person's" if by is not None and by.command.person else "the"
                yield (
                    f"agent {agent} at {gateway}: {whose} run {evidence.run_of[later.process]}"
                    f" began later and sent {later.flag} at {later.arrived_s:.3f} s; process"
                    f" {request.process} of run {run_id} sent {request.flag} at"
                    f" {request.arrived_s:.3f} s"
                )


def persons_setting_stays(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """A new unattended run leaves alone what a person has set since the latest finished run."""
    if evidence.forgot or evidence.clocks_moved:
        return
    for run_id, legs in evidence.legs.items():
        leg = legs[0]
        command = leg.command
        if command.kind is not CommandKind.APPLY or command.person or not command.or_resume:
            continue
        finished = _latest_finished(morning, evidence, leg)
        if finished is None:
            continue
        for request in evidence.of_process.get(leg.process, ()):
            setter = _last_set(evidence, (request.gateway, request.agent), before=leg.began_s)
            if setter is None or setter.flag == request.flag:
                continue
            by = evidence.ended[setter.process]
            young = leg.began_s - by.ended_s < float(leg.settings.get("max_age_s", 7200.0))
            since = evidence.is_later(by.sent_for, finished.sent_for)
            if by.command.person and young and since and by.sent_for != run_id:
                yield (
                    f"agent {request.agent} at {request.gateway}: a person's run {by.sent_for}"
                    f" set {setter.flag} at {setter.effect_s} s, and the unattended run {run_id}"
                    f" sent {request.flag} at {request.arrived_s:.3f} s"
                )


def _latest_finished(morning: Morning, evidence: Evidence, leg: Ended) -> Ended | None:
    """The last leg of the same roster that finished before this one began."""
    wanted = assignments_of(evidence.rosters.get(leg.command.roster))
    found = [
        each
        for run in morning.runs
        for each in evidence.legs.get(run.run_id, ())
        if each.exit_code in _FINISHED
        and each.ended_s < leg.began_s
        and assignments_of(evidence.rosters.get(run.roster)) == wanted
    ]
    return max(found, key=lambda each: each.ended_s, default=None)


def _last_set(evidence: Evidence, agent: Agent, *, before: float) -> Handled | None:
    """The last request that set an agent; None where its sender may not know that."""
    requests: Sequence[Handled] = evidence.of_agent.get(agent, ())
    found = [each for each in requests if each.effect_s is not None and each.effect_s < before]
    if not found or found[-1].process not in evidence.ended:
        return None
    return found[-1] if answered_in_time(evidence, found[-1]) else None
