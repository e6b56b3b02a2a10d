"""An upstream that is gone, for a while or for good: how often it is still asked, and by what."""

import asyncio
import itertools
from collections.abc import Callable

import pytest

from bulkagent.attempt import conclude
from bulkagent.engine import Engine, Limits, RetryPolicy, ThrottleEvent, ThrottlePolicy, TripPolicy
from bulkagent.model import Cause, Delivery, Disposition, Status
from tests.dispositions import BUSY, DONE, LOST, STRANGE, UNREACHED
from tests.engine.lists import ListSource, words
from tests.engine.test_ending import ran
from tests.engine.upstream import ScriptedUpstream, bulkhead
from tests.jumping import JumpingClock

UNPACED = Limits(concurrency=32, per_second=None)
QUICK = ThrottlePolicy(give_up_after_s=5.0, never_answered_after_s=5.0)
PATIENT = RetryPolicy(max_attempts=1_000)


def outage(
    begins_s: float, ends_s: float, bad: Disposition = UNREACHED
) -> Callable[[float], Disposition]:
    return lambda now: bad if begins_s <= now < ends_s else DONE


def scripted(good: int, bad: Disposition) -> Callable[[float], Disposition]:
    """That many good ends, then never again one."""
    count = itertools.count(1)
    return lambda _now: DONE if next(count) <= good else bad


@pytest.mark.parametrize("bad", [UNREACHED, LOST])
@pytest.mark.parametrize("per_second", [None, 200.0])
def test_an_outage_for_good_costs_few_attempts(bad: Disposition, per_second: float | None) -> None:
    source = ListSource(words(10_000))
    upstream = ScriptedUpstream(seconds=0.05, usual=scripted(300, bad))
    limits = Limits(concurrency=32, per_second=per_second)
    head = bulkhead(source, upstream.attempt, limits, throttle_policy=QUICK)
    seconds = ran(Engine([head], clock=JumpingClock()))
    # 300 good, ten that show it, what was in flight then, and a probe after each pause.
    assert len(upstream.starts) <= 300 + 10 + 32 + 10
    assert head.ended is not None
    assert head.ended.cause is Cause.BREAKER_OPEN
    assert "no good answer for 5 s" in str(head.ended.reason)
    assert head.lanes_left == (0,)
    assert set(source.histories) == set(source.taken)
    assert 5.0 <= seconds < 5.0 + 3.0


def test_what_was_not_taken_until_the_end_was_never_attempted() -> None:
    source, upstream = ListSource(words(500)), ScriptedUpstream(usual=UNREACHED)
    ran(
        Engine(
            [bulkhead(source, upstream.attempt, UNPACED, throttle_policy=QUICK)],
            clock=JumpingClock(),
        )
    )
    outcomes = [conclude(0, history, 0) for history in source.histories.values()]
    assert {outcome.cause for outcome in outcomes} == {Cause.CONNECT}
    assert len(source.lanes[0]) + len(source.histories) == 500


@pytest.mark.parametrize("bad", [UNREACHED, LOST])
def test_after_an_outage_everything_is_applied(bad: Disposition) -> None:
    source, upstream = ListSource(words(2_000)), ScriptedUpstream(usual=outage(0.2, 60.0, bad))
    notices: list[ThrottleEvent] = []
    head = bulkhead(
        source,
        upstream.attempt,
        UNPACED,
        throttle_policy=ThrottlePolicy(),
        policy=PATIENT,
        notify=notices.append,
    )
    seconds = ran(Engine([head], clock=JumpingClock()))
    assert head.ended is None
    assert head.tally.applied == 2_000
    assert 60.0 < seconds < 60.0 + 15.0 + 15.0  # the longest pause, and the longest backoff
    during = [at for at in upstream.times if 0.3 <= at < 60.0]
    assert len(during) < 32 + 12
    events = [event.name for event in notices if event.name.startswith("breaker")]
    opened = events.count("breaker.open")
    assert events == ["breaker.open", "breaker.half-open"] * opened + ["breaker.closed"]
    assert opened >= 6


