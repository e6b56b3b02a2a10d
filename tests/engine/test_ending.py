"""Ways to end before the time: what is still done, what never is, and what is said of it."""

import asyncio
from collections.abc import Callable

import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import (
    End,
    Engine,
    Go,
    HaltCount,
    HaltDecision,
    Limits,
    Retry,
    RetryPolicy,
    Stop,
    Tally,
)
from bulkagent.model import Cause
from bulkagent.reasons import DeadlinePassed, FirstAllGot, Said
from tests.dispositions import BUSY, DENIED, DONE, LOST, STRANGE
from tests.engine.lists import ListSource, words
from tests.engine.upstream import ScriptedUpstream, Seen, bulkhead
from tests.jumping import JumpingClock, run

UNPACED = Limits(concurrency=5, per_second=None)
INTERRUPTED = End(Cause.INTERRUPTED)


def ran(engine: Engine[str, Attempt], *acts: tuple[float, Callable[[], object]]) -> float:
    """Run it, with these acts at these seconds; how many seconds it took."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        for seconds, act in acts:
            loop.call_later(seconds, act)
        began = loop.time()
        await engine.run()
        return loop.time() - began

    return run(main())


def test_nothing_is_an_ending_where_all_was_done() -> None:
    source, upstream = ListSource(words(20)), ScriptedUpstream()
    engine = Engine(
        [bulkhead(source, upstream.attempt, UNPACED)], clock=JumpingClock(), deadline_s=60
    )
    assert ran(engine) < 1
    assert engine.endings == ()
    assert engine.bulkheads[0].ended is None
    assert engine.bulkheads[0].lanes_left == ()
    assert (engine.tally.rows, engine.tally.finished, engine.tally.applied) == (20, 20, 20)
    assert "20 of 20" in repr(engine)


@pytest.mark.parametrize("end", ["stop", "cancel"])
def test_what_is_stopped_before_it_begins_takes_nothing(end: str) -> None:
    source, upstream = ListSource(words(3), words(3, "other")), ScriptedUpstream()
    engine = Engine(
        [bulkhead(source, upstream.attempt, UNPACED, lanes=(0, 1))], clock=JumpingClock()
    )
    getattr(engine, end)()
    assert ran(engine) == 0
    assert not source.taken
    assert engine.endings == (("words", INTERRUPTED),)
    assert engine.bulkheads[0].lanes_left == (0, 1)


def test_the_first_cause_stays() -> None:
    source, upstream = ListSource(words(100)), ScriptedUpstream(seconds=1.0)
    engine = Engine(
        [bulkhead(source, upstream.attempt, UNPACED)], clock=JumpingClock(), deadline_s=3
    )
    seconds = ran(
        engine,
        (2.5, lambda: engine.stop(Cause.SUPERSEDED, Said("another run"))),
        (2.6, engine.stop),
        (2.7, lambda: engine.bulkheads[0].stop(INTERRUPTED)),
    )
    assert seconds == pytest.approx(3.0)
    assert engine.endings == (("words", End(Cause.SUPERSEDED, Said("another run"))),)
    assert "superseded" in repr(engine)


def test_a_stop_that_changes_nothing_is_no_ending() -> None:
    """All that there was is in flight, and ends by itself."""
    source, upstream = ListSource(words(3)), ScriptedUpstream(seconds=1.0)
    engine = Engine([bulkhead(source, upstream.attempt, UNPACED)], clock=JumpingClock())
    ran(engine, (0.5, engine.stop))
    assert len(source.histories) == 3
    assert engine.endings == ()


def test_a_lane_that_was_being_asked_when_the_stop_came_may_still_say_that_it_is_empty() -> None:
    source, upstream = ListSource(words(1), take_s=1.0), ScriptedUpstream(seconds=5.0)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=2, per_second=None))
    engine = Engine([head], clock=JumpingClock())
    ran(engine, (0.5, engine.stop))
    assert list(source.histories) == ["word0"], "what was being taken is attempted"
    assert head.lanes_left == ()
    assert engine.endings == ()


def test_a_story_that_would_have_gone_on_is_an_ending() -> None:
    seen: list[Seen] = []
    source, upstream = ListSource(words(3)), ScriptedUpstream(seconds=1.0, script={"word1": [BUSY]})
    engine = Engine([bulkhead(source, upstream.attempt, UNPACED, seen=seen)], clock=JumpingClock())
    ran(engine, (0.5, engine.stop))
    assert engine.endings == (("words", INTERRUPTED),)
    assert engine.bulkheads[0].lanes_left == ()
    assert [decision for item, _, _, decision in seen if item == "word1"] == [
        Stop("stopped: interrupted")
    ]
    assert source.between == []


def test_a_retry_that_waits_and_is_cut_short_is_an_ending() -> None:
    source, upstream = ListSource(words(3)), ScriptedUpstream(seconds=1.0, script={"word1": [LOST]})
    head = bulkhead(source, upstream.attempt, UNPACED, policy=RetryPolicy(base_s=10.0))
    engine = Engine([head], clock=JumpingClock())
    assert ran(engine, (5.0, engine.stop)) == pytest.approx(5.0)
    assert source.histories["word1"].attempts == 1
    assert engine.endings == (("words", INTERRUPTED),)


def test_cancelling_settles_what_is_between_two_attempts() -> None:
    """Only what is in flight has no outcome: of an item that waits all is known."""
    source = ListSource(words(3))
    upstream = ScriptedUpstream(seconds=1.0, script={"word0": [BUSY], "word1": [LOST, BUSY]})
    policy = RetryPolicy(base_s=1.0)
    engine = Engine(
        [bulkhead(source, upstream.attempt, UNPACED, policy=policy)], clock=JumpingClock()
    )
    # Both are in flight for the second time from 2 s to 3 s; word1 waits until 4 s.
    assert ran(engine, (3.5, engine.cancel)) == pytest.approx(3.5)
    assert set(source.histories) == {"word0", "word1", "word2"}
    assert source.histories["word1"].attempts == 2


def test_the_deadline_stops_what_is_not_done_by_then() -> None:
    source, upstream = ListSource(words(100)), ScriptedUpstream(seconds=1.0)
    engine = Engine(
        [bulkhead(source, upstream.attempt, UNPACED)], clock=JumpingClock(), deadline_s=2.5
    )
    assert ran(engine) == pytest.approx(3.0)
    assert set(source.histories) == set(words(15))
    assert engine.endings == (("words", End(Cause.DEADLINE, DeadlinePassed(2.5))),)


def test_the_grace_ends_what_does_not_end_by_itself() -> None:
    source, hanging, quick = (
        ListSource(words(2), words(50, "quick")),
        ScriptedUpstream(3600.0),
        ScriptedUpstream(1.0),
    )
    heads = [
        bulkhead(source, hanging.attempt, UNPACED, name="hanging"),
        bulkhead(source, quick.attempt, UNPACED, name="quick", lanes=(1,)),
    ]
    engine = Engine(heads, clock=JumpingClock(), grace_s=4.0)
    assert ran(engine, (2.5, engine.stop)) == pytest.approx(6.5)
    assert set(source.histories) == set(words(15, "quick")), "they had the time to finish"
    # Nothing was left to take there, but what was in flight has no end of its own.
    assert heads[0].lanes_left == ()
    assert engine.endings == (("hanging", INTERRUPTED), ("quick", INTERRUPTED))


def test_cancelling_does_not_wait_for_the_grace() -> None:
    source, upstream = ListSource(words(20)), ScriptedUpstream(seconds=3600.0)
    engine = Engine([bulkhead(source, upstream.attempt, UNPACED)], clock=JumpingClock())
    assert ran(engine, (1.0, engine.stop), (2.0, engine.cancel)) == pytest.approx(2.0)
    assert not source.histories
    assert len(source.marks) == 5


def test_one_bulkhead_halts_alone() -> None:
    source = ListSource(words(100), words(100, "good"))
    bad, good = ScriptedUpstream(seconds=0.1, usual=DENIED), ScriptedUpstream(seconds=0.1)
    heads = [
        bulkhead(source, bad.attempt, UNPACED, name="bad", halt_first=10),
        bulkhead(source, good.attempt, UNPACED, name="good", lanes=(1,), halt_first=10),
    ]
    engine = Engine(heads, clock=JumpingClock())
    ran(engine)
    assert heads[1].tally.applied == 100
    assert 10 <= heads[0].tally.bad < 10 + 5, "what was in flight then has finished"
    assert heads[0].lanes_left == (0,)
    reason = FirstAllGot(10, "bad", Cause.GUID_REFUSED)
    assert engine.endings == (("bad", End(Cause.HALTED, reason)),)


def test_a_halt_is_an_ending_even_where_nothing_was_left() -> None:
    source, upstream = ListSource(words(3)), ScriptedUpstream(usual=DENIED)
    head = bulkhead(source, upstream.attempt, UNPACED, halt_first=50)
    engine = Engine([head], clock=JumpingClock())
    ran(engine)
    assert len(source.histories) == 3
    assert head.lanes_left == ()
    assert [end.cause for _, end in engine.endings] == [Cause.HALTED]


def test_a_retry_that_waits_may_be_the_one_that_halts() -> None:
    source, upstream = ListSource(words(100)), ScriptedUpstream(seconds=0.1, usual=STRANGE)
    limits = Limits(concurrency=5, per_second=None, max_pending=20)
    head = bulkhead(source, upstream.attempt, limits, halt_first=1)
    engine = Engine([head], clock=JumpingClock())
    ran(engine)
    assert set(source.histories) == set(source.taken)
    assert len(source.taken) < 30
    assert [end.cause for _, end in engine.endings] == [Cause.HALTED]


class Third:
    """A rule that has enough at the third item."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def ask(self, tally: Tally) -> HaltDecision:
        self.asked.append(tally.finished)
        return End(Cause.HALTED, Said("three")) if tally.finished == 3 else Go()


