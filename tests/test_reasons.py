"""Guide "Find out what happened": why a run ended is a value, and its sentence is made once.

The summary, the report, the log and the ledger all have the same words.
"""

from __future__ import annotations

import typing

import msgspec
import pytest

from bulkagent.cli.console.labels import is_whole
from bulkagent.cli.render.result import closing, next_as_lines
from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.ledger import CommonEnding, ConnectionFailure, HandoverGroup, OutcomeGroup
from bulkagent.model import Cause, Status
from bulkagent.reasons import (
    Advised,
    CanariesFailed,
    CanaryMisled,
    DeadlinePassed,
    FirstAllGot,
    FloorShort,
    GateShort,
    GivenUp,
    GroupHeld,
    LedgerFull,
    NobodyComesOn,
    NoCanarySet,
    NotApplied,
    Reason,
    Said,
    TakenOver,
    reason_of,
    told_once,
)
from bulkagent.run import Finished, Plan, RunResult
from bulkagent.run.handover.rules import GroupStanding

SHORT = GateShort(70, 100, 95)
FIRST = FirstAllGot(50, "east", Cause.GUID_REFUSED)

SENTENCES: dict[Reason, str] = {
    Said("as it was recorded"): "as it was recorded",
    NobodyComesOn(): "no agent comes on shift for the agents going off shift",
    SHORT: "70 of 100 agents coming on shift are up, the gate needs 95",
    FloorShort(1_079, 1_080): "with one fewer, 1,079 agents would be left, the floor needs 1,080",
    FloorShort(7, 10, fewer=False): "7 agents are left, the floor needs 10",
    CanaryMisled("guid_refused"): "a canary got guid_refused, which every agent would get",
    NoCanarySet(4): "none of the 4 canaries was set",
    CanariesFailed(2, 10, 0.05): "2 of 10 canaries were not set, beyond the 5% allowed",
    FIRST: "the first 50 on east all got guid_refused, and none of them was set",
    FirstAllGot(1, "east", Cause.TLS): "the first on east got tls, and none of them was set",
    NotApplied(10, 40, share=0.25): "10 of 40 were not applied (25.0%); the limit is 25%",
    NotApplied(10, 40, limit=10): "10 of 40 were not applied; the limit is 10",
    GivenUp("east", 5.0, answered=True): ("east was given up: there was no good answer for 5 s"),
    DeadlinePassed(90.0): "the deadline of 90 s has passed",
    TakenOver("R2"): "run R2 has taken over, so this one was drained",
    LedgerFull("/l", "the ledger /l is full"): "the ledger /l is full",
    Advised(NobodyComesOn(), "m", "a"): f"{NobodyComesOn()}: m; a",
    GroupHeld("Maple", SHORT): "Maple: 70 of 100 agents coming on shift are up, the gate needs 95",
}


@pytest.mark.parametrize("reason", list(SENTENCES), ids=lambda reason: type(reason).__name__)
def test_each_reason_has_its_sentence(reason: Reason) -> None:
    assert str(reason) == SENTENCES[reason]


def test_no_reason_is_forgotten() -> None:
    assert {type(reason) for reason in SENTENCES} == set(typing.get_args(Reason))


def test_an_error_says_once_that_sending_has_stopped() -> None:
    """The message was searched for its own words before."""
    failed = LedgerFailed.while_sending(LedgerUnavailable("the ledger /l cannot be read"))
    assert str(failed) == (
        "the ledger /l cannot be read; sending has stopped, look at the run's report"
    )
    assert LedgerFailed.while_sending(failed) is failed
    assert reason_of(failed) == Said(str(failed))
    full = LedgerFailed("the ledger /l is full", full="/l")
    again = LedgerFailed.while_sending(full)
    assert again.full == "/l"
    assert told_once([reason_of(full), reason_of(again), Said("a"), Said("a")]) == f"{full}; a"


def _closing(
    groups: tuple[GroupStanding, ...], *reasons: Reason, clusters: tuple[OutcomeGroup, ...] = ()
) -> list[str]:
    result = RunResult(
        run_id="R",
        state="halted",
        exit_code=6,
        rows=185,
        totals=dict.fromkeys((status.value for status in Status), 0),
        causes={},
        requests=0,
        retries=0,
        not_sent=0,
        elapsed_s=1.0,
        reports=(),
        next=None,
        error=told_once(reasons),
    )
    finished = Finished(result, clusters, 0, "", groups=groups, reasons=reasons)
    plan = Plan(run_id="R", layout="", rows=185, agents=185, duplicates=0, invalid=0, parts=())
    return closing(plan, finished).splitlines()


