"""What a further attempt draws on: each of them is bounded for itself, or not at all."""

from hypothesis import given
from hypothesis import strategies as st

from bulkagent.attempt import Attempt, AttemptHistory
from bulkagent.engine import Engine, Limits, RetryPolicy, ThrottlePolicy
from bulkagent.engine.retry.pending_retry import PendingRetry
from bulkagent.engine.retry.policy import Retry
from bulkagent.engine.retry.ready import ReadyQueue
from bulkagent.model import RetryCharge
from tests.dispositions import BUSY, DENIED, DONE, STALE, UNTOLD, ended
from tests.engine.lists import ListSource, words
from tests.engine.test_ending import ran
from tests.engine.test_retry_budget_of_a_bulkhead import STINGY
from tests.engine.upstream import CARELESS, ScriptedUpstream, bulkhead
from tests.jumping import JumpingClock


def test_what_is_made_good_draws_on_no_budget() -> None:
    everybody = words(500)
    source, upstream = ListSource(everybody), ScriptedUpstream(seconds=0.05)
    upstream.script = {word: [STALE] for word in everybody}
    limits = Limits(concurrency=16, per_second=None)
    head = bulkhead(source, upstream.attempt, limits, throttle_policy=STINGY)
    seconds = ran(Engine([head], clock=JumpingClock()))
    assert head.tally.applied == 500
    assert {history.attempts for history in source.histories.values()} == {2}
    # All are sent twice at full speed; by the budget it would have taken more than an hour.
    assert seconds <= 1_000 / 16 * 0.05 + 0.2


def test_what_is_refused_again_was_made_good_once_and_is_over() -> None:
    source = ListSource(words(2))
    upstream = ScriptedUpstream(script={"word0": [STALE, STALE], "word1": [STALE, DENIED]})
    head = bulkhead(source, upstream.attempt, Limits(concurrency=1, per_second=None))
    ran(Engine([head], clock=JumpingClock()))
    assert {word: history.attempts for word, history in source.histories.items()} == {
        "word0": 2,
        "word1": 2,
    }
    assert head.tally.applied == 0


def test_lookups_that_fail_leave_the_retries_of_the_upstream_alone() -> None:
    everybody = words(200)
    source, upstream = ListSource(everybody), ScriptedUpstream(seconds=0.05, usual=UNTOLD)
    upstream.script = {word: [BUSY, DONE] for word in everybody[::4]}
    throttle_policy = ThrottlePolicy(
        retry_share=0.0,
        retries_per_second=10.0,
        trip=CARELESS.trip,
        give_up_after_s=CARELESS.give_up_after_s,
        never_answered_after_s=CARELESS.never_answered_after_s,
    )
    limits = Limits(concurrency=16, per_second=None)
    policy = RetryPolicy(max_attempts=5, base_s=0.1)
    head = bulkhead(
        source, upstream.attempt, limits, throttle_policy=throttle_policy, policy=policy
    )
    ran(Engine([head], clock=JumpingClock()))
    seen: set[str] = set()
    busy: list[float] = []
    lookups: list[float] = []
    for at, word in upstream.starts:
        if word in seen:
            (busy if word in upstream.script else lookups).append(at - 1_000)
        seen.add(word)
    assert len(busy) == 50
    assert len(lookups) == 4 * 150
    # 10 a second for each of the two, and neither waits for what the other has spent.
    assert max(busy) <= 50 / 10.0 + 2.0
    assert max(lookups) <= 600 / 10.0 + 2.0
    for retries in (sorted(busy), sorted(lookups)):
        assert all(count <= 10.0 * at + 1e-6 for count, at in enumerate(retries, 1))


def test_a_denied_lookup_at_the_end_keeps_its_own_cause() -> None:
    source, upstream = ListSource(words(3)), ScriptedUpstream(seconds=1.0, usual=UNTOLD)
    limits = Limits(concurrency=3, per_second=None)
    engine = Engine(
        [bulkhead(source, upstream.attempt, limits, throttle_policy=STINGY)], clock=JumpingClock()
    )
    ran(engine, (5.0, engine.stop))
    assert {history.withheld for history in source.histories.values()} == {None}


def pending(charge: RetryCharge) -> PendingRetry[str, Attempt]:
    end = {RetryCharge.NOTHING: STALE, RetryCharge.RETRIES: BUSY, RetryCharge.LOOKUPS: UNTOLD}[
        charge
    ]
    return PendingRetry("word", AttemptHistory.begin(ended(end)), Retry(0.0))


@given(st.lists(st.sampled_from(RetryCharge), max_size=20), st.data())
async def test_each_queue_is_first_come_first_served(
    order: list[RetryCharge], data: st.DataObject
) -> None:
    due: ReadyQueue[str, Attempt] = ReadyQueue()
    several = [pending(charge) for charge in order]
    due.extend(several)
    assert len(due) == len(several)
    assert all(one in due for one in several)
    while several:
        heads = due.heads()
        assert heads == [
            next(one for one in several if one.charge is charge)
            for charge in (RetryCharge.NOTHING, RetryCharge.RETRIES, RetryCharge.LOOKUPS)
            if any(one.charge is charge for one in several)
        ]
        chosen = data.draw(st.sampled_from(heads))
        due.remove(chosen)
        several.remove(chosen)
        assert chosen not in due
        assert list(due) == sorted(several, key=lambda one: list(ORDER).index(one.charge))
    assert not due


ORDER = (RetryCharge.NOTHING, RetryCharge.RETRIES, RetryCharge.LOOKUPS)