def test_a_rule_of_the_run_stops_all_and_is_not_asked_again() -> None:
    source = ListSource(words(500), words(500, "other"))
    heads = [
        bulkhead(source, ScriptedUpstream(seconds=1.0).attempt, UNPACED, name="one"),
        bulkhead(source, ScriptedUpstream(seconds=1.5).attempt, UNPACED, name="other", lanes=(1,)),
    ]
    rule = Third()
    engine = Engine(heads, clock=JumpingClock(), rules=[HaltCount(1), rule])
    # Two workers had gone on to a further item each before the third item ended.
    assert ran(engine) == pytest.approx(2.0)
    assert len(source.histories) == 5 + 5 + 2
    assert rule.asked == [1, 2, 3]
    assert engine.endings == (
        ("one", End(Cause.HALTED, Said("three"))),
        ("other", End(Cause.HALTED, Said("three"))),
    )


def test_a_pause_starts_nothing_and_its_end_goes_on() -> None:
    source, upstream = ListSource(words(40)), ScriptedUpstream(seconds=1.0)
    head = bulkhead(source, upstream.attempt, UNPACED)
    engine = Engine([head], clock=JumpingClock())
    seconds = ran(
        engine, (2.5, lambda: head.resize(0)), (60.0, lambda: head.resize(2)), (70.5, engine.stop)
    )
    starts = [at - 1_000 for at, _ in upstream.starts]
    assert [at for at in starts if 2.5 < at < 60] == []
    assert sum(60 <= at <= 70.5 for at in starts) == 2 * 11
    assert seconds == pytest.approx(71.0)
    assert set(source.histories) == set(source.taken)


