"""What a revert gives back: only what the run has changed, and only to what was known before."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from tests.simulation.history import Handled, Morning
from tests.simulation.judge.evidence import Agent, Evidence, answered_in_time

_OPPOSITE = {"0": "1", "1": "0"}
_KILLED = 137


class Known(enum.Enum):
    """What is known of a talk right beside `0` and `1`."""

    NOTHING = "nothing"
    DOUBT = "doubt"


def gives_back(_morning: Morning, evidence: Evidence) -> Iterator[str]:
    """Each agent that the run changed, or may have changed, gets its setting from before."""
    for run in evidence.runs.values():
        if not run.reverts or run.reverts not in evidence.runs or evidence.forgot:
            continue
        # The process that planned it may have been killed before it sent anything.
        planned = [end for end in evidence.ended.values() if end.run_id == run.run_id]
        guesses = any(end.command.assume_opposite for end in planned)
        killed = any(leg.exit_code == _KILLED for leg in evidence.legs.get(run.reverts, ()))
        for agent, sent in evidence.agents_of_run(run.run_id).items():
            told = f"run {run.run_id} reverts {run.reverts}, agent {agent[1]} at {agent[0]}"
            changes = [*evidence.of_row(run.reverts, *agent)]
            if all(_refused(evidence, each) for each in changes):
                # A kill between mark and sending leaves a mark, and so may have changed the agent.
                if not killed:
                    yield f"{told}: sent, and that run changed nothing"
                continue
            yield from _to_what_was_before(evidence, told, agent, changes[0], sent, guesses=guesses)
            yield from _set_since(evidence, told, (run.reverts, run.run_id), agent, sent[0])


def _refused(evidence: Evidence, request: Handled) -> bool:
    return (
        answered_in_time(evidence, request)
        and not request.accepted
        and request.effect_s is None
        and request.answer[:1].isdigit()
        and request.gateway not in evidence.strayed
    )


def _to_what_was_before(
    evidence: Evidence,
    told: str,
    agent: Agent,
    change: Handled,
    sent: list[Handled],
    *,
    guesses: bool,
) -> Iterator[str]:
    before = _known_before(evidence, agent, change)
    if before is Known.DOUBT:
        return
    wanted = _OPPOSITE[change.flag] if before is Known.NOTHING and guesses else before
    for each in sent:
        if each.flag != wanted:
            known = before.value if isinstance(before, Known) else before
            yield f"{told}: sent {each.flag} at {each.arrived_s:.3f} s; known before was {known}"
            return


def _known_before(evidence: Evidence, agent: Agent, change: Handled) -> str | Known:
    """What the ledger last knew of an agent before a run's first request for it."""
    run_id = evidence.run_of[change.process]
    known: str | Known = Known.NOTHING
    for each in evidence.of_agent[agent]:
        if each.number == change.number:
            return known
        if evidence.is_later(evidence.run_of.get(each.process, ""), run_id):
            return Known.DOUBT
        if _refused(evidence, each):
            continue
        sure = each.answer == "0" and each.accepted and answered_in_time(evidence, each)
        known = each.flag if sure and each.gateway not in evidence.strayed else Known.DOUBT
    return known


def _set_since(
    evidence: Evidence, told: str, runs: tuple[str, str], agent: Agent, sent: Handled
) -> Iterator[str]:
    """An agent that a later run has set; `runs` are the one that is reverted and the revert."""
    leg = evidence.ended[sent.process]
    for each in evidence.of_agent[agent]:
        other = evidence.run_of.get(each.process, "")
        if (
            other not in runs
            and evidence.is_later(other, runs[0])
            and each.accepted
            and answered_in_time(evidence, each)
            and each.ended_s is not None
            and each.ended_s < leg.began_s
        ):
            yield f"{told}: sent, and run {other} has set it at {each.effect_s} s"
            return
