"""Guardrails: agents who are never touched, and rosters with more agents than may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.simulation.history import Ended, Morning
from tests.simulation.judge.evidence import KILLED, Evidence, assignments_of
from tests.simulation.world import SENDING, CommandKind

_REFUSED = frozenset({2, 6, 129, 130, 143, KILLED})
"""A command that may not go on ends so, or was refused for something else before it knew."""


def protected_are_left(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """No request is sent for a protected agent."""
    for process, requests in evidence.of_process.items():
        protected = _asked(morning, evidence.ended.get(process), "protect") or ()
        for each in requests:
            if each.agent in protected:
                yield (
                    f"process {process}: agent {each.agent} is protected, and request"
                    f" {each.number} arrived at {each.gateway} at {each.arrived_s:.3f} s"
                )


def too_many_are_refused(morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Nothing is sent for a roster with more agents than --max-agents, and no command exceeds it.

    What a failover has undone is sent once more beside what is left of a run.
    """
    for end in evidence.ended.values():
        most = _asked(morning, end, "max_agents")
        if most is None or end.command.kind not in SENDING:
            continue
        told = f"process {end.process}: --max-agents is {most}"
        sent = evidence.agents_of_process(end.process)
        if len(sent) > most and not end.settings.get("resend_after_switchover"):
            yield f"{told}, and it has sent for {len(sent)} agents"
        number = _agents_of_roster(morning, evidence, end)
        if number <= most:
            continue
        told = f"{told}, its roster has {number} agents"
        if sent:
            yield f"{told}, and it has sent for {len(sent)}"
        if end.exit_code not in _REFUSED:
            yield f"{told}, and its exit code is {end.exit_code}"


def _agents_of_roster(morning: Morning, evidence: Evidence, end: Ended) -> int:
    """How many agents a new run would set; none of a command that may go on with an old one."""
    if end.command.kind is not CommandKind.APPLY or end.command.or_resume:
        return 0
    protected = _asked(morning, end, "protect") or ()
    roster = evidence.rosters.get(end.command.roster)
    return sum(agent not in protected for _, agent, _ in assignments_of(roster))


def _asked(morning: Morning, end: Ended | None, name: str) -> Any:
    """A setting that no ledger keeps: each command has the world's, or its own."""
    own = end.command.settings if end is not None else {}
    return own.get(name, morning.world.settings.get(name))
