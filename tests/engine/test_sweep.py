"""Items whose attempts are spent: when they are tried again after all, and when not.

Proves --max-attempts, --retry-for; guide "Retries".
"""

import pytest

from bulkagent.engine import Engine, Limits, RetryPolicy
from bulkagent.model import Disposition
from tests.dispositions import BUSY, DONE, ODD, REFUSED
from tests.engine.lists import ListSource, words
from tests.engine.test_ending import ran
from tests.engine.upstream import ScriptedUpstream, bulkhead
from tests.jumping import JumpingClock


def swept(
    source: ListSource,
    upstream: ScriptedUpstream,
    *,
    retry_for_s: float,
    max_attempts: int = 2,
    max_pending: int = 100,
) -> float:
    limits = Limits(concurrency=2, per_second=None, max_pending=max_pending)
    policy = RetryPolicy(max_attempts=max_attempts, base_s=0.5, cap_s=4.0, retry_for_s=retry_for_s)
    return ran(
        Engine([bulkhead(source, upstream.attempt, limits, policy=policy)], clock=JumpingClock())
    )


def test_it_waits_for_the_last_new_item_of_all_lanes() -> None:
    source = ListSource(words(40), words(40, "other"))
    upstream = ScriptedUpstream(seconds=1.0, script={"word3": [BUSY] * 2, "word5": [BUSY] * 2})
    limits = Limits(concurrency=2, per_second=None)
    policy = RetryPolicy(max_attempts=2, retry_for_s=60.0)
    head = bulkhead(source, upstream.attempt, limits, policy=policy, lanes=(0, 1))
    ran(Engine([head], clock=JumpingClock()))
    order = [word for _, word in upstream.starts]
    assert order.count("word3") == order.count("word5") == 3
    assert sorted(order[-2:]) == ["word3", "word5"]
    assert head.tally.applied == 80


@pytest.mark.parametrize(("usual", "attempts"), [(BUSY, 3), (DONE, 3), (REFUSED, 3)])
def test_it_is_tried_once_more_however_late_that_is(usual: Disposition, attempts: int) -> None:
    """The lanes take 50 s, which is far longer than what it is to be tried for."""
    names = words(100)
    script = {word: [DONE] for word in names[1:]} | {"word0": [BUSY, BUSY]}
    source, upstream = ListSource(names), ScriptedUpstream(seconds=1.0, script=script, usual=usual)
    swept(source, upstream, retry_for_s=10.0)
    assert source.histories["word0"].attempts == attempts
    assert upstream.starts[-1][1] == "word0"
    assert source.histories["word0"].last.disposition is usual


def test_it_is_tried_until_the_time_is_over() -> None:
    source, upstream = ListSource(words(1)), ScriptedUpstream(seconds=1.0, usual=BUSY)
    seconds = swept(source, upstream, retry_for_s=60.0)
    # The longest backoff and one attempt may lie between the last two ends.
    assert 60.0 <= seconds < 60.0 + 4.0 + 1.0
    assert len(upstream.starts) > 10
    assert max(b - a for a, b in zip(upstream.times, upstream.times[1:], strict=False)) <= 5.0


def test_attempts_that_are_not_spent_are_all_made_however_long_that_takes() -> None:
    source, upstream = ListSource(words(1)), ScriptedUpstream(seconds=10.0, usual=BUSY)
    swept(source, upstream, retry_for_s=5.0, max_attempts=8)
    assert len(upstream.starts) == 8


def test_without_a_time_there_is_none() -> None:
    source, upstream = ListSource(words(3)), ScriptedUpstream(usual=BUSY)
    swept(source, upstream, retry_for_s=0.0)
    assert {history.attempts for history in source.histories.values()} == {2}


def test_it_is_not_for_what_limits_its_retries_itself() -> None:
    source = ListSource(words(3))
    upstream = ScriptedUpstream(
        script={"word0": [ODD] * 9, "word1": [REFUSED] * 9, "word2": [BUSY] * 3}
    )
    swept(source, upstream, retry_for_s=60.0)
    assert source.histories["word0"].attempts == 2
    assert source.histories["word1"].attempts == 1
    assert source.histories["word2"].attempts == 4


@pytest.mark.parametrize("max_pending", [1, 3])
def test_those_that_are_put_off_never_block_the_lanes(max_pending: int) -> None:
    names = words(30)
    source = ListSource(names)
    upstream = ScriptedUpstream(seconds=0.1, script={word: [BUSY] * 3 for word in names})
    seconds = swept(source, upstream, retry_for_s=20.0, max_pending=max_pending)
    assert seconds < 30 * (3 * 4.0 + 0.4)
    assert {history.last.disposition for history in source.histories.values()} == {DONE}
    assert len(source.histories) == 30


def test_those_that_are_put_off_end_as_they_stand_at_a_stop() -> None:
    source = ListSource(words(1_000))
    upstream = ScriptedUpstream(seconds=1.0, script={"word0": [BUSY] * 9})
    limits = Limits(concurrency=2, per_second=None)
    policy = RetryPolicy(max_attempts=2, retry_for_s=600.0)
    head = bulkhead(source, upstream.attempt, limits, policy=policy)
    engine = Engine([head], clock=JumpingClock())
    assert ran(engine, (60.5, engine.stop)) == pytest.approx(61.0)
    assert source.histories["word0"].attempts == 2
    assert source.histories["word0"].withheld is None, "it was not due"
    assert head.lanes_left == (0,)
