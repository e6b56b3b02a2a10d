"""An agent who is not there yet is waited for, gently, and for as long as was said."""

from __future__ import annotations

import asyncio

import pytest

from bulkagent.attempt import Attempt
from bulkagent.engine import Engine, Limits, PollPolicy, RetryPolicy
from bulkagent.engine.bulkhead import Bulkhead
from bulkagent.model import Cause, Disposition, Status
from tests import jumping
from tests.dispositions import ABSENT, DONE, LOST, NOBODY, REFUSED
from tests.engine.lists import ListSource, words
from tests.engine.upstream import CARELESS, ScriptedUpstream
from tests.jumping import JumpingClock


def bulkhead(
    source: ListSource, upstream: ScriptedUpstream, poll_policy: PollPolicy | None
) -> Bulkhead[str, Attempt]:
    return Bulkhead(
        "words",
        (0,),
        source,
        upstream.attempt,
        limits=Limits(concurrency=4, per_second=None, max_pending=2),
        policy=RetryPolicy(max_attempts=3),
        clock=JumpingClock(),
        random=lambda: 0.5,
        throttle_policy=CARELESS,
        poll_policy=poll_policy,
        rows=len(source.lanes[0]),
    )


def after(
    seconds: float, then: Disposition = DONE, *, before: Disposition = ABSENT
) -> ScriptedUpstream:
    return ScriptedUpstream(0.01, usual=lambda at: then if at >= seconds else before)


async def worked_off(head: Bulkhead[str, Attempt]) -> float:
    await Engine([head], clock=JumpingClock()).run()
    return asyncio.get_running_loop().time() - 1_000


def test_without_patience_who_is_not_there_fails_at_once() -> None:
    source, upstream = ListSource(words(3)), ScriptedUpstream(usual=ABSENT)
    assert jumping.run(worked_off(bulkhead(source, upstream, None))) < 1
    assert {history.attempts for history in source.histories.values()} == {1}


def test_who_comes_is_set_and_the_others_do_not_wait_for_that() -> None:
    source = ListSource(words(50))
    late = {f"word{number}" for number in range(10)}
    upstream = ScriptedUpstream(0.01)
    upstream.script = {word: [ABSENT] * 3 for word in late}
    head = bulkhead(source, upstream, PollPolicy(window_s=900.0))
    took = jumping.run(worked_off(head))
    assert all(history.last.disposition is DONE for history in source.histories.values())
    prompt = max(at for at, word in upstream.starts if word not in late) - 1_000
    assert prompt < 1, "who is waited for holds no slot and no place among the retries"
    assert 90 < took < 100, "each is asked for every half minute"


def test_at_the_end_of_the_window_whoever_is_missing_has_failed() -> None:
    source, upstream = ListSource(words(5)), ScriptedUpstream(usual=ABSENT)
    took = jumping.run(worked_off(bulkhead(source, upstream, PollPolicy(window_s=300.0))))
    assert took == pytest.approx(300, abs=1)
    for history in source.histories.values():
        assert history.last.disposition is ABSENT
        assert 8 <= history.attempts <= 11
    assert not source.lanes[0]


def test_who_has_nothing_to_be_asked_with_is_not_signed_in_after_the_wait() -> None:
    source, upstream = ListSource(words(2)), ScriptedUpstream(usual=NOBODY)
    jumping.run(worked_off(bulkhead(source, upstream, PollPolicy(window_s=60.0))))
    assert {history.withheld for history in source.histories.values()} == {Cause.NOT_SIGNED_IN}


def test_all_together_are_asked_for_at_a_gentle_pace() -> None:
    source, upstream = ListSource(words(400)), ScriptedUpstream(usual=ABSENT)
    head = bulkhead(source, upstream, PollPolicy(window_s=100.0, every_s=10.0, per_second=5.0))
    jumping.run(worked_off(head))
    again = sorted(upstream.times)[400:]
    assert len(again) > 100
    for start in range(5, 95, 5):
        assert sum(start <= at < start + 5 for at in again) <= 26


def test_a_fault_while_one_waits_is_waited_out_like_the_rest() -> None:
    source = ListSource(["late"])
    upstream = ScriptedUpstream(0.01, script={"late": [ABSENT, LOST, ABSENT, DONE]})
    jumping.run(worked_off(bulkhead(source, upstream, PollPolicy(window_s=900.0))))
    assert source.histories["late"].attempts == 4
    assert source.histories["late"].last.disposition.status is Status.APPLIED


def test_a_fault_before_one_is_found_missing_leads_to_the_wait_too() -> None:
    source = ListSource(["late"])
    upstream = ScriptedUpstream(0.01, script={"late": [LOST, ABSENT, ABSENT, DONE]})
    jumping.run(worked_off(bulkhead(source, upstream, PollPolicy(window_s=900.0))))
    assert source.histories["late"].attempts == 4
    assert source.histories["late"].doubt is not None


def test_whom_another_run_takes_meanwhile_is_asked_for_no_more() -> None:
    """`--wait-for-sign-in`: what a later run of a person has set stays so after a sign-in."""
    source, upstream = ListSource(["late"]), ScriptedUpstream(usual=ABSENT)
    head = bulkhead(source, upstream, PollPolicy(window_s=900.0))

    async def main() -> float:
        asyncio.get_running_loop().call_later(45.0, source.taken_away.add, "late")
        return await worked_off(head)

    assert jumping.run(main()) < 100
    assert len(upstream.starts) == 2
    assert source.histories["late"].withheld is Cause.SUPERSEDED
    assert head.tally.finished == 1


def test_a_refusal_ends_the_wait() -> None:
    source = ListSource(["late"])
    upstream = ScriptedUpstream(0.01, script={"late": [ABSENT, REFUSED]})
    took = jumping.run(worked_off(bulkhead(source, upstream, PollPolicy(window_s=900.0))))
    assert source.histories["late"].last.disposition is REFUSED
    assert took < 60


@pytest.mark.parametrize("how", ["stop", "cancel"])
@pytest.mark.parametrize("waiters", [3, 500])
def test_a_stop_tells_of_everybody_who_was_waited_for(how: str, waiters: int) -> None:
    source, upstream = ListSource(words(waiters)), ScriptedUpstream(usual=ABSENT)
    head = bulkhead(source, upstream, PollPolicy(window_s=900.0))
    engine = Engine([head], clock=JumpingClock())

    async def stopped() -> None:
        asyncio.get_running_loop().call_later(200.0, getattr(engine, how))
        await engine.run()

    jumping.run(stopped())
    in_flight = set(source.taken) - set(source.histories)
    assert len(in_flight) <= (4 if how == "cancel" else 0)
    assert len(source.histories) + len(in_flight) == waiters
    assert head.ended is not None


@pytest.mark.parametrize("window_s", [0.05, 30.0, 31.0])
def test_every_window_comes_to_its_end(window_s: float) -> None:
    source, upstream = ListSource(words(20)), after(25.0)
    jumping.run(worked_off(bulkhead(source, upstream, PollPolicy(window_s=window_s))))
    assert len(source.histories) == 20