@pytest.mark.parametrize("per_second", [None, 10.0])
def test_fewer_slots_hold_also_for_those_that_wait_for_their_start(
    per_second: float | None,
) -> None:
    source, upstream = ListSource(words(60)), ScriptedUpstream(seconds=1.0)
    head = bulkhead(source, upstream.attempt, Limits(concurrency=16, per_second=per_second))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.55, head.resize, 2)
        loop.call_later(3.0, lambda: setattr(upstream, "peak", 0))
        await Engine([head], clock=JumpingClock()).run()

    run(main())
    assert upstream.peak == 2
    assert len(source.histories) == 60


def test_a_paused_bulkhead_makes_no_retry_either() -> None:
    """A worker without work holds no slot by which it could."""
    source, upstream = ListSource(words(1)), ScriptedUpstream(seconds=1.0, script={"word0": [BUSY]})
    head = bulkhead(source, upstream.attempt, UNPACED, policy=RetryPolicy(base_s=5.0))
    engine = Engine([head], clock=JumpingClock())
    ran(engine, (3.0, lambda: head.resize(0)), (100.0, lambda: head.resize(5)))
    assert [at - 1_000 for at, _ in upstream.starts] == [0.0, pytest.approx(100.0)]


@pytest.mark.parametrize("per_second", [None, 2.0])
def test_a_paused_bulkhead_can_be_stopped(per_second: float | None) -> None:
    source, upstream = (
        ListSource(words(100)),
        ScriptedUpstream(seconds=1.0, script={"word0": [BUSY] * 9}),
    )
    head = bulkhead(source, upstream.attempt, Limits(concurrency=5, per_second=per_second))
    engine = Engine([head], clock=JumpingClock(), deadline_s=50)
    seconds = ran(engine, (2.2, lambda: head.resize(0)), (60.0, lambda: head.resize(5)))
    assert seconds == pytest.approx(50.0)
    assert set(source.histories) == set(source.taken)
    assert max(at for at, _ in upstream.starts) <= 1_002.2
    assert head.lanes_left == (0,)


