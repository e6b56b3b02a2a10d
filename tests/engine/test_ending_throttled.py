"""Ending and resizing a bulkhead that is held back: nothing is lost, and nobody waits on."""

import asyncio

import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import Engine, Limits, RetryPolicy, ThrottlePolicy, TripPolicy
from bulkagent.model import Cause
from tests.dispositions import DONE, LOST, UNREACHED
from tests.engine.checks import Act, Tried, cancel, check, closed_by_its_end, stop
from tests.engine.lists import ListSource, words
from tests.engine.test_ending import ran
from tests.engine.upstream import ScriptedUpstream, Seen, bulkhead
from tests.jumping import JumpingClock, run

# Open from 1 s to 11 s, then half-open with a probe in flight until 12 s, and so on.
TEN = ThrottlePolicy(
    trip=TripPolicy(in_a_row=1, base_s=10.0, cap_s=10.0),
    give_up_after_s=1_000.0,
    never_answered_after_s=1_000.0,
)
LASTING = RetryPolicy(max_attempts=100, base_s=1.0, cap_s=1.0)


@pytest.mark.parametrize("act", [stop, cancel])
@pytest.mark.parametrize("count", [2, 50])
@pytest.mark.parametrize("per_second", [None, 5.0])
@pytest.mark.parametrize("moment", [5.0, 11.5, 27.0, 33.5])
def test_what_is_open_or_half_open_can_be_ended(
    act: Act, count: int, per_second: float | None, moment: float
) -> None:
    """With a new item in flight as the probe, and with a retry."""
    source = ListSource(words(count, "in-"), [])
    upstream, seen = ScriptedUpstream(seconds=1.0, usual=LOST), list[Seen]()
    head = bulkhead(
        source,
        upstream.attempt,
        Limits(concurrency=3, per_second=per_second),
        name="in",
        policy=LASTING,
        seen=seen,
        throttle_policy=TEN,
    )
    closed_by_its_end([head], source)
    engine = Engine([head], clock=JumpingClock())
    seconds = ran(engine, (moment, lambda: act(engine)))
    check(Tried(source, [upstream], seen, engine))
    probing = moment in {11.5, 33.5}
    assert seconds == pytest.approx(moment + (0.5 if probing and act is stop else 0.0), abs=0.31)
    assert [end.cause for _, end in engine.endings] == [Cause.INTERRUPTED]
    assert max(upstream.times) <= moment


@pytest.mark.parametrize("act", [stop, cancel])
@pytest.mark.parametrize("per_second", [None, 5.0])
def test_what_is_paused_can_be_ended(act: Act, per_second: float | None) -> None:
    source = ListSource(words(50, "in-"), [])
    upstream, seen = ScriptedUpstream(seconds=1.0, pauses=[60.0]), list[Seen]()
    head = bulkhead(
        source,
        upstream.attempt,
        Limits(concurrency=3, per_second=per_second),
        name="in",
        seen=seen,
        throttle_policy=ThrottlePolicy(),
    )
    closed_by_its_end([head], source)
    engine = Engine([head], clock=JumpingClock())
    assert ran(engine, (30.0, lambda: act(engine))) == pytest.approx(30.0)
    check(Tried(source, [upstream], seen, engine))
    assert len(source.histories) in {3, 5}
    assert head.lanes_left == (0,)


@pytest.mark.parametrize(("tokens", "peak"), [(2, 2), (16, 6)])
def test_a_size_given_while_open_counts_from_its_closing_on(tokens: int, peak: int) -> None:
    source = ListSource(words(100))
    upstream = ScriptedUpstream(seconds=1.0, usual=lambda now: UNREACHED if now < 5 else DONE)
    head = bulkhead(
        source,
        upstream.attempt,
        Limits(concurrency=6, per_second=None),
        policy=LASTING,
        throttle_policy=TEN,
    )
    in_flight: list[tuple[float, int]] = []

    async def attempt(word: str, _overdue: object) -> Attempt:
        in_flight.append((asyncio.get_running_loop().time() - 1_000, upstream.in_flight + 1))
        return await upstream.attempt(word)

    head._attempts._attempt = attempt
    ran(Engine([head], clock=JumpingClock()), (5.0, lambda: head.resize(tokens)))
    assert [count for at, count in in_flight if 1.0 < at < 12.0] == [1], "the probe alone"
    assert max(count for at, count in in_flight if at >= 12.0) == peak
    assert head.tally.applied == 100


def test_no_slot_while_open_is_no_probe() -> None:
    source = ListSource(words(20))
    upstream = ScriptedUpstream(seconds=1.0, usual=lambda now: UNREACHED if now < 5 else DONE)
    head = bulkhead(
        source,
        upstream.attempt,
        Limits(concurrency=6, per_second=None),
        policy=LASTING,
        throttle_policy=TEN,
    )
    acts = (5.0, lambda: head.resize(0)), (60.0, lambda: head.resize(6))
    ran(Engine([head], clock=JumpingClock()), *acts)
    assert [at for at in upstream.times if 1.5 < at < 61.0] == [pytest.approx(60.0)]
    assert head.tally.applied == 20


def test_a_bulkhead_that_runs_alone_ends_with_its_alarm() -> None:
    """The timer is set for the end of the down-time, which is long after the last item."""
    source, upstream = ListSource(words(3)), ScriptedUpstream(script={"word1": [UNREACHED]})

    async def main() -> float:
        await bulkhead(source, upstream.attempt, Limits(), throttle_policy=ThrottlePolicy()).run()
        return asyncio.get_running_loop().time()

    assert run(main()) < 1_001.0
