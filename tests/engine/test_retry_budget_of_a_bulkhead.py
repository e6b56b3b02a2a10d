"""How many retries a bulkhead makes: no more than were earned, and none is forgotten."""

import random

import pytest

from bulkagent.attempt import conclude
from bulkagent.engine import Engine, Limits, RetryPolicy, ThrottlePolicy
from bulkagent.model import Cause, Disposition, Status
from tests.dispositions import BUSY, DONE, LOST
from tests.engine.lists import ListSource, words
from tests.engine.test_ending import ran
from tests.engine.upstream import CARELESS, NEVER, ScriptedUpstream, bulkhead
from tests.jumping import JumpingClock

STINGY = ThrottlePolicy(
    retry_share=0.0,
    retries_per_second=0.1,
    trip=CARELESS.trip,
    give_up_after_s=CARELESS.give_up_after_s,
    never_answered_after_s=CARELESS.never_answered_after_s,
)


def starts_at_ten_percent(
    throttle_policy: ThrottlePolicy, per_second: float | None
) -> list[tuple[float, str]]:
    faults, jitter = random.Random(5), random.Random(6)
    upstream = ScriptedUpstream(
        seconds=0.05, usual=lambda _now: BUSY if faults.random() < 0.1 else DONE
    )
    limits = Limits(concurrency=16, per_second=per_second)
    source = ListSource(words(5_000))
    head = bulkhead(
        source, upstream.attempt, limits, throttle_policy=throttle_policy, uniform=jitter.random
    )
    ran(Engine([head], clock=JumpingClock()))
    assert head.tally.applied == 5_000
    return upstream.starts


@pytest.mark.parametrize("per_second", [pytest.param(None, marks=pytest.mark.matrix), 100.0])
def test_where_one_in_ten_fails_nothing_is_held_back(per_second: float | None) -> None:
    held = starts_at_ten_percent(ThrottlePolicy(), per_second)
    assert len(held) > 5_500
    assert held == starts_at_ten_percent(CARELESS, per_second)


@pytest.mark.parametrize(
    "throttle_policy",
    [
        ThrottlePolicy(give_up_after_s=NEVER),
        ThrottlePolicy(retry_share=0.0, retries_per_second=3.0, give_up_after_s=NEVER),
    ],
)
@pytest.mark.parametrize("max_pending", [50, pytest.param(1024, marks=pytest.mark.matrix)])
def test_where_everything_fails_retries_are_what_was_earned(
    throttle_policy: ThrottlePolicy, max_pending: int
) -> None:
    source, upstream = ListSource(words(300)), ScriptedUpstream(seconds=0.05, usual=BUSY)
    limits = Limits(concurrency=16, per_second=None, max_pending=max_pending)
    head = bulkhead(
        source,
        upstream.attempt,
        limits,
        throttle_policy=throttle_policy,
        policy=RetryPolicy(max_attempts=5),
    )
    seconds = ran(Engine([head], clock=JumpingClock()))
    seen: set[str] = set()
    retries = 0
    for at, word in upstream.starts:
        retries += word in seen
        seen.add(word)
        earned = throttle_policy.retry_share * len(seen) + throttle_policy.retries_per_second * (
            at - 1_000
        )
        assert retries <= earned + 1e-6
    # All are made in the end, and none of the earned was left unused for long.
    assert {history.attempts for history in source.histories.values()} == {5}
    earned_by_items = throttle_policy.retry_share * 300
    assert seconds < (4 * 300 - earned_by_items) / throttle_policy.retries_per_second + 20.0
    assert {history.withheld for history in source.histories.values()} == {None}