def test_a_probe_is_a_new_item_while_there_is_one() -> None:
    source, upstream = ListSource(words(8)), ScriptedUpstream(usual=outage(0.0, 40.0), seconds=0.1)
    throttle_policy = ThrottlePolicy(trip=TripPolicy(in_a_row=2), never_answered_after_s=300.0)
    limits = Limits(concurrency=2, per_second=None)
    head = bulkhead(
        source, upstream.attempt, limits, throttle_policy=throttle_policy, policy=PATIENT
    )
    ran(Engine([head], clock=JumpingClock()))
    probes = [word for _, word in upstream.starts if _ < 1_040.0]
    assert probes[:8] == words(8)
    # Then the retry that waits the longest, which is each in turn.
    assert probes[8:] == [f"word{number % 8}" for number in range(len(probes) - 8)]
    assert head.tally.applied == 8


def test_a_probe_is_not_the_same_item_twice_where_another_waits() -> None:
    """Its attempt ended before that of one which was in flight for long, so it waits longer."""
    source = ListSource(words(3))
    durations = iter([0.1, 0.1, 4.0])
    upstream = ScriptedUpstream(seconds=lambda: next(durations, 0.1), usual=outage(0.0, 30.0))
    throttle_policy = ThrottlePolicy(trip=TripPolicy(in_a_row=2), never_answered_after_s=300.0)
    limits = Limits(concurrency=3, per_second=None)
    ran(
        Engine(
            [
                bulkhead(
                    source,
                    upstream.attempt,
                    limits,
                    throttle_policy=throttle_policy,
                    policy=PATIENT,
                )
            ],
            clock=JumpingClock(),
        )
    )
    probes = [word for at, word in upstream.starts[3:] if at < 1_030.0]
    assert len(probes) > 3
    assert all(one != other for one, other in itertools.pairwise(probes))


@pytest.mark.parametrize("policy", [PATIENT, RetryPolicy(max_attempts=2, retry_for_s=60.0)])
def test_the_only_item_left_is_probed_again_and_again(policy: RetryPolicy) -> None:
    source, upstream = ListSource(words(1)), ScriptedUpstream(usual=outage(0.0, 40.0))
    throttle_policy = ThrottlePolicy(trip=TripPolicy(in_a_row=1), never_answered_after_s=300.0)
    head = bulkhead(
        source, upstream.attempt, UNPACED, throttle_policy=throttle_policy, policy=policy
    )
    assert ran(Engine([head], clock=JumpingClock())) < 60.0
    assert head.tally.applied == 1
    assert len(upstream.starts) >= 6


@pytest.mark.parametrize(
    ("usual", "seconds"),
    [
        (lambda _now: UNREACHED, 30.0),
        (scripted(1, UNREACHED), 300.0),
        (scripted(1, LOST), 300.0),
        (lambda now: UNREACHED if now < 1.0 or now > 1.9 else BUSY, 300.0),
        pytest.param(lambda _now: BUSY, 300.0, marks=pytest.mark.matrix),
    ],
    ids=["never", "unreached", "lost", "busy", "busy all the time"],
)
def test_who_never_answered_is_given_up_sooner(
    usual: Callable[[float], Disposition], seconds: float
) -> None:
    """A refusal for being busy is an answer too, though no good one."""
    source, upstream = ListSource(words(100_000)), ScriptedUpstream(usual=usual)
    head = bulkhead(
        source, upstream.attempt, UNPACED, throttle_policy=ThrottlePolicy(), policy=PATIENT
    )
    assert ran(Engine([head], clock=JumpingClock())) == pytest.approx(seconds, abs=0.1)
    assert head.ended is not None
    assert head.ended.cause is Cause.BREAKER_OPEN
    assert ("at all" in str(head.ended.reason)) == (seconds == 30.0)


