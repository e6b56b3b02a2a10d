"""From attempts to an outcome: a doubt is cleared by retcode "0" and by nothing else."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import (
    Attempt,
    Cause,
    Disposition,
    Past,
    Reach,
    Status,
    Story,
    conclude,
)
from bulkagent.reports.advice import ADVICE
from tests.dispositions import ALL, BUSY, DONE, LOST, REFUSED, UNREACHED

SILENT = Disposition("silent", Reach.IN_DOUBT, Status.UNKNOWN, Cause.TIMEOUT, retries=None)


def attempts_of(*dispositions: Disposition) -> list[Attempt]:
    """One attempt each; every number and text in it is its own."""
    return [
        Attempt(
            disposition,
            sent_at=1_000 + number,
            latency_ms=float(number),
            retcode=f"{disposition.name}-{number}" if disposition.reach is Reach.ANSWERED else "",
            message=f"said {number}" if disposition.reach is Reach.ANSWERED else "",
            http_status=200 + number if disposition.reach is Reach.ANSWERED else 0,
            detail="" if disposition.reach is Reach.ANSWERED else f"seen {number}",
        )
        for number, disposition in enumerate(dispositions)
    ]


def told(attempts: list[Attempt]) -> Story[Attempt]:
    story = Story.begin(attempts[0])
    for attempt in attempts[1:]:
        story = story.then(attempt)
    return story


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
    left = [end for end in happened if end.reach is not Reach.NEVER_SENT]
    assert (outcome.attempts, outcome.not_sent) == (len(left), len(happened) - len(left))
    assert outcome.finished_at == 5_000


def test_the_numbers_of_an_outcome_are_the_right_attempts() -> None:
    outcome = conclude(2, told(attempts_of(BUSY, LOST, REFUSED, UNREACHED)), 9)
    assert outcome.first_sent_at == 1_000
    assert outcome.latency_ms is None, "nothing of the last one left"
    assert conclude(2, told(attempts_of(UNREACHED, LOST, BUSY)), 9).first_sent_at == 1_001
    assert conclude(2, told(attempts_of(UNREACHED, LOST, BUSY)), 9).latency_ms == 2.0
    assert conclude(2, told(attempts_of(UNREACHED)), 9).first_sent_at is None
    assert (outcome.retcode, outcome.message, outcome.http_status) == ("refused-2", "said 2", 202)


def test_where_the_gateway_said_nothing_the_networks_last_word_is_shown() -> None:
    assert conclude(2, told(attempts_of(LOST, UNREACHED)), 9).message == "seen 1"


def test_a_story_tells_how_often_it_ended_like_this() -> None:
    story = told(attempts_of(BUSY, LOST, BUSY))
    assert (story.attempts, story.repeats) == (3, 2)
    assert told(attempts_of(BUSY, LOST)).repeats == 1
    assert Story.begin(story.last).repeats == 1


@given(st.lists(st.sampled_from([*ALL, SILENT]), min_size=1, max_size=12))
def test_no_sequence_of_attempts_claims_more_than_is_known(happened: list[Disposition]) -> None:
    attempts = attempts_of(*happened)
    story = told(attempts)
    outcome = conclude(2, story, 9)
    in_doubt = [end for end in happened if end.reach is Reach.IN_DOUBT]
    applied = happened[-1] is DONE
    assert (outcome.status is Status.APPLIED) is applied
    assert (outcome.cause is None) is applied
    if not applied:
        assert (outcome.status is Status.UNKNOWN) is bool(in_doubt)
        assert outcome.cause is (in_doubt or happened)[-1].cause
    left = [a for a in attempts if a.disposition.reach is not Reach.NEVER_SENT]
    assert story.attempts == len(happened)
    assert (outcome.attempts, outcome.not_sent) == (len(left), len(happened) - len(left))
    assert outcome.first_sent_at == (left[0].sent_at if left else None)
    assert (story.first, story.last) == (attempts[0], attempts[-1])
    answers = [a for a in attempts if a.disposition.reach is Reach.ANSWERED]
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
_PAST = Past(1, 1, None, 0, "100-007")


@pytest.mark.parametrize(
    ("happened", "past", "others", "status"),
    [
        ((EITHER,), _PAST, True, Status.REJECTED),
        ((EITHER, EITHER), _PAST, True, Status.REJECTED),
        ((EITHER,), _PAST, False, Status.FAILED),
        ((EITHER,), None, True, Status.FAILED),
        ((EITHER,), Past(1, 1, None, 0, ""), True, Status.FAILED),
        ((EITHER,), Past(1, 1, None, 0, "000-004"), True, Status.FAILED),
        ((EITHER,), Past(1, 1, Cause.RESET, 0, "100-007"), True, Status.UNKNOWN),
        ((BUSY, EITHER), _PAST, True, Status.FAILED),
        ((LOST, EITHER), _PAST, True, Status.UNKNOWN),
        ((EITHER, DONE), _PAST, True, Status.APPLIED),
        ((RETCODES["000-000"],), Past(1, 1, None, 0, "000-000"), True, Status.FAILED),
    ],
)
def test_one_end_alone_over_two_legs_is_a_refusal_where_others_were_applied(
    happened: tuple[Disposition, ...], past: Past | None, *, others: bool, status: Status
) -> None:
    story = told(attempts_of(*happened))
    outcome = conclude(2, story, 9, past, others_applied=others)
    assert outcome.status is status
    if status is Status.REJECTED:
        assert outcome.cause is Cause.NOT_PERMITTED
        # A retry that was due and not made might have helped.
        withheld = msgspec.structs.replace(story, withheld=Cause.INTERRUPTED)
        assert conclude(2, withheld, 9, past, others_applied=True).status is Status.FAILED