def test_a_denied_retry_does_not_hold_up_new_items() -> None:
    source, upstream = (
        ListSource(words(100)),
        ScriptedUpstream(seconds=1.0, script={"word0": [BUSY]}),
    )
    limits = Limits(concurrency=4, per_second=None)
    head = bulkhead(source, upstream.attempt, limits, throttle_policy=STINGY)
    ran(Engine([head], clock=JumpingClock()))
    again = next(at for at, word in upstream.starts[1:] if word == "word0") - 1_000
    # Due at 1.5 s; a tenth of a retry a second makes it wait until 10 s.
    assert 10.0 <= again <= 11.1
    assert [at for at in upstream.times if at < 9.9] == [number // 4 for number in range(40)]


@pytest.mark.parametrize(
    ("bad", "status", "cause"),
    [(BUSY, Status.FAILED, Cause.RETRY_BUDGET), (LOST, Status.UNKNOWN, Cause.RESET)],
)
def test_what_the_budget_denied_until_the_stop_is_told_so(
    bad: Disposition, status: Status, cause: Cause
) -> None:
    source, upstream = ListSource(words(5)), ScriptedUpstream(seconds=1.0, usual=bad)
    limits = Limits(concurrency=5, per_second=None)
    engine = Engine(
        [bulkhead(source, upstream.attempt, limits, throttle_policy=STINGY)], clock=JumpingClock()
    )
    ran(engine, (5.0, engine.stop))
    assert {history.withheld for history in source.histories.values()} == {Cause.RETRY_BUDGET}
    outcomes = [conclude(0, history, 0) for history in source.histories.values()]
    assert {(outcome.status, outcome.cause) for outcome in outcomes} == {(status, cause)}
    assert len(engine.endings) == 1


def test_a_retry_whose_time_has_not_come_was_not_denied() -> None:
    source, upstream = ListSource(words(5)), ScriptedUpstream(seconds=1.0, usual=BUSY)
    limits = Limits(concurrency=5, per_second=None)
    policy = RetryPolicy(base_s=10.0)
    head = bulkhead(source, upstream.attempt, limits, throttle_policy=STINGY, policy=policy)
    engine = Engine([head], clock=JumpingClock())
    ran(engine, (5.0, engine.stop))
    assert {history.withheld for history in source.histories.values()} == {None}
    outcomes = [conclude(0, history, 0) for history in source.histories.values()]
    assert {outcome.cause for outcome in outcomes} == {Cause.OVERLOADED}


def test_what_was_denied_and_is_in_flight_at_the_stop_ends_as_it_ends() -> None:
    source = ListSource(words(2))
    upstream = ScriptedUpstream(seconds=1.0, script={"word0": [BUSY, BUSY], "word1": [BUSY, BUSY]})
    limits = Limits(concurrency=2, per_second=None)
    engine = Engine(
        [bulkhead(source, upstream.attempt, limits, throttle_policy=STINGY)], clock=JumpingClock()
    )
    ran(engine, (10.5, engine.stop))
    assert [word for _, word in upstream.starts] == ["word0", "word1", "word0"]
    assert source.histories["word0"].attempts == 2
    assert source.histories["word0"].withheld is None, "its next retry was not due yet"
    assert source.histories["word1"].withheld is Cause.RETRY_BUDGET


def test_a_retry_that_waited_for_the_breaker_was_not_denied_by_the_budget() -> None:
    source, upstream = ListSource(words(5)), ScriptedUpstream(seconds=1.0, usual=LOST)
    throttle_policy = ThrottlePolicy(retry_share=0.0, retries_per_second=0.1)
    limits = Limits(concurrency=10, per_second=None)
    source.lanes[0].extend(words(5, "more"))
    # Due at 1.1 s; the tenth of them tripped the breaker at 1 s.
    policy = RetryPolicy(base_s=0.1)
    head = bulkhead(
        source, upstream.attempt, limits, throttle_policy=throttle_policy, policy=policy
    )
    engine = Engine([head], clock=JumpingClock())
    ran(engine, (1.3, engine.stop))
    assert len(source.histories) == 10
    assert {history.withheld for history in source.histories.values()} == {None}


def test_a_budget_without_time_would_have_its_last_retries_wait_for_ever() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ThrottlePolicy(retries_per_second=0.0)