@pytest.mark.parametrize(
    ("halt_first", "usual", "cause"),
    [
        (50, lambda _now: STRANGE, Cause.HALTED),
        (0, lambda _now: STRANGE, Cause.BREAKER_OPEN),
        (50, outage(0.0, 0.015, STRANGE), None),
        (50, lambda now: STRANGE if now < 0.015 else UNREACHED, Cause.BREAKER_OPEN),
    ],
    ids=["all", "off", "good-later", "other-later"],
)
def test_a_wrong_set_up_that_looks_like_an_outage_is_a_halt(
    halt_first: int, usual: Callable[[float], Disposition], cause: Cause | None
) -> None:
    source, upstream = ListSource(words(200)), ScriptedUpstream(usual=usual)
    limits = Limits(concurrency=8, per_second=None)
    head = bulkhead(source, upstream.attempt, limits, throttle_policy=QUICK, halt_first=halt_first)
    ran(Engine([head], clock=JumpingClock()))
    assert (head.ended.cause if head.ended else None) is cause
    assert set(source.histories) == set(source.taken)


def alone(limits: Limits) -> float:
    source, upstream = ListSource(words(400)), ScriptedUpstream(seconds=0.1)
    return ran(Engine([bulkhead(source, upstream.attempt, limits)], clock=JumpingClock()))


@pytest.mark.parametrize("per_second", [None, 50.0])
def test_a_dead_upstream_costs_a_live_one_nothing(per_second: float | None) -> None:
    limits = Limits(concurrency=4, per_second=per_second)
    source = ListSource(words(400, "live"), words(400, "dead"))
    live, dead = ScriptedUpstream(seconds=0.1), ScriptedUpstream(seconds=0.1, usual=UNREACHED)
    heads = [
        bulkhead(source, live.attempt, limits, name="live", throttle_policy=ThrottlePolicy()),
        bulkhead(
            source, dead.attempt, limits, name="dead", lanes=(1,), throttle_policy=ThrottlePolicy()
        ),
    ]
    engine = Engine(heads, clock=JumpingClock())
    assert ran(engine) == pytest.approx(30.0, abs=0.2)
    assert live.times[-1] + 0.1 == pytest.approx(alone(limits))
    assert heads[0].tally.applied == 400
    assert [name for name, _ in engine.endings] == ["dead"]


@pytest.mark.parametrize(
    ("per_second", "take_s", "seconds"), [(20.0, None, 1.0), (None, 0.5, 0.2), (20.0, 0.5, 1.0)]
)
def test_who_waits_while_it_opens_does_not_start(
    per_second: float | None, take_s: float | None, seconds: float
) -> None:
    source = ListSource(words(5_000), take_s=take_s)
    upstream = ScriptedUpstream(seconds=seconds, usual=UNREACHED)
    limits = Limits(concurrency=16, per_second=per_second)
    throttle_policy = ThrottlePolicy(trip=TripPolicy(in_a_row=1, base_s=20.0, cap_s=20.0))
    notices: list[tuple[float, str]] = []
    head = bulkhead(
        source,
        upstream.attempt,
        limits,
        throttle_policy=throttle_policy,
        notify=lambda event: notices.append((asyncio.get_running_loop().time(), event.name)),
    )
    ran(Engine([head], clock=JumpingClock(), deadline_s=15.0))
    opened_at = notices[0][0]
    assert notices == [(opened_at, "breaker.open")]
    assert len(upstream.starts) <= limits.concurrency
    if take_s is None:
        assert max(at for at, _ in upstream.starts) <= opened_at
    assert set(source.histories) == set(source.taken)


def test_a_probe_is_a_new_item_again_when_there_is_room_for_one() -> None:
    """Else a worker waited, with the only slot, for one that had been put off meanwhile."""
    unsent = Disposition("unsent", Delivery.NEVER_SENT, Status.FAILED, Cause.CONNECT)
    script = {"word0": [UNREACHED, unsent], "word1": [UNREACHED]}
    source, upstream = ListSource(words(3)), ScriptedUpstream(seconds=0.1, script=script)
    head = bulkhead(
        source,
        upstream.attempt,
        Limits(concurrency=1, per_second=None, max_pending=2),
        policy=RetryPolicy(max_attempts=1, base_s=4.0, retry_for_s=100.0),
        throttle_policy=ThrottlePolicy(trip=TripPolicy(in_a_row=1)),
    )
    ran(Engine([head], clock=JumpingClock()))
    # The probe of word0 comes to nothing and leaves room; word1 is to wait for the sweep.
    assert [word for _, word in upstream.starts] == ["word0", "word1", "word0", "word2", "word1"]
    assert head.tally.applied == 2
