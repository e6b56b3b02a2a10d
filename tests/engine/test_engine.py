"""What the engine promises, on lists of words, in time that jumps."""

import asyncio
import hashlib
import random
from collections.abc import Callable

import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import Engine, Limits, RetryPolicy
from bulkagent.model import Cause
from tests.dispositions import BUSY, DONE, LOST, ended
from tests.engine.lists import ListSource, words
from tests.engine.upstream import ScriptedUpstream, bulkhead
from tests.jumping import run


def test_every_item_is_settled_once_and_the_slots_are_the_bound() -> None:
    source, upstream = ListSource(words(500)), ScriptedUpstream()
    run(bulkhead(source, upstream.attempt, Limits(concurrency=7, per_second=None)).run())
    assert sorted(source.histories) == sorted(words(500))
    assert upstream.peak == 7


def test_every_attempt_is_marked_before_it_is_made() -> None:
    source = ListSource(words(20))

    async def attempt(word: str, _overdue: object) -> Attempt:
        made = sum(1 for marked, _ in source.marks if marked == word)
        assert made >= 1
        return ended(BUSY if made == 1 else DONE)

    run(bulkhead(source, attempt, Limits(concurrency=3, per_second=None)).run())
    assert sorted(source.marks) == sorted((w, n) for w in words(20) for n in (1, 2))
    assert sorted(source.between) == sorted((w, 1) for w in words(20))


def test_any_operation_on_any_list() -> None:
    """The engine knows nothing of agents: here it hashes words."""
    source, digests = ListSource(words(50)), dict[str, str]()

    async def digest(word: str, _overdue: object) -> Attempt:
        digests[word] = hashlib.sha256(word.encode()).hexdigest()
        return ended(DONE)

    run(bulkhead(source, digest, Limits(concurrency=4, per_second=None)).run())
    assert digests == {word: hashlib.sha256(word.encode()).hexdigest() for word in words(50)}


def test_an_item_that_waits_for_its_retry_holds_no_slot() -> None:
    source, upstream = ListSource(words(10)), ScriptedUpstream(script={"word0": [BUSY]})
    limits = Limits(concurrency=1, per_second=None)
    run(bulkhead(source, upstream.attempt, limits, policy=RetryPolicy(base_s=10.0)).run())
    order = [word for _, word in upstream.starts]
    assert order == [*words(10), "word0"]


def test_a_due_retry_goes_before_a_new_item() -> None:
    source, upstream = (
        ListSource(words(100)),
        ScriptedUpstream(seconds=1.0, script={"word0": [BUSY]}),
    )
    limits = Limits(concurrency=1, per_second=None)
    run(bulkhead(source, upstream.attempt, limits, policy=RetryPolicy(base_s=2.5)).run())
    order = [word for _, word in upstream.starts]
    # Waits from 1 s, due at 3.5 s: the attempt that starts at 4 s is the retry.
    assert order[:6] == ["word0", "word1", "word2", "word3", "word0", "word4"]


def test_full_parking_stops_the_taking_of_new_items() -> None:
    script = {word: [BUSY] * 3 for word in words(50)}
    source, upstream = ListSource(words(50)), ScriptedUpstream(script=script)
    limits = Limits(concurrency=4, per_second=None, max_pending=5)
    head = bulkhead(source, upstream.attempt, limits)
    most = 0

    async def attempt(word: str, _overdue: object) -> Attempt:
        nonlocal most
        most = max(most, head.pending)
        return await upstream.attempt(word)

    head._attempts._attempt = attempt
    run(head.run())
    # Those in flight when the last place was taken may still need one each.
    assert 5 <= most <= 5 + 4 - 1
    assert len(source.histories) == 50


def test_lanes_are_worked_off_in_order() -> None:
    source, upstream = ListSource(["in1", "in2"], ["out1", "out2"]), ScriptedUpstream()
    limits = Limits(concurrency=1, per_second=None)
    run(bulkhead(source, upstream.attempt, limits, lanes=(0, 1)).run())
    assert [word for _, word in upstream.starts] == ["in1", "in2", "out1", "out2"]


def test_no_window_of_a_second_has_more_starts_than_the_rate() -> None:
    script = {word: [BUSY, BUSY] for word in words(200)[::3]}
    source, upstream = ListSource(words(200)), ScriptedUpstream(seconds=0.3, script=script)
    uniform = random.Random(3).random
    limits = Limits(concurrency=50, per_second=20.0)
    run(bulkhead(source, upstream.attempt, limits, uniform=uniform).run())
    times = [at for at, _ in upstream.starts]
    assert len(times) == 200 + 2 * len(script)
    for start in times:
        assert sum(1 for at in times if start <= at < start + 1.0 - 1e-9) <= 20


def test_a_paced_run_ends_with_its_last_item() -> None:
    """Idle workers book no starts that nobody needs."""
    source, upstream = ListSource(words(3)), ScriptedUpstream()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        await bulkhead(source, upstream.attempt, Limits(concurrency=64, per_second=1.0)).run()
        return loop.time()

    assert run(main()) < 1_000 + 3.5


