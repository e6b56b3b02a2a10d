"""--timeout and --concurrency: more in flight at a slow gateway than the limit (A3).

An upstream works on after a client has hung up, in virtual time. A request that it has taken counts
until it has processed it, whatever the client does.

Proves --timeout; guide "Requests in doubt".
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bulkagent.attempt import Attempt
from bulkagent.engine import Bulkhead, Engine, Limits, RetryPolicy, ThrottlePolicy, TripPolicy
from bulkagent.engine.gates.gated_lane import GatedLane
from bulkagent.engine.gates.gatekeeper import Gatekeeper
from bulkagent.engine.gates.handover import GateTerms
from bulkagent.engine.throttle.adaptive_limit import Bounds
from bulkagent.engine.throttle.lingering_requests import (
    AT_LEAST_S,
    Flight,
    LingeringRequests,
    held_s,
)
from bulkagent.model import Cause, Delivery, Disposition, Health, Status
from tests.dispositions import DONE, LOST, ended
from tests.engine.lists import ListSource, words
from tests.engine.test_reopening import Reopening
from tests.examples import examples
from tests.jumping import JumpingClock, run

TIMEOUT_S = 10.0

LATE = msgspec.structs.replace(LOST, name="late", cause=Cause.TIMEOUT, lingers=True)
RESET = msgspec.structs.replace(LOST, name="reset", lingers=True)
PAGE = Disposition(
    "page", Delivery.IN_DOUBT, Status.UNKNOWN, Cause.OVERLOADED, retries=None, health=Health.UNWELL
)
CAREFUL = ThrottlePolicy(timeout_s=TIMEOUT_S, retry_share=1.0, retries_per_second=1000.0)


class Way(msgspec.Struct, frozen=True):
    """What becomes of one request."""

    works_s: float
    """For how long it is processed there."""
    reset_s: float = math.inf
    """When its connection ends before that."""
    says: Disposition = DONE
    waits_s: float = 0.0
    """For how long its GUID and its connection are waited for before it leaves."""


class Gateway:
    """Processes to the end what it has taken; its clients read on for twice the time-out."""

    def __init__(self, way: Callable[[int], Way]) -> None:
        self.way = way
        self.working: Counter[str] = Counter()
        self.peak = 0
        self.twice_at_once: list[str] = []
        self.starts: list[tuple[float, str]] = []
        self.ends: list[tuple[float, str]] = []

    async def attempt(self, word: str, overdue: Callable[[], None]) -> Attempt:
        loop = asyncio.get_running_loop()
        way = self.way(len(self.starts))
        if way.waits_s:
            await asyncio.sleep(way.waits_s)
        self.starts.append((loop.time() - 1_000, word))
        self.working[word] += 1
        self.peak = max(self.peak, self.working.total())
        if self.working[word] > 1:
            self.twice_at_once.append(word)
        loop.call_later(way.works_s, self._worked, word)
        timer = loop.call_later(TIMEOUT_S, overdue)
        try:
            await asyncio.sleep(min(way.works_s, way.reset_s, 2 * TIMEOUT_S))
        finally:
            timer.cancel()
        self.ends.append((loop.time() - 1_000, word))
        if way.reset_s < min(way.works_s, 2 * TIMEOUT_S):
            return msgspec.structs.replace(ended(RESET), since_sent_s=way.reset_s)
        return ended(LATE if way.works_s > 2 * TIMEOUT_S else way.says)

    def _worked(self, word: str) -> None:
        self.working[word] -= 1


def head(source: ListSource, gateway: Gateway, concurrency: int, **given: object) -> Bulkhead:  # type: ignore[type-arg]
    adaptive = given.pop("adaptive", None)
    limits = Limits(concurrency=concurrency, adaptive=adaptive, per_second=None)  # type: ignore[arg-type]
    return Bulkhead(
        "gateway",
        (0,),
        source,
        gateway.attempt,
        limits=limits,
        **{  # type: ignore[arg-type]
            "policy": RetryPolicy(max_attempts=4),
            "clock": JumpingClock(),
            "random": lambda: 0.5,
            "throttle_policy": CAREFUL,
            "rows": len(source.lanes[0]),
            **given,
        },
    )


def sent(source: ListSource, gateway: Gateway, concurrency: int, **given: object) -> Bulkhead:  # type: ignore[type-arg]
    async def main() -> Bulkhead:  # type: ignore[type-arg]
        bulkhead = head(source, gateway, concurrency, **given)
        await bulkhead.run()
        return bulkhead

    return run(main())


@pytest.mark.parametrize("adaptive", [None, Bounds(2, 8, 4)], ids=["fixed", "auto"])
@pytest.mark.parametrize("works_s", [0.5, 10.5, 15.0, 19.9])
def test_the_peak_at_a_slow_gateway_is_the_limit_and_no_agent_is_there_twice(
    works_s: float, adaptive: Bounds | None
) -> None:
    source, gateway = ListSource(words(60)), Gateway(lambda _number: Way(works_s))
    sent(source, gateway, 8, adaptive=adaptive)
    assert gateway.peak <= 8
    assert not gateway.twice_at_once
    assert {source.histories[word].last.disposition for word in words(60)} == {DONE}
    assert {history.attempts for history in source.histories.values()} == {1}, (
        "a late answer counts"
    )


def test_what_never_is_answered_keeps_its_slot_for_twice_the_timeout() -> None:
    source, gateway = ListSource(words(8)), Gateway(lambda _number: Way(math.inf))
    sent(
        source,
        gateway,
        4,
        policy=RetryPolicy(max_attempts=1),
        throttle_policy=msgspec.structs.replace(CAREFUL, trip=TripPolicy(in_a_row=99, half_of=99)),
    )
    assert [at for at, _ in gateway.starts] == [0.0] * 4 + [20.0] * 4
    assert {history.last.disposition for history in source.histories.values()} == {LATE}


def test_a_late_answer_clears_the_doubt_and_frees_its_slot_at_once() -> None:
    source = ListSource(words(3))
    gateway = Gateway(lambda number: Way(12.0 if number == 0 else 1.0))
    sent(source, gateway, 1)
    assert gateway.starts == [(0.0, "word0"), (12.0, "word1"), (13.0, "word2")]
    assert source.histories["word0"].doubt is None


def test_a_whole_reply_of_any_kind_frees_its_slot_at_once() -> None:
    """A 503 page says that nobody is at work on it."""
    source = ListSource(words(2))
    gateway = Gateway(lambda number: Way(0.1, says=PAGE if number == 0 else DONE))
    sent(source, gateway, 1)
    assert [word for _, word in gateway.starts] == ["word0", "word1", "word0"]
    assert gateway.starts[1][0] == pytest.approx(0.1)


@pytest.mark.parametrize(("longest_s", "held_until"), [(0.25, 1.0), (3.0, 3.0)])
def test_a_reset_keeps_slot_and_agent_for_as_long_as_an_answer_took(
    longest_s: float, held_until: float
) -> None:
    def way(number: int) -> Way:
        return (Way(longest_s), Way(0.9 * held_until, reset_s=0.1), Way(0.2))[min(number, 2)]

    source, gateway = ListSource(words(3)), Gateway(way)
    sent(source, gateway, 1)
    assert [word for _, word in gateway.starts] == ["word0", "word1", "word2", "word1"]
    after = gateway.starts[2][0]
    assert after == pytest.approx(longest_s + held_until)
    assert (gateway.peak, gateway.twice_at_once) == (1, [])


def test_a_reset_counts_from_when_the_request_left_and_not_from_what_it_waited_for() -> None:
    def way(number: int) -> Way:
        return (Way(0.9, reset_s=0.1, waits_s=2.0), Way(0.2))[min(number, 1)]

    source, gateway = ListSource(words(2)), Gateway(way)
    sent(source, gateway, 1)
    assert [at for at, _ in gateway.starts] == pytest.approx([2.0, 3.0, 3.2])
    assert (gateway.peak, gateway.twice_at_once) == (1, [])


def test_where_it_is_known_that_a_reset_is_the_end_nothing_is_waited_for() -> None:
    """So it is with --gateway emulated."""
    source, gateway = ListSource(words(3)), Gateway(lambda _number: Way(math.inf, reset_s=0.1))
    known = msgspec.structs.replace(CAREFUL, waits_out_resets=False)
    sent(source, gateway, 1, throttle_policy=known, policy=RetryPolicy(max_attempts=1))
    assert [at for at, _ in gateway.starts] == pytest.approx([0.0, 0.1, 0.2])


def test_the_reset_of_the_last_one_for_good_is_not_waited_for() -> None:
    source, gateway = ListSource(words(1)), Gateway(lambda _number: Way(5.0, reset_s=0.1))
    sent(source, gateway, 1, policy=RetryPolicy(max_attempts=1))
    assert [at for at, _ in gateway.ends] == pytest.approx([0.1])


def test_the_breaker_is_told_at_the_timeout_and_not_again_by_the_late_answer() -> None:
    source, told = ListSource(words(4)), []
    gateway = Gateway(lambda number: Way(15.0 if number < 3 else 0.1))
    throttle_policy = msgspec.structs.replace(CAREFUL, trip=TripPolicy(in_a_row=3))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        await head(
            *(source, gateway, 3),
            throttle_policy=throttle_policy,
            notify=lambda event: told.append((loop.time() - 1_000, event.name)),
        ).run()

    run(main())
    assert told[0] == (10.0, "breaker.open")
    assert [event for _, event in told] == ["breaker.open", "breaker.half-open", "breaker.closed"]
    assert gateway.starts[3][0] == 15.0, "no room above the limit, also for a probe"


def test_a_half_open_breaker_has_a_slot_above_those_that_linger() -> None:
    source = ListSource(words(8))
    ways = [Way(19.0), Way(19.0), Way(19.0), Way(9.99)]
    gateway = Gateway(lambda number: ways[number] if number < 4 else Way(0.1))
    throttle_policy = msgspec.structs.replace(CAREFUL, trip=TripPolicy(in_a_row=3))
    sent(source, gateway, 4, throttle_policy=throttle_policy)
    # Three are overdue at 10 s; after the pause the fourth slot is the probe's.
    assert [at for at, _ in gateway.starts[4:6]] == pytest.approx([9.99, 10.375])
    assert gateway.peak == 4


def test_no_probe_before_the_youngest_that_lingers_is_older_than_the_timeout() -> None:
    """Its answer may come yet, which would say more than a probe."""
    source = ListSource(words(9))
    ways = [Way(15.0), Way(4.0), Way(0.9, reset_s=0.1), Way(0.9, reset_s=0.1)]
    gateway = Gateway(lambda number: ways[number] if number < 4 else Way(0.1))
    throttle_policy = msgspec.structs.replace(CAREFUL, trip=TripPolicy(in_a_row=2))
    sent(source, gateway, 4, throttle_policy=throttle_policy)
    assert gateway.starts[4][0] == 10.0
    assert gateway.peak == 4


def test_a_stop_waits_for_a_late_answer_and_no_longer_than_the_grace() -> None:
    source = ListSource(words(9))
    gateway = Gateway(lambda number: Way(14.0 if number == 0 else 19.0))

    async def main() -> float:
        loop = asyncio.get_running_loop()
        engine = Engine([head(source, gateway, 2)], clock=JumpingClock(), grace_s=5.0)
        loop.call_later(11.0, engine.stop)
        await engine.run()
        return loop.time() - 1_000

    assert run(main()) == 16.0
    assert set(source.histories) == {"word0"}
    assert source.histories["word0"].last.disposition is DONE
    assert len(gateway.starts) == 2


def test_a_stop_does_not_wait_for_what_is_reset() -> None:
    source, gateway = ListSource(words(9)), Gateway(lambda _number: Way(5.0, reset_s=0.1))

    async def main() -> float:
        loop = asyncio.get_running_loop()
        engine = Engine([head(source, gateway, 2)], clock=JumpingClock(), grace_s=5.0)
        loop.call_later(0.5, engine.stop)
        await engine.run()
        return loop.time() - 1_000

    assert run(main()) == 0.5
    assert {word: history.attempts for word, history in source.histories.items()} == {
        "word0": 1,
        "word1": 1,
    }


def test_what_an_earlier_leg_left_in_doubt_uses_slots() -> None:
    """A resume after a kill: rows in doubt that are younger than twice the --timeout."""
    source, gateway = ListSource(words(8)), Gateway(lambda _number: Way(1.0))

    async def main() -> None:
        now = asyncio.get_running_loop().time()
        carried = (now - 19.5, now - 15.0, now - 3.0, now - 25.0)
        bulkhead = head(source, gateway, 4, carried=carried)
        assert (bulkhead.lingering, bulkhead.held) == (3, 3)
        await bulkhead.run()

    run(main())
    assert [at for at, _ in gateway.starts] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]


def test_all_slots_may_be_in_use_by_what_was_left() -> None:
    source, gateway = ListSource(words(2)), Gateway(lambda _number: Way(1.0))

    async def main() -> None:
        now = asyncio.get_running_loop().time()
        await head(source, gateway, 2, carried=[now - 5.0] * 3).run()

    run(main())
    assert [at for at, _ in gateway.starts] == [15.0, 15.0]


def test_a_lane_that_waits_for_its_time_is_not_forgotten_when_another_time_comes_first() -> None:
    """`doctor --pilot` that was stopped: the opposite of what is in doubt was never asked for."""
    source, gateway = ListSource(words(2)), Gateway(lambda _number: Way(1.0))

    async def main() -> None:
        now = asyncio.get_running_loop().time()
        waits = GatedLane(lane=0, group="", rows=2, not_before=now + 15.001)
        gates = Gatekeeper([waits], {}, GateTerms())
        await head(source, gateway, 2, carried=[now - 5.0], gates=gates).run()

    run(main())
    assert [at for at, _ in gateway.starts] == pytest.approx([15.001, 15.001])


def test_a_second_pass_counts_what_the_first_has_left() -> None:
    first, second = ListSource(words(2)), ListSource(words(2, "more"))
    gateway = Gateway(lambda number: Way(0.8, reset_s=0.1) if number == 0 else Way(0.2))

    async def main() -> None:
        once = RetryPolicy(max_attempts=1)
        earlier = head(first, gateway, 2, policy=once)
        await earlier.run()
        later = head(second, gateway, 2)
        later.follow(earlier)
        assert later.lingering == 1
        await later.run()

    run(main())
    assert gateway.peak <= 2
    assert [at for at, _ in gateway.starts] == pytest.approx([0.0, 0.0, 0.2, 0.4])


@pytest.mark.parametrize("found_s", [None, 0.0, 0.5], ids=["as the last one ends", "then", "late"])
def test_who_is_sent_once_more_after_the_end_shares_the_slots_with_what_is_still_at_work(
    found_s: float | None,
) -> None:
    """A stray reply that is found in the end: --concurrency holds all the same."""
    source = Reopening(4)
    gateway = Gateway(lambda number: Way(0.9, reset_s=0.1) if number < 2 else Way(0.2))

    async def main() -> None:
        def find() -> None:
            if len(gateway.starts) == 4:
                bulkhead.expect(source.reopen(["word2", "word3"]))

        async def before_end() -> None:
            await asyncio.sleep(found_s or 0.0)
            find()

        def settled(_history: object) -> None:
            if found_s is None and len(source.histories) == 4:
                asyncio.get_running_loop().call_soon(find)  # when nothing is left, and all go

        once = RetryPolicy(max_attempts=1)
        bulkhead = source.head = head(source, gateway, 3, policy=once, before_end=before_end)
        await bulkhead.run(settled)

    run(main())
    # At 0.1 s two are reset that count until 1.0 s; at 0.4 s all are told.
    again = [0.905, 1.0] if found_s else [0.405, 0.605]
    assert len(gateway.starts) == 6
    assert gateway.peak == 3
    assert [at for at, _ in gateway.starts[4:]] == pytest.approx(again)


ways = st.builds(
    Way,
    works_s=st.sampled_from([0.1, 0.5, 0.9, 9.0, 11.0, 15.0, 19.5]),
    reset_s=st.just(math.inf),
    says=st.sampled_from([DONE, PAGE, DONE]),
) | st.just(Way(0.9, reset_s=0.3))


@given(
    st.lists(ways, min_size=1, max_size=40),
    st.integers(1, 6),
    st.sampled_from([None, Bounds(1, 6, 2)]),
    st.none() | st.floats(0.05, 40.0),
    st.integers(0, 7),
)
@settings(max_examples=examples(60))
@example([Way(15.0)], 1, None, None, 0)
def test_whatever_replies_do_the_peak_is_the_limit_and_no_agent_is_there_twice(
    script: list[Way], limit: int, adaptive: Bounds | None, stop_s: float | None, left: int
) -> None:
    """Retries, breaker, auto, a stop, and what an earlier leg left."""
    source = ListSource(words(30))
    gateway = Gateway(lambda number: script[number % len(script)])
    limit = adaptive.high if adaptive else limit

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(left):
            # Sent five seconds ago, and processed for the longest that anything is.
            gateway.working[f"left{number}"] += 1
            loop.call_later(14.5, gateway._worked, f"left{number}")
        bulkhead = head(
            *(source, gateway, limit), adaptive=adaptive, carried=[loop.time() - 5.0] * left
        )
        engine = Engine([bulkhead], clock=JumpingClock(), grace_s=3.0)
        if stop_s is not None:
            loop.call_later(stop_s, engine.stop)
        await engine.run()

    run(main())
    assert gateway.peak <= max(limit, left)
    assert not gateway.twice_at_once


@given(st.floats(0.0, 100.0), st.floats(0.1, 60.0), st.booleans())
def test_a_slot_is_held_for_a_second_at_least_and_twice_the_timeout_at_most(
    longest_s: float, timeout_s: float, overdue: bool
) -> None:
    held = held_s(longest_s, timeout_s, overdue=overdue)
    assert held <= 2 * timeout_s
    assert held >= min(2 * timeout_s, max(AT_LEAST_S, longest_s))
    assert not overdue or held == 2 * timeout_s


def test_without_a_timeout_nothing_lingers() -> None:
    lingering, flight = LingeringRequests(0.0), Flight(1, 5.0, lambda _flight: None)
    lingering.hold(flight, 5.0)
    assert (len(lingering), lingering.carried(5.0)) == (0, 0)
    assert repr(lingering) == "<LingeringRequests: 0 and 0 of others>"
