"""Ways to meddle with a run, and what has to hold of it in spite of them."""

from collections.abc import Callable
from typing import NamedTuple

from bulkagent.attempt import Attempt
from bulkagent.engine import Bulkhead, Engine, Stop
from bulkagent.model import Cause
from tests.engine.lists import ListSource
from tests.engine.upstream import ScriptedUpstream, Seen

Act = Callable[[Engine[str, Attempt]], None]


class Tried(NamedTuple):
    """A run and everything that was seen of it."""

    source: ListSource
    upstreams: list[ScriptedUpstream]
    seen: list[Seen]
    engine: Engine[str, Attempt]


def closed_by_its_end(heads: list[Bulkhead[str, Attempt]], source: ListSource) -> None:
    """Have the source fail a take that is asked for after a bulkhead's end."""
    of_lane = {lane: head for head in heads for lane in head._scheduler.lanes}
    source.may_take = lambda lane: of_lane[lane]._attempts.end is None


def check(tried: Tried) -> None:
    source, upstreams, seen, engine = tried
    starts = [word for upstream in upstreams for _, word in upstream.starts]
    assert sorted(word for word, _ in source.marks) == sorted(starts), "no attempt, no mark"
    ends = [(word, number) for word, number, _, _ in seen]
    assert len(set(ends)) == len(ends), "shown twice"
    assert sorted(word for word, _ in ends) == sorted(
        word for upstream in upstreams for word in upstream.ends
    )
    for word, history in source.histories.items():
        assert history.withheld in {None, Cause.RETRY_BUDGET}
        assert history.withheld is None or engine.endings, "not denied for good but by an end"
        assert history.attempts == sum(shown == word for shown, _ in ends)
        assert history.attempts == sum(claimed == word for claimed, _ in source.claims)
    histories = source.histories.values()
    assert engine.tally.finished == len(histories)
    assert engine.tally.finished == sum(head.tally.finished for head in engine.bulkheads)
    lost = set(source.taken) - set(source.histories)
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
        if isinstance(decision, Stop) and not decision.reason.startswith("stopped")
    }
    return set(source.histories) - enough


def stop(engine: Engine[str, Attempt]) -> None:
    engine.stop()


def cancel(engine: Engine[str, Attempt]) -> None:
    engine.cancel()


def resize(tokens: int, lane: int) -> Act:
    return lambda engine: engine.bulkheads[lane].resize(tokens)
