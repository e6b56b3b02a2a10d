"""Whatever happens, and whenever, each taken item ends once and the run returns.

Moments are of two kinds here: seconds, drawn at random, and turns of the event loop, each of
them in one short run. Two things of the same second happen in different turns, and it is
between those that something can get lost.
"""

import asyncio
import random
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.engine import Bulkhead, Engine, Enough, HaltCount, HaltShare, Limits, RetryPolicy
from bulkagent.outcome import Attempt, Cause, Disposition
from tests.dispositions import ABSENT, ALL, BUSY, DENIED, LOST, READY, STRANGE
from tests.engine.far import Far, Seen, bulkhead
from tests.engine.lists import ListSource, words
from tests.jumping import JumpingClock, JumpingLoop, run

Act = Callable[[Engine[str, Attempt]], None]


class Tried(NamedTuple):
    """A run and everything that was seen of it."""

    source: ListSource
    fars: list[Far]
    seen: list[Seen]
    engine: Engine[str, Attempt]


def closed_by_its_end(heads: list[Bulkhead[str, Attempt]], source: ListSource) -> None:
    """Have the source fail a take that is asked for after a bulkhead's end."""
    of_lane = {lane: head for head in heads for lane in head._lanes}
    source.may_take = lambda lane: of_lane[lane]._end is None


def check(tried: Tried) -> None:
    source, fars, seen, engine = tried
    starts = [word for far in fars for _, word in far.starts]
    assert sorted(word for word, _ in source.marks) == sorted(starts), "no attempt, no mark"
    ends = [(word, number) for word, number, _, _ in seen]
    assert len(set(ends)) == len(ends), "shown twice"
    assert sorted(word for word, _ in ends) == sorted(word for far in fars for word in far.ends)
    for word, story in source.stories.items():
        assert story.attempts == sum(shown == word for shown, _ in ends)
        assert story.attempts == sum(claimed == word for claimed, _ in source.claims)
    stories = source.stories.values()
    assert engine.tally.finished == len(stories)
    assert engine.tally.finished == sum(head.tally.finished for head in engine.bulkheads)
    lost = set(source.taken) - set(source.stories)
    if engine._sending is None or not engine._sending.cancel_called:
        assert not lost, "taken and never settled"
    for word in lost:  # then it was in flight, from its mark on, when sending was cut off
        claims = sum(claimed == word for claimed, _ in source.claims)
        assert claims in {0, sum(shown == word for shown, _ in ends) + 1}
    check_endings(tried, lost)


def check_endings(tried: Tried, lost: set[str]) -> None:
    source, _, seen, engine = tried
    assert not any(source.lanes[lane] for lane in range(2)) or engine.endings
    for name, end in engine.endings:
        (lane,) = (lane for lane, head in enumerate(engine.bulkheads) if head.name == name)
        own = f"{name}-"
        assert (
            end.cause is Cause.HALTED
            or engine.bulkheads[lane].lanes_left
            or any(word.startswith(own) for word in lost)
            or any(word.startswith(own) for word in cut_short(source, seen))
        )
    for lane, head in enumerate(engine.bulkheads):
        assert not source.lanes[lane] or head.lanes_left == (lane,)
        if head.ended is None:
            words_of = {word for word in source.taken if word.startswith(f"{head.name}-")}
            assert not words_of & (lost | cut_short(source, seen))


def cut_short(source: ListSource, seen: list[Seen]) -> set[str]:
    """Items that were settled without the policy having had enough of them."""
    enough = {
        word
        for word, _, _, decision in seen
        if isinstance(decision, Enough) and not decision.reason.startswith("stopped")
    }
    return set(source.stories) - enough


def stop(engine: Engine[str, Attempt]) -> None:
    engine.stop()


def cancel(engine: Engine[str, Attempt]) -> None:
    engine.cancel()


def resize(tokens: int, lane: int) -> Act:
    return lambda engine: engine.bulkheads[lane].resize(tokens)


acts = st.one_of(
    st.just(stop), st.just(cancel), st.builds(resize, st.integers(0, 4), st.integers(0, 1))
)
# Tenths of seconds, so that many things happen in the same one.
moments = st.integers(0, 200).map(lambda tenths: tenths / 10)
outcomes = st.lists(st.lists(st.sampled_from(ALL), min_size=1, max_size=6), min_size=0, max_size=20)


