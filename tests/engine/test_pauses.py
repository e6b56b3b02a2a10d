"""Pauses that an upstream asks for, and bursts that its rate allows."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.engine import Engine, Limits, RateLimiter, ThrottleEvent, ThrottlePolicy
from tests.dispositions import BUSY, DONE
from tests.engine.lists import ListSource, words
from tests.engine.test_ending import ran
from tests.engine.upstream import ScriptedUpstream, bulkhead
from tests.examples import examples
from tests.jumping import JumpingClock

UNPACED = Limits(concurrency=4, per_second=None)


@pytest.mark.parametrize("per_second", [None, 4.0])
def test_a_pause_holds_all_starts_here_and_none_elsewhere(per_second: float | None) -> None:
    source = ListSource(words(60, "one"), words(60, "other"))
    limits = Limits(concurrency=4, per_second=per_second)
    upstreams = [
        ScriptedUpstream(seconds=1.0, pauses=[0.0, 0.0, 20.0]),
        ScriptedUpstream(seconds=1.0),
    ]
    heads = [
        bulkhead(
            source,
            upstream.attempt,
            limits,
            lanes=(lane,),
            name=str(lane),
            throttle_policy=ThrottlePolicy(),
        )
        for lane, upstream in enumerate(upstreams)
    ]
    ran(Engine(heads, clock=JumpingClock()))
    # The third end comes at 1 s, or at 1.5 s where starts are 0.25 s apart.
    end_s = 1.0 if per_second is None else 1.5
    assert [at for at in upstreams[0].times if end_s < at < end_s + 20.0 - 1e-6] == []
    assert min(at for at in upstreams[0].times if at > end_s) == pytest.approx(end_s + 20.0)
    assert max(two - one for one, two in itertools.pairwise(upstreams[1].times)) < 1.01
    assert len(source.histories) == 120


def test_retries_wait_for_its_end_as_well() -> None:
    source, upstream = (
        ListSource(["word0"]),
        ScriptedUpstream(seconds=1.0, script={"word0": [BUSY]}, pauses=[30.0]),
    )
    ran(
        Engine(
            [bulkhead(source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy())],
            clock=JumpingClock(),
        )
    )
    assert upstream.times == [0.0, pytest.approx(31.0)]


def test_the_longest_of_several_counts() -> None:
    """Three ends of the same moment and one later, which asks for less than is left."""
    durations = iter([1.0, 1.0, 1.0, 5.0])
    source = ListSource(words(20))
    upstream = ScriptedUpstream(seconds=lambda: next(durations, 1.0), pauses=[3.0, 20.0, 8.0, 2.0])
    events: list[ThrottleEvent] = []
    head = bulkhead(
        source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy(), notify=events.append
    )
    ran(Engine([head], clock=JumpingClock()))
    late = [at for at in upstream.times if at > 1.0]
    assert min(late) == pytest.approx(21.0)
    assert [event.name for event in events] == ["gateway.paused"] * 2
    assert "20 s" in events[-1].reason


def test_a_later_pause_may_prolong_it() -> None:
    durations = iter([1.0, 1.0, 1.0, 5.0])
    source = ListSource(words(20))
    upstream = ScriptedUpstream(seconds=lambda: next(durations, 1.0), pauses=[10.0, 0.0, 0.0, 10.0])
    ran(
        Engine(
            [bulkhead(source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy())],
            clock=JumpingClock(),
        )
    )
    assert min(at for at in upstream.times if at > 1.0) == pytest.approx(15.0)


@pytest.mark.parametrize("asked", [61.0, 86_400.0, math.inf])
def test_no_pause_is_longer_than_the_longest(asked: float) -> None:
    source, upstream = ListSource(words(9)), ScriptedUpstream(seconds=1.0, pauses=[asked])
    throttle_policy = ThrottlePolicy(longest_pause_s=60.0)
    ran(
        Engine(
            [bulkhead(source, upstream.attempt, UNPACED, throttle_policy=throttle_policy)],
            clock=JumpingClock(),
        )
    )
    assert min(at for at in upstream.times if at > 1.0) == pytest.approx(61.0)


@pytest.mark.parametrize("asked", [0.0, -5.0, math.nan])
def test_nothing_asked_is_no_pause(asked: float) -> None:
    source, upstream = ListSource(words(9)), ScriptedUpstream(seconds=1.0, pauses=[asked] * 9)
    events: list[ThrottleEvent] = []
    head = bulkhead(
        source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy(), notify=events.append
    )
    assert ran(Engine([head], clock=JumpingClock())) == pytest.approx(3.0)
    assert events == []


def test_who_grants_no_pause_makes_none() -> None:
    source, upstream = ListSource(words(9)), ScriptedUpstream(seconds=1.0, pauses=[30.0] * 9)
    events: list[ThrottleEvent] = []
    throttle_policy = ThrottlePolicy(longest_pause_s=0.0)
    head = bulkhead(
        source, upstream.attempt, UNPACED, throttle_policy=throttle_policy, notify=events.append
    )
    assert ran(Engine([head], clock=JumpingClock())) == pytest.approx(3.0)
    assert events == []


def test_a_pause_after_the_last_item_holds_up_nobody() -> None:
    source, upstream = ListSource(words(4)), ScriptedUpstream(seconds=1.0, pauses=[50.0] * 4)
    head = bulkhead(source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy())
    assert ran(Engine([head], clock=JumpingClock())) == pytest.approx(1.0)


def most_in(window_s: float, times: list[float]) -> int:
    """The most starts in any window of that length, open at its end."""
    return max(sum(begin <= at < begin + window_s - 1e-6 for at in times) for begin in times)


@given(
    per_second=st.floats(0.5, 50),
    burst=st.integers(1, 20),
    idle_s=st.lists(st.floats(0, 3) | st.just(0.0), min_size=1, max_size=80),
    window_s=st.floats(0.01, 10),
)
def test_no_window_has_more_than_the_burst_and_the_rate(
    per_second: float, burst: int, idle_s: list[float], window_s: float
) -> None:
    """At any time: with idle times, and with many workers that ask at once."""
    rate_limiter, now, starts = RateLimiter(per_second, burst), 0.0, list[float]()
    for idle in idle_s:
        now += idle
        starts.append(now + rate_limiter.reserve(now))
    assert most_in(window_s, starts) <= burst + per_second * window_s


def test_a_burst_is_had_again_after_an_idle_time() -> None:
    rate_limiter = RateLimiter(2.0, 3)
    assert [rate_limiter.reserve(0.0) for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 1.0]
    assert [rate_limiter.reserve(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert "burst 3" in repr(rate_limiter)


def test_no_burst_is_none() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        RateLimiter(1.0, 0)


@settings(max_examples=examples(50))
@given(
    burst=st.integers(1, 12),
    concurrency=st.integers(1, 12),
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.5, 4.0]), max_size=30),
    retried=st.integers(0, 9),
    window_s=st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0]),
)
def test_a_bulkhead_starts_no_more_than_the_burst_and_the_rate(
    burst: int, concurrency: int, pauses: list[float], retried: int, window_s: float
) -> None:
    """Retries and the time after a pause included."""
    names = words(60)
    script = {word: [BUSY, BUSY] for word in names[:retried]}
    source, upstream = (
        ListSource(names),
        ScriptedUpstream(seconds=0.3, script=script, pauses=pauses),
    )
    limits = Limits(concurrency=concurrency, per_second=5.0, burst=burst)
    ran(
        Engine(
            [bulkhead(source, upstream.attempt, limits, throttle_policy=ThrottlePolicy())],
            clock=JumpingClock(),
        )
    )
    assert len(upstream.starts) == 60 + 2 * retried
    assert most_in(window_s, upstream.times) <= burst + 5.0 * window_s
    if not pauses and concurrency >= burst:
        assert upstream.times[:burst] == pytest.approx([0.0] * burst)


def test_a_good_end_may_ask_for_a_pause_too() -> None:
    source, upstream = ListSource(words(8)), ScriptedUpstream(seconds=1.0, pauses=[5.0], usual=DONE)
    head = bulkhead(source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy())
    assert ran(Engine([head], clock=JumpingClock())) == pytest.approx(7.0)
