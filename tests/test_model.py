"""From attempts to an outcome: a doubt is cleared by retcode "0" and by nothing else."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.attempt import Attempt, AttemptHistory, Carryover, conclude
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Cause, Delivery, Disposition, Status
from bulkagent.reports.advice import ADVICE
from tests.dispositions import ALL, BUSY, DONE, LOST, REFUSED, UNREACHED

SILENT = Disposition("silent", Delivery.IN_DOUBT, Status.UNKNOWN, Cause.TIMEOUT, retries=None)


def attempts_of(*dispositions: Disposition) -> list[Attempt]:
    """One attempt each; every number and text in it is its own."""
    return [
        Attempt(
            disposition,
            sent_at=1_000 + number,
            latency_ms=float(number),
            retcode=f"{disposition.name}-{number}"
            if disposition.delivery is Delivery.ANSWERED
            else "",
            message=f"said {number}" if disposition.delivery is Delivery.ANSWERED else "",
            http_status=200 + number if disposition.delivery is Delivery.ANSWERED else 0,
            detail="" if disposition.delivery is Delivery.ANSWERED else f"seen {number}",
        )
        for number, disposition in enumerate(dispositions)
    ]


def told(attempts: list[Attempt]) -> AttemptHistory[Attempt]:
    history = AttemptHistory.begin(attempts[0])
    for attempt in attempts[1:]:
        history = history.then(attempt)
    return history


@pytest.mark.parametrize(
    ("happened", "status", "cause", "retcode"),
    [
        ((DONE,), Status.APPLIED, None, "done-0"),
        ((REFUSED,), Status.REJECTED, Cause.REFUSED, "refused-0"),
        ((BUSY,), Status.FAILED, Cause.OVERLOADED, "busy-0"),
        ((UNREACHED,), Status.FAILED, Cause.CONNECT, ""),
        ((LOST,), Status.UNKNOWN, Cause.RESET, ""),
        ((BUSY, DONE), Status.APPLIED, None, "done-1"),
        ((BUSY, REFUSED), Status.REJECTED, Cause.REFUSED, "refused-1"),
        ((BUSY, BUSY), Status.FAILED, Cause.OVERLOADED, "busy-1"),
        ((UNREACHED, DONE), Status.APPLIED, None, "done-1"),
        ((UNREACHED, REFUSED), Status.REJECTED, Cause.REFUSED, "refused-1"),
        ((BUSY, UNREACHED), Status.FAILED, Cause.CONNECT, "busy-0"),
        # Only "0" clears a doubt; a refusal speaks for its own request alone.
        ((LOST, DONE), Status.APPLIED, None, "done-1"),
        ((LOST, LOST, BUSY, DONE), Status.APPLIED, None, "done-3"),
        ((LOST, REFUSED), Status.UNKNOWN, Cause.RESET, "refused-1"),
        ((LOST, BUSY), Status.UNKNOWN, Cause.RESET, "busy-1"),
        ((LOST, BUSY, REFUSED), Status.UNKNOWN, Cause.RESET, "refused-2"),
        ((LOST, UNREACHED), Status.UNKNOWN, Cause.RESET, ""),
        ((BUSY, LOST), Status.UNKNOWN, Cause.RESET, "busy-0"),
        ((BUSY, LOST, UNREACHED), Status.UNKNOWN, Cause.RESET, "busy-0"),
        ((LOST, SILENT), Status.UNKNOWN, Cause.TIMEOUT, ""),
        ((SILENT, LOST, REFUSED), Status.UNKNOWN, Cause.RESET, "refused-2"),
    ],
)
def test_what_becomes_of_an_assignment(
    happened: tuple[Disposition, ...], status: Status, cause: Cause | None, retcode: str
) -> None:
    outcome = conclude(7, told(attempts_of(*happened)), 5_000)
    assert (outcome.status, outcome.cause, outcome.retcode) == (status, cause, retcode)
    assert outcome.row == 7
    left = [end for end in happened if end.delivery is not Delivery.NEVER_SENT]
    assert (outcome.attempts, outcome.not_sent) == (len(left), len(happened) - len(left))
    assert outcome.finished_at == 5_000


def test_the_numbers_of_an_outcome_are_the_right_attempts() -> None:
    outcome = conclude(2, told(attempts_of(BUSY, LOST, REFUSED, UNREACHED)), 9_000)
    assert outcome.first_sent_at == 1_000
    assert outcome.latency_ms is None, "nothing of the last one left"
    assert conclude(2, told(attempts_of(UNREACHED, LOST, BUSY)), 9_000).first_sent_at == 1_001
    assert conclude(2, told(attempts_of(UNREACHED, LOST, BUSY)), 9_000).latency_ms == 2.0
    assert conclude(2, told(attempts_of(UNREACHED)), 9_000).first_sent_at is None
    assert (outcome.retcode, outcome.message, outcome.http_status) == ("refused-2", "said 2", 202)


def test_an_outcome_is_not_before_its_first_request_where_the_clock_was_set_back() -> None:
    history = told(attempts_of(BUSY, LOST))
    assert conclude(2, history, 900).first_sent_at == 900
    assert conclude(2, history, 900, Carryover(1, 950, None)).first_sent_at == 900


def test_where_the_gateway_said_nothing_the_networks_last_word_is_shown() -> None:
    assert conclude(2, told(attempts_of(LOST, UNREACHED)), 9).message == "seen 1"


def test_a_story_tells_how_often_it_ended_like_this() -> None:
    history = told(attempts_of(BUSY, LOST, BUSY))
    assert (history.attempts, history.repeats) == (3, 2)
    assert told(attempts_of(BUSY, LOST)).repeats == 1
    assert AttemptHistory.begin(history.last).repeats == 1


@given(st.lists(st.sampled_from([*ALL, SILENT]), min_size=1, max_size=12))
def test_no_sequence_of_attempts_claims_more_than_is_known(happened: list[Disposition]) -> None:
    attempts = attempts_of(*happened)
    history = told(attempts)
    outcome = conclude(2, history, 9_000)
    in_doubt = [end for end in happened if end.delivery is Delivery.IN_DOUBT]
    applied = happened[-1] is DONE
    assert (outcome.status is Status.APPLIED) is applied
    assert (outcome.cause is None) is applied
    if not applied:
        assert (outcome.status is Status.UNKNOWN) is bool(in_doubt)
        assert outcome.cause is (in_doubt or happened)[-1].cause
    left = [a for a in attempts if a.disposition.delivery is not Delivery.NEVER_SENT]
    assert history.attempts == len(happened)
    assert (outcome.attempts, outcome.not_sent) == (len(left), len(happened) - len(left))
    assert outcome.first_sent_at == (left[0].sent_at if left else None)
    assert (history.first, history.last) == (attempts[0], attempts[-1])
    answers = [a for a in attempts if a.disposition.delivery is Delivery.ANSWERED]
    assert outcome.retcode == (answers[-1].retcode if answers else "")


class TestAdvice:
    def test_every_cause_has_one_line_on_what_it_means_and_one_on_what_to_do(self) -> None:
        assert list(ADVICE) == list(Cause)
        for meaning, remedy in ADVICE.values():
            assert meaning
            assert remedy
            assert "\n" not in meaning + remedy

    @pytest.mark.parametrize("cause", Cause)
    def test_the_retcodes_that_advice_names_do_have_that_cause(self, cause: Cause) -> None:
        for code in re.findall(r"\d{3}-\d{3}", ADVICE[cause][0]):
            assert cause in {RETCODES[code].cause, RETCODES[code].lasting}


EITHER = RETCODES["100-007"]
_CARRIED = Carryover(1, 1, None, 0, "100-007")


@pytest.mark.parametrize(
    ("happened", "carried", "others", "status"),
    [
        ((EITHER,), _CARRIED, True, Status.REJECTED),
        ((EITHER, EITHER), _CARRIED, True, Status.REJECTED),
        ((EITHER,), _CARRIED, False, Status.FAILED),
        ((EITHER,), None, True, Status.FAILED),
        ((EITHER,), Carryover(1, 1, None, 0, ""), True, Status.FAILED),
        ((EITHER,), Carryover(1, 1, None, 0, "000-004"), True, Status.FAILED),
        ((EITHER,), Carryover(1, 1, Cause.RESET, 0, "100-007"), True, Status.UNKNOWN),
        ((BUSY, EITHER), _CARRIED, True, Status.FAILED),
        ((LOST, EITHER), _CARRIED, True, Status.UNKNOWN),
        ((EITHER, DONE), _CARRIED, True, Status.APPLIED),
        ((RETCODES["000-000"],), Carryover(1, 1, None, 0, "000-000"), True, Status.FAILED),
    ],
)
def test_one_end_alone_over_two_legs_is_a_refusal_where_others_were_applied(
    happened: tuple[Disposition, ...], carried: Carryover | None, *, others: bool, status: Status
) -> None:
    history = told(attempts_of(*happened))
    outcome = conclude(2, history, 9, carried, others_applied=others)
    assert outcome.status is status
    if status is Status.REJECTED:
        assert outcome.cause is Cause.NOT_PERMITTED
        # A retry that was due and not made might have helped.
        withheld = msgspec.structs.replace(history, withheld=Cause.INTERRUPTED)
        assert conclude(2, withheld, 9, carried, others_applied=True).status is Status.FAILED