def test_stopping_admits_nothing_more_and_strands_nothing() -> None:
    source = ListSource(words(100))
    upstream = ScriptedUpstream(seconds=1.0, script={"word1": [LOST, LOST, LOST]})
    head = bulkhead(source, upstream.attempt, Limits(concurrency=5, per_second=None))
    engine = Engine([head])

    async def main() -> None:
        asyncio.get_running_loop().call_later(2.2, engine.stop)
        await engine.run()

    run(main())
    assert set(source.taken) == set(source.histories), "what was taken has ended"
    assert len(source.taken) < 20
    assert source.histories["word1"].doubt is not None
    assert max(at for at, _ in upstream.starts) < 1_000 + 2.2
    assert "stopped" in repr(head)


def test_stopping_wakes_what_waits_for_its_start() -> None:
    source, upstream = ListSource(words(10)), ScriptedUpstream()
    engine = Engine([bulkhead(source, upstream.attempt, Limits(per_second=1 / 3600))])

    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(5.0, engine.stop)
        await engine.run()
        return loop.time()

    assert run(main()) == pytest.approx(1_005.0)
    assert len(source.taken) == 1


def test_stopping_while_a_retry_is_in_flight_lets_it_finish() -> None:
    source, upstream = (
        ListSource(["word0"]),
        ScriptedUpstream(seconds=1.0, script={"word0": [BUSY]}),
    )
    limits = Limits(concurrency=1, per_second=None)
    engine = Engine([bulkhead(source, upstream.attempt, limits, policy=RetryPolicy(base_s=1.0))])

    async def main() -> None:
        asyncio.get_running_loop().call_later(2.5, engine.stop)
        await engine.run()

    run(main())
    assert source.histories["word0"].last.disposition is DONE


def test_cancelling_leaves_what_was_in_flight_without_an_end() -> None:
    source, upstream = ListSource(words(10)), ScriptedUpstream(seconds=60.0)
    engine = Engine([bulkhead(source, upstream.attempt, Limits(concurrency=3, per_second=None))])

    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, engine.cancel)
        await engine.run()
        return loop.time()

    assert run(main()) == pytest.approx(1_001.0)
    assert len(source.marks) == 3
    assert not source.histories


def test_one_bulkhead_does_not_wait_for_another() -> None:
    source = ListSource(words(50), [f"slow{number}" for number in range(50)])
    quick, slow = ScriptedUpstream(seconds=0.1), ScriptedUpstream(seconds=10.0)
    limits = Limits(concurrency=5, per_second=None)
    done_at = 0.0

    async def main() -> None:
        nonlocal done_at
        heads = [
            bulkhead(source, quick.attempt, limits, lanes=(0,)),
            bulkhead(source, slow.attempt, limits, lanes=(1,)),
        ]
        await Engine(heads).run()
        done_at = max(at for at, _ in quick.starts)

    run(main())
    assert done_at == pytest.approx(1_000.9)


def test_a_defect_ends_the_run_and_is_not_swallowed() -> None:
    source = ListSource(words(100))

    async def attempt(word: str, _overdue: object) -> Attempt:
        await asyncio.sleep(0.01)
        raise ZeroDivisionError(word)

    with pytest.raises(BaseExceptionGroup) as caught:
        run(Engine([bulkhead(source, attempt, Limits(per_second=None))]).run())
    assert caught.group_contains(ZeroDivisionError)
    assert not source.histories


def test_histories_of_many_items_that_wait_are_not_mixed_up() -> None:
    """One retry object shared by tasks gave nearly every task another's result."""
    source = ListSource(words(400))
    tries: dict[str, int] = {}

    async def attempt(word: str, _overdue: object) -> Attempt:
        tries[word] = tries.get(word, 0) + 1
        await asyncio.sleep(0.001)
        wanted = int(word.removeprefix("word")) % 5
        return ended(BUSY if tries[word] <= wanted else DONE, message=word)

    uniform = random.Random(1).random
    run(bulkhead(source, attempt, Limits(per_second=None), uniform=uniform).run())
    for word, history in source.histories.items():
        assert history.last.message == word
        assert history.attempts == tries[word] == int(word.removeprefix("word")) % 5 + 1


def test_an_item_that_somebody_else_takes_is_not_attempted() -> None:
    """Before its first attempt nothing more is heard of it; after it, it ends as it is."""
    source, upstream = ListSource(words(20)), ScriptedUpstream(script={"word3": [BUSY]})
    source.taken_away.add("word7")
    made = upstream.attempt

    async def attempt(word: str, overdue: Callable[[], None]) -> Attempt:
        if word == "word3":
            source.taken_away.add(word)
        return await made(word, overdue)

    run(bulkhead(source, attempt, Limits(concurrency=3, per_second=None)).run())
    assert {word for _, word in upstream.starts} == {*words(20)} - {"word7"}
    assert set(source.histories) == {*words(20)} - {"word7"}
    assert (source.histories["word3"].attempts, source.histories["word3"].withheld) == (
        1,
        Cause.SUPERSEDED,
    )