@pytest.mark.parametrize("name", ["Maple", ""])
def test_the_summary_does_not_say_twice_what_the_line_of_a_group_says(name: str) -> None:
    """Guide "The rule": the line HELD has the gate and its numbers, so WHY has not."""
    counts = HandoverGroup(
        group=name, incoming=100, outgoing=85, up=70, down=0, off=0, held=85, cause=Cause.GATE
    )
    maple = GroupStanding(name, counts, gate=95, floor=0)
    short: Reason = GroupHeld(name, SHORT) if name else SHORT
    held = next(line for line in _closing((maple,), short) if line.startswith("HELD"))
    assert str(short) in held
    assert not any(line.startswith("WHY") for line in _closing((maple,), short))
    # What the line of the group does not say, or says of another moment, stays.
    others = (FIRST, msgspec.structs.replace(SHORT, up=69), Said("as it was recorded"))
    assert f"WHY     {told_once(others)}" in _closing((maple,), short, *others)


def test_the_line_of_a_held_group_says_who_is_off_by_another_run() -> None:
    """Guide "The rule": D has the agents that another run has taken off. None of them stays on."""
    counts = HandoverGroup(
        group="", incoming=2, outgoing=10, up=2, down=0, off=0, held=10, cause=Cause.FLOOR
    )
    standing = GroupStanding("", counts, gate=2, floor=10).seen(2, taken_off=5)
    held = (
        "HELD    2 of 2 agents coming on shift are up, the floor needs 10 to be on; 0 of 10 agents"
        " going off shift are off, 5 stay on, 5 are off by another run"
    )
    lines = _closing((standing,), FloorShort(7, 10, fewer=False))
    assert lines[1:3] == ["WHY     7 agents are left, the floor needs 10", held]


def _group(*gateways: str) -> OutcomeGroup:
    common = CommonEnding((ConnectionFailure("connection refused", gateways),))
    return OutcomeGroup(Status.FAILED, Cause.CONNECT, 3, ("101",), "", common)


def test_why_says_what_the_network_said_of_a_gateway_that_never_answered() -> None:
    """No answer at all leaves open whether anybody was there."""
    refused = _group("localhost:1")
    dead = GivenUp("localhost:1", 2.0, answered=False)
    lines = _closing((), dead, clusters=(refused,))
    assert f"WHY     {dead} (connection refused by localhost:1)" in lines
    both = _closing((), dead, clusters=(_group("east", "localhost:1"),))
    assert f"WHY     {dead} (connection refused by localhost:1)" in both
    assert f"WHY     {dead}" in _closing((), dead, clusters=(_group("east"),))
    once = GivenUp("localhost:1", 2.0, answered=True)
    assert f"WHY     {once}" in _closing((), once, clusters=(refused,))


@pytest.mark.parametrize("command", ["bulkagent resume R", "bulkagent resume R --ledger l"])
def test_what_goes_on_with_a_halted_run_is_typed_after_a_person_has_looked(command: str) -> None:
    """Guide "Halted runs": without the reason an unattended resume is refused, `--override`."""
    looked, typed = next_as_lines(command, halted=True)
    assert looked == "next    after you have looked, with your reason:"
    assert typed == f"        {command} --override 'REASON'"
    assert is_whole(typed), "it is copied"
    assert next_as_lines(command, halted=False) == [f"next    {command}"]


def test_a_guess_is_called_one() -> None:
    """`--assume-opposite` sets what nobody knows."""
    command = "bulkagent revert R --assume-opposite --ledger l"
    known, typed = next_as_lines(command, halted=False)
    assert known == "next    a guess, that each agent had the opposite before:"
    assert typed == f"        {command}"


def test_a_recorded_sentence_is_told_as_it_is() -> None:
    """Ledgers of older versions have sentences and nothing else: nothing is taken out of them."""
    recorded = "Maple: 70 of 100 incoming agents are up, the gate needs 95; and more"
    assert f"WHY     {recorded}" in _closing((), Said(recorded))