@settings(max_examples=150)
@given(
    ends=st.tuples(outcomes, outcomes),
    concurrency=st.integers(1, 8),
    max_parked=st.integers(1, 8),
    per_second=st.none() | st.sampled_from([2.0, 10.0]),
    take_s=st.none() | st.sampled_from([0.0, 0.3]),
    timetable=st.lists(st.tuples(moments, acts), max_size=5),
    deadline_s=st.none() | moments,
    grace_s=st.sampled_from([0.0, 0.1, 15.0]),
    halt_first=st.integers(0, 4),
    rules=st.lists(
        st.sampled_from([HaltCount(2, at_least=3), HaltShare(0.5, at_least=5)]), max_size=2
    ),
    seed=st.integers(0, 2**32),
)
def test_whatever_happens_each_taken_item_ends_once(
    *,
    ends: tuple[list[list[Disposition]], list[list[Disposition]]],
    concurrency: int,
    max_parked: int,
    per_second: float | None,
    take_s: float | None,
    timetable: list[tuple[float, Act]],
    deadline_s: float | None,
    grace_s: float,
    halt_first: int,
    rules: list[HaltCount | HaltShare],
    seed: int,
) -> None:
    names = [words(len(ends[0]), "in-"), words(len(ends[1]), "out-")]
    source = ListSource(*names, take_s=take_s)
    seen: list[Seen] = []
    limits = Limits(concurrency=concurrency, per_second=per_second, max_parked=max_parked)
    uniform = random.Random(seed).random
    fars = [
        Far(seconds=0.2, script=dict(zip(names[lane], map(list, ends[lane]), strict=True)))
        for lane in range(2)
    ]
    heads = [
        bulkhead(
            source,
            far.attempt,
            limits,
            name=name,
            lanes=(lane,),
            uniform=lambda: round(uniform(), 1),
            halt_first=halt_first,
            seen=seen,
        )
        for lane, (name, far) in enumerate(zip(("in", "out"), fars, strict=True))
    ]
    closed_by_its_end(heads, source)
    clock = JumpingClock()
    engine = Engine(heads, clock=clock, rules=rules, deadline_s=deadline_s, grace_s=grace_s)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for moment, act in timetable:
            loop.call_later(moment, act, engine)
        for head in heads:  # else a pause that nobody ends would be a hang, and rightly so
            loop.call_later(30.0, head.resize, concurrency)
        await engine.run()

    run(main())
    check(Tried(source, fars, seen, engine))
    assert all(far.peak <= concurrency for far in fars)
    if not engine.endings:
        assert set(source.stories) == set(names[0]) | set(names[1])


class TurningLoop(JumpingLoop):
    """Does something in one turn: before everything else that the turn does, or after it."""

    def __init__(self, turn: int, act: Callable[[], None], *, first: bool) -> None:
        super().__init__()
        self.turns = 0
        self.turn = turn
        self.act = act
        self.first = first

    def _run_once(self) -> None:
        self.turns += 1
        if self.turns == self.turn:
            self.call_soon(self.act)
            if self.first:
                self._ready.rotate(1)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def both(engine: Engine[str, Attempt]) -> None:
    stop(engine)
    cancel(engine)


def paused(engine: Engine[str, Attempt]) -> None:
    engine.bulkheads[0].resize(0)
    asyncio.get_running_loop().call_soon(engine.stop)


def in_one_turn(act: Act, turn: int, limits: Limits, *, first: bool, halt_first: int) -> int:
    """A short run in which everything occurs, with one act in one turn; how many it took."""
    names = words(6, "in-")
    script = {
        "in-0": [BUSY, STRANGE, BUSY],
        "in-1": [READY, DENIED],
        "in-2": [LOST, ABSENT],
        "in-4": [BUSY],
    }
    source, seen = ListSource(names, take_s=0.1), list[Seen]()
    far = Far(seconds=0.5, script=script)
    policy = RetryPolicy(max_attempts=3, base_s=0.5)
    head = bulkhead(
        source,
        far.attempt,
        limits,
        name="in",
        policy=policy,
        halt_first=halt_first,
        seen=seen,
    )
    closed_by_its_end([head], source)
    source.lanes.append(type(source.lanes[0])())
    engine = Engine([head], clock=JumpingClock(), grace_s=0.5)
    loops: list[TurningLoop] = []

    def new_loop() -> TurningLoop:
        loops.append(TurningLoop(turn, lambda: act(engine), first=first))
        return loops[0]

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(engine.run())
    check(Tried(source, [far], seen, engine))
    return loops[0].turns


@pytest.mark.parametrize("act", [stop, cancel, both, paused])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("per_second", [None, 4.0])
def test_there_is_no_turn_in_which_an_end_loses_anything(
    act: Act, first: bool, per_second: float | None
) -> None:
    limits = Limits(concurrency=2, per_second=per_second, max_parked=2)
    turns = in_one_turn(act, 0, limits, first=first, halt_first=0)
    assert turns > 50
    for turn in range(1, turns + 1):
        in_one_turn(act, turn, limits, first=first, halt_first=turn % 2)
