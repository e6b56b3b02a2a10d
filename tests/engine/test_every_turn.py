"""There is no turn of the event loop in which a run's end loses anything.

Two things of the same second happen in different turns, and it is between those that something
can get lost; so a short run in which everything occurs is tried with an end in each of them.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import Engine, Limits, RetryPolicy, ThrottlePolicy, TripPolicy
from bulkagent.model import Disposition
from tests.dispositions import ABSENT, BUSY, DENIED, LOST, READY, STRANGE, UNREACHED
from tests.engine.checks import Act, Tried, cancel, check, closed_by_its_end, stop
from tests.engine.lists import ListSource, words
from tests.engine.upstream import CARELESS, ScriptedUpstream, Seen, bulkhead
from tests.jumping import JumpingClock, JumpingLoop


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


class Short(NamedTuple):
    """A short run in which much occurs."""

    limits: Limits
    script: dict[str, list[Disposition]]
    throttle_policy: ThrottlePolicy = CARELESS
    pauses: tuple[float, ...] = ()
    retry_for_s: float = 0.0


SCRIPT = {
    "in-0": [BUSY, STRANGE, BUSY],
    "in-1": [READY, DENIED],
    "in-2": [LOST, ABSENT],
    "in-4": [BUSY],
}
TRIPPING = {
    "in-0": [BUSY, UNREACHED, BUSY],
    "in-1": [UNREACHED, LOST, UNREACHED, BUSY],
    "in-2": [LOST, LOST, ABSENT],
    "in-3": [UNREACHED, STRANGE],
}
"""The breaker opens, is probed by a new item and by retries, and closes in the end."""

CAREFUL = ThrottlePolicy(
    retry_share=0.0,
    retries_per_second=2.0,
    trip=TripPolicy(in_a_row=2, half_of=4, base_s=0.5, cap_s=1.0),
)
RUNS = {
    "retries": Short(Limits(concurrency=2, per_second=None, max_pending=2), SCRIPT),
    "rate": Short(Limits(concurrency=2, per_second=4.0, max_pending=2), SCRIPT),
    "breaker": Short(Limits(concurrency=2, per_second=None, max_pending=2), TRIPPING, CAREFUL),
    "breaker-rate": Short(Limits(concurrency=3, per_second=4.0), TRIPPING, CAREFUL),
    "sweep": Short(
        Limits(concurrency=2, per_second=None), TRIPPING, CAREFUL, (0.0, 0.7, 0.0, 3.0), 30.0
    ),
    "given-up": Short(
        Limits(concurrency=2, per_second=None, max_pending=3),
        {word: [UNREACHED, LOST] * 9 for word in words(6, "in-")},
        msgspec.structs.replace(CAREFUL, give_up_after_s=6.0),
    ),
}


def in_one_turn(act: Act, turn: int, short: Short, *, first: bool, halt_first: int) -> int:
    """A short run with one act in one turn; how many it took."""
    names = words(6, "in-")
    script = {word: list(ends) for word, ends in short.script.items()}
    source, seen = ListSource(names, take_s=0.1), list[Seen]()
    upstream = ScriptedUpstream(seconds=0.5, script=script, pauses=short.pauses)
    head = bulkhead(
        source,
        upstream.attempt,
        short.limits,
        name="in",
        policy=RetryPolicy(max_attempts=3, base_s=0.5, retry_for_s=short.retry_for_s),
        halt_first=halt_first,
        seen=seen,
        throttle_policy=short.throttle_policy,
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
    check(Tried(source, [upstream], seen, engine))
    assert upstream.peak <= short.limits.concurrency
    return loops[0].turns


_SELDOM = pytest.mark.matrix


@pytest.mark.parametrize(
    ("act", "first"),
    [
        (stop, True),
        pytest.param(cancel, False, marks=_SELDOM),
        pytest.param(stop, False, marks=_SELDOM),
        pytest.param(cancel, True, marks=_SELDOM),
        *(
            pytest.param(act, first, marks=_SELDOM)
            for act in (both, paused)
            for first in (True, False)
        ),
    ],
)
@pytest.mark.parametrize("name", RUNS)
def test_there_is_no_turn_in_which_an_end_loses_anything(act: Act, first: bool, name: str) -> None:
    turns = in_one_turn(act, 0, RUNS[name], first=first, halt_first=0)
    assert turns > 50
    for turn in range(1, turns + 1):
        in_one_turn(act, turn, RUNS[name], first=first, halt_first=turn % 2)