def test_a_pause_after_the_stop_holds_nobody() -> None:
    source, upstream = ListSource(words(100)), ScriptedUpstream(seconds=1.0)
    head = bulkhead(source, upstream.attempt, UNPACED)
    engine = Engine([head], clock=JumpingClock())
    acts = (2.5, engine.stop), (2.6, lambda: head.resize(0))
    assert ran(engine, *acts) == pytest.approx(3.0)


def test_a_paused_bulkhead_ends_when_there_is_nothing_left() -> None:
    source, upstream = ListSource(words(3)), ScriptedUpstream(seconds=1.0)
    head = bulkhead(source, upstream.attempt, UNPACED)
    assert ran(Engine([head], clock=JumpingClock()), (0.5, lambda: head.resize(0))) == 1.0
    assert len(source.histories) == 3


def test_a_pause_that_nobody_ends_lasts() -> None:
    source, upstream = ListSource(words(30)), ScriptedUpstream(seconds=1.0)
    head = bulkhead(source, upstream.attempt, UNPACED)
    with pytest.raises(RuntimeError, match="never happen"):
        ran(Engine([head], clock=JumpingClock()), (0.5, lambda: head.resize(0)))


def test_every_attempt_is_shown_with_what_was_decided_on_it() -> None:
    seen: list[Seen] = []
    source, upstream = ListSource(words(2)), ScriptedUpstream(script={"word1": [BUSY, LOST]})
    ran(Engine([bulkhead(source, upstream.attempt, UNPACED, seen=seen)], clock=JumpingClock()))
    assert [entry for entry in seen if entry[0] == "word1"] == [
        ("word1", 1, BUSY, Retry(0.5)),
        ("word1", 2, LOST, Retry(0.5)),
        ("word1", 3, DONE, Stop("nothing left to do")),
    ]
    assert [number for item, number, _, _ in seen if item == "word0"] == [1]


def test_the_machines_clock_is_the_default() -> None:
    source, upstream = ListSource(words(20)), ScriptedUpstream(seconds=1.0)
    engine = Engine([bulkhead(source, upstream.attempt, UNPACED)], deadline_s=1.5)
    assert ran(engine) == pytest.approx(2.0)
