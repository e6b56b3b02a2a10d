"""Whatever happens, and whenever, each taken item ends once and the run returns.

Moments are seconds here, drawn at random; for turns of the event loop see test_every_turn.py.
"""

import asyncio
import random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulkagent.engine import (
    Bounds,
    Engine,
    HaltCount,
    HaltShare,
    Limits,
    RetryPolicy,
    ThrottlePolicy,
    TripPolicy,
)
from bulkagent.model import Disposition
from tests.dispositions import ALL, DONE
from tests.engine.checks import Act, Tried, cancel, check, closed_by_its_end, resize, stop
from tests.engine.lists import ListSource, words
from tests.engine.upstream import CARELESS, ScriptedUpstream, Seen, bulkhead
from tests.examples import examples
from tests.jumping import JumpingClock, run

acts = st.one_of(
    st.just(stop), st.just(cancel), st.builds(resize, st.integers(0, 4), st.integers(0, 1))
)
# Tenths of seconds, so that many things happen in the same one.
moments = st.integers(0, 200).map(lambda tenths: tenths / 10)
outcomes = st.lists(st.lists(st.sampled_from(ALL), min_size=1, max_size=6), min_size=0, max_size=20)

throttle_policies = st.just(CARELESS) | st.builds(
    ThrottlePolicy,
    retry_share=st.sampled_from([0.0, 0.2]),
    retries_per_second=st.sampled_from([0.3, 2.0, 10.0]),
    trip=st.builds(
        TripPolicy,
        in_a_row=st.integers(1, 4),
        half_of=st.integers(2, 8),
        base_s=st.sampled_from([0.1, 0.5]),
        cap_s=st.sampled_from([0.5, 4.0]),
    ),
    give_up_after_s=st.sampled_from([1.0, 5.0, 60.0]),
    never_answered_after_s=st.sampled_from([0.5, 3.0, 60.0]),
    longest_pause_s=st.sampled_from([0.0, 1.0, 10.0]),
)
policies = st.builds(
    RetryPolicy, max_attempts=st.sampled_from([2, 8]), retry_for_s=st.sampled_from([0.0, 2.0, 15.0])
)
bounds = st.none() | st.builds(Bounds.between, st.integers(1, 3), st.integers(4, 9))


@settings(max_examples=examples(300))
@given(
    ends=st.tuples(outcomes, outcomes),
    concurrency=st.integers(1, 8),
    max_pending=st.integers(1, 8),
    per_second=st.none() | st.sampled_from([2.0, 10.0]),
    take_s=st.none() | st.sampled_from([0.0, 0.3]),
    timetable=st.lists(st.tuples(moments, acts), max_size=5),
    deadline_s=st.none() | moments,
    grace_s=st.sampled_from([0.0, 0.1, 15.0]),
    halt_first=st.integers(0, 4),
    rules=st.lists(
        st.sampled_from([HaltCount(2, at_least=3), HaltShare(0.5, at_least=5)]), max_size=2
    ),
    usual=st.just(DONE) | st.sampled_from(ALL),
    throttle_policy=throttle_policies,
    policy=policies,
    adaptive=bounds,
    pauses=st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.4, 3.0, 100.0]), max_size=20),
    durations=st.lists(st.sampled_from([0.2, 0.2, 0.5, 5.0]), min_size=1, max_size=6),
    seed=st.integers(0, 2**32),
)
@example(  # cut off in the take of a lane that has no more
    ends=([], []),
    concurrency=2,
    max_pending=1,
    per_second=None,
    take_s=0.3,
    timetable=[(0.3, stop), (0.3, cancel)],
    deadline_s=None,
    grace_s=0.0,
    halt_first=0,
    rules=[],
    usual=DONE,
    throttle_policy=ThrottlePolicy(),
    policy=RetryPolicy(),
    adaptive=None,
    pauses=[],
    durations=[0.2],
    seed=0,
)
def test_whatever_happens_each_taken_item_ends_once(
    *,
    ends: tuple[list[list[Disposition]], list[list[Disposition]]],
    concurrency: int,
    max_pending: int,
    per_second: float | None,
    take_s: float | None,
    timetable: list[tuple[float, Act]],
    deadline_s: float | None,
    grace_s: float,
    halt_first: int,
    rules: list[HaltCount | HaltShare],
    usual: Disposition,
    throttle_policy: ThrottlePolicy,
    policy: RetryPolicy,
    adaptive: Bounds | None,
    pauses: list[float],
    durations: list[float],
    seed: int,
) -> None:
    names = [words(len(ends[0]), "in-"), words(len(ends[1]), "out-")]
    source = ListSource(*names, take_s=take_s)
    seen: list[Seen] = []
    limits = Limits(
        concurrency=concurrency, per_second=per_second, max_pending=max_pending, adaptive=adaptive
    )
    numbers = random.Random(seed)
    upstreams = [
        ScriptedUpstream(
            seconds=lambda: numbers.choice(durations),
            script=dict(zip(names[lane], map(list, ends[lane]), strict=True)),
            usual=usual,
            pauses=pauses,
        )
        for lane in range(2)
    ]
    heads = [
        bulkhead(
            source,
            upstream.attempt,
            limits,
            name=name,
            lanes=(lane,),
            uniform=lambda: round(numbers.random(), 1),
            policy=policy,
            throttle_policy=throttle_policy,
            halt_first=halt_first,
            seen=seen,
        )
        for lane, (name, upstream) in enumerate(zip(("in", "out"), upstreams, strict=True))
    ]
    closed_by_its_end(heads, source)
    clock = JumpingClock()
    engine = Engine(heads, clock=clock, rules=rules, deadline_s=deadline_s, grace_s=grace_s)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for moment, act in timetable:
            loop.call_later(moment, act, engine)
        for head in heads:  # else a pause that nobody ends would be a hang, and rightly so
            loop.call_later(30.0, head.resize, limits.most)
        await engine.run()

    run(main())
    check(Tried(source, upstreams, seen, engine))
    assert all(upstream.peak <= limits.most for upstream in upstreams)
    if not engine.endings:
        assert set(source.histories) == set(names[0]) | set(names[1])
