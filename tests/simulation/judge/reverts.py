"""What a revert gives back: only what the run has changed, and only to what was known before."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from tests.simulation.history import Ended, Handled, Morning
from tests.simulation.judge.evidence import Agent, Evidence, answered_in_time

_OPPOSITE = {"0": "1", "1": "0"}
_KILLED = 137
_FOR_EVER_S = 1e9


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
                # A mark without an end may have changed the agent: after a kill between mark and
                # sending, and where the ledger takes no end any more.
                if not killed and not evidence.disk_failed:
                    yield f"{told}: sent, and that run changed nothing"
                continue
            trusted_s = min((_trusted_from_s(end) for end in planned), default=0.0)
            known = _known_before(evidence, agent, changes[0], trusted_s)
            yield from _to_what_was_before(told, known, changes[0], sent, guesses=guesses)
            yield from _set_since(evidence, told, (run.reverts, run.run_id), agent, sent[0])


def _refused(evidence: Evidence, request: Handled) -> bool:
    return (
        answered_in_time(evidence, request)
        and not request.accepted
        and request.effect_s is None
        and request.answer[:1].isdigit()
        and (request.gateway, request.process) not in evidence.strayed
    )


def _trusted_from_s(end: Ended) -> float:
    """From when on what was set is surely relied on by a command that plans a revert."""
    return end.ended_s - float(end.settings.get("trust_state_s", _FOR_EVER_S))


def _to_what_was_before(
    told: str, before: str | Known, change: Handled, sent: list[Handled], *, guesses: bool
) -> Iterator[str]:
    if before is Known.DOUBT:
        return
    wanted = _OPPOSITE[change.flag] if before is Known.NOTHING and guesses else before
    for each in sent:
        if each.flag != wanted:
            known = before.value if isinstance(before, Known) else before
            yield f"{told}: sent {each.flag} at {each.arrived_s:.3f} s; known before was {known}"
            return


def _known_before(
    evidence: Evidence, agent: Agent, change: Handled, trusted_s: float
) -> str | Known:
    """What the ledger last knew of an agent before a run's first request for it.

    What was set before `trusted_s` may be too old to be relied on.
    """
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
        sure = (
            sure
            and (each.gateway, each.process) not in evidence.strayed
            and each.arrived_s >= trusted_s
        )
        known = each.flag if sure else Known.DOUBT
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
