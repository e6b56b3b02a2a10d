"""Counts and ending to state and exit code: the first of 1, 129-143, 6, 5, 3, 4, 0 that holds.

Proves guide "Exit codes".
"""

from __future__ import annotations

import itertools
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.model import Cause, Status
from bulkagent.reasons import Said
from bulkagent.run.history.exit_code import ExitStatus, LegEnding, exit_status_of


def totals(**counts: int) -> dict[str, int]:
    return {status.value: 0 for status in Status} | counts


AGAIN = ExitStatus("completed", 3, again=True)
IN_VAIN = ExitStatus("completed", 4, again=False)
DONE = ExitStatus("completed", 0, again=False)


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ({}, DONE),
        ({"applied": 5}, DONE),
        ({"duplicate": 5}, DONE),
        ({"applied": 5, "duplicate": 5}, DONE),
        ({"failed": 1}, AGAIN),
        ({"unknown": 1}, AGAIN),
        ({"not_attempted": 1}, AGAIN),
        ({"rejected": 1}, IN_VAIN),
        ({"applied": 5, "rejected": 1}, IN_VAIN),
        ({"applied": 5, "rejected": 1, "invalid": 2}, IN_VAIN),
        ({"applied": 5, "invalid": 1, "duplicate": 2}, DONE),
        ({"applied": 5, "rejected": 9, "unknown": 1}, AGAIN),
        ({"rejected": 9, "invalid": 9, "failed": 1, "duplicate": 1}, AGAIN),
    ],
)
def test_a_run_that_came_to_its_end_is_judged_by_its_rows(
    counts: dict[str, int], verdict: ExitStatus
) -> None:
    assert exit_status_of(totals(**counts), {}, LegEnding()) == verdict


@pytest.mark.parametrize(
    ("ending", "state", "exit_code"),
    [
        (LegEnding(signal=signal.SIGHUP), "interrupted", 129),
        (LegEnding(signal=signal.SIGINT), "interrupted", 130),
        (LegEnding(signal=signal.SIGTERM), "interrupted", 143),
        (LegEnding(error=Said("a defect")), "interrupted", 1),
        (LegEnding(error=Said("the ledger is full"), error_code=5), "interrupted", 5),
        (LegEnding(error=Said("a defect"), signal=signal.SIGINT), "interrupted", 1),
        (LegEnding(error=Said("the disk"), error_code=5, signal=signal.SIGINT), "interrupted", 130),
        (LegEnding(causes=frozenset({Cause.DEADLINE})), "interrupted", 5),
        (LegEnding(causes=frozenset({Cause.HALTED})), "halted", 6),
        (LegEnding(causes=frozenset({Cause.HALTED, Cause.DEADLINE})), "halted", 6),
        (
            LegEnding(error=Said("the disk"), error_code=5, causes=frozenset({Cause.HALTED})),
            "halted",
            6,
        ),
    ],
)
@pytest.mark.parametrize("counts", [{}, {"applied": 1}, {"failed": 1}, {"rejected": 1}])
def test_a_run_that_was_broken_off_says_so_whatever_its_rows(
    ending: LegEnding, state: str, exit_code: int, counts: dict[str, int]
) -> None:
    again = "failed" in counts
    verdict = exit_status_of(totals(**counts), {}, ending)
    only_stopped = ending.error is None and Cause.HALTED not in ending.causes
    if only_stopped and not again:
        # The person who stopped it came too late to keep anything from being done.
        assert verdict.exit_code == (4 if "rejected" in counts else 0)
    else:
        assert verdict == ExitStatus(state, exit_code, again)


def test_who_is_shown_otherwise_is_3_unless_something_worse_is_so() -> None:
    """No resume helps such an agent, for the gateway has answered "0" to it."""
    assert exit_status_of(totals(applied=5), {}, LegEnding(), contradicted=1) == ExitStatus(
        "completed", 3, again=False
    )
    refused = exit_status_of(totals(applied=5, rejected=1), {}, LegEnding(), contradicted=1)
    assert refused.exit_code == 3
    assert exit_status_of(totals(failed=1), {}, LegEnding(), contradicted=1) == AGAIN
    halted = LegEnding(causes=frozenset({Cause.HALTED}))
    assert exit_status_of(totals(applied=1), {}, halted, contradicted=1).exit_code == 6


def test_what_is_left_for_good_is_nothing_that_repeating_helps() -> None:
    left = totals(applied=3, failed=1, unknown=1, not_attempted=2)
    assert exit_status_of(left, {"superseded": 3, "previous_unknown": 1}, LegEnding()) == IN_VAIN
    assert exit_status_of(left, {"superseded": 3, "interrupted": 1}, LegEnding()) == AGAIN


PRECEDENCE = [1, 129, 130, 143, 6, 5, 3, 4, 0]
ENDINGS = [
    LegEnding(signal=number, error=error, error_code=code, causes=causes)
    for number, (error, code), causes in itertools.product(
        (None, signal.SIGHUP, signal.SIGINT, signal.SIGTERM),
        ((None, 1), (Said("a defect"), 1), (Said("the ledger"), 5)),
        (frozenset[Cause](), frozenset({Cause.HALTED}), frozenset({Cause.DEADLINE})),
    )
]


@given(
    counts=st.fixed_dictionaries({status.value: st.integers(0, 2) for status in Status}),
    ending=st.sampled_from(ENDINGS),
)
def test_the_exit_code_is_the_first_of_all_that_hold(
    counts: dict[str, int], ending: LegEnding
) -> None:
    holds = {0}
    if ending.error is not None:
        holds.add(ending.error_code)
    left = counts["failed"] + counts["unknown"] + counts["not_attempted"]
    halted = Cause.HALTED in ending.causes
    if ending.signal is not None and (left or halted or ending.error):
        holds.add(128 + ending.signal)
    if halted:
        holds.add(6)
    if left and Cause.DEADLINE in ending.causes:
        holds.add(5)
    if left:
        holds.add(3)
    if counts["rejected"]:  # an invalid row was left out as somebody agreed to
        holds.add(4)
    verdict = exit_status_of(counts, {}, ending)
    assert verdict.exit_code == min(holds, key=PRECEDENCE.index)
    states = {0: "completed", 3: "completed", 4: "completed", 6: "halted"}
    assert verdict.state == states.get(verdict.exit_code, "interrupted")
    assert verdict.again is (left > 0)


@pytest.mark.parametrize("number", [None, signal.SIGTERM])
def test_a_run_that_was_taken_over_is_halted_whatever_signal_came_too(number: int | None) -> None:
    """Exit 6, not 143: no scheduler may start it again against a person."""
    ending = LegEnding(signal=number, taken_over=True, causes=frozenset({Cause.INTERRUPTED}))
    left = totals(applied=3, not_attempted=2)
    assert exit_status_of(left, {"interrupted": 2}, ending) == ExitStatus("halted", 6, again=True)
    assert exit_status_of(left, {"superseded": 2}, ending) == ExitStatus("halted", 6, again=False)
    assert exit_status_of(totals(applied=5), {}, ending) == DONE, "it was over before"
    defect = LegEnding(taken_over=True, error=Said("a defect"))
    assert exit_status_of(left, {}, defect).exit_code == 1
