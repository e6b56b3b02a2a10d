"""agree= in Python: what counts as consent, and that nothing is sent without it.

README: Nothing is sent to a real gateway before a person. Proves guide "Agree to a plan".
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

import bulkagent
from bulkagent import ConsentRefused, Outcome, Plan, SettingsRefused
from bulkagent.clock import SystemClock
from bulkagent.diagnostics import CheckRequest
from bulkagent.diagnostics.pilot import run_pilot
from bulkagent.roster import RosterRules
from bulkagent.run import Consent, Run
from bulkagent.run.plan.consent import consent_of, refuse_unanswerable
from bulkagent.sessions import Hold, HoldRequest
from tests.run.again import code, shift

PLAN = Plan(run_id="r", layout="", rows=1, agents=1, duplicates=0, invalid=0, parts=())


class Later:
    """An object that is awaited for its answer."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __await__(self) -> Generator[Any, Any, object]:
        yield from ()
        return self.answer


class Asked:
    """A callable object whose call is a coroutine."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def __call__(self, _plan: Plan) -> object:
        return self.answer


async def _coroutine(answer: object, _plan: Plan) -> object:
    return answer


def _ways(answer: object) -> list[Callable[[Plan], object]]:
    """Every way in which a callback can come to an answer."""
    return [
        lambda _plan: answer,
        lambda _plan: Later(answer),
        lambda plan: _coroutine(answer, plan),
        Asked(answer),
        functools.partial(_coroutine, answer),
        functools.partial(lambda given, _plan: given, answer),
        AsyncMock(return_value=answer),
    ]


@pytest.mark.parametrize("way", range(7))
async def test_only_true_agrees_and_an_awaitable_is_awaited(way: int) -> None:
    await consent_of(_ways(True)[way], PLAN)
    for other in (False, None, 1, 1.0, "yes", "True", "", 0, [True], Mock(), object()):
        with pytest.raises(ConsentRefused) as refused:
            await consent_of(_ways(other)[way], PLAN)
        assert "nothing was sent" in str(refused.value)
        assert refused.value.totals == PLAN.totals


async def test_what_was_answered_is_named_without_asking_the_answer_itself() -> None:
    class Rude:
        def __repr__(self) -> str:
            raise AssertionError("asked for its words")

    for answer, told in (("yes", "'yes'"), (1, "answered 1"), (Rude(), "Rude"), (None, "None")):
        with pytest.raises(ConsentRefused, match=f"{told}.*only True agrees"):
            await consent_of(lambda _plan, answer=answer: answer, PLAN)  # type: ignore[misc]


@pytest.mark.parametrize("agree", [False, 1, "yes", 0, "", [], b"y" * 99])
async def test_what_can_neither_answer_nor_be_asked_is_refused_before_anything(
    agree: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConsentRefused, match="agree="):
        await bulkagent.apply(tmp_path / "not there", gateway="emulated", agree=agree)
    refuse_unanswerable(True)


async def test_agree_true_agrees_beforehand_and_the_ledger_keeps_how(tmp_path: Path) -> None:
    """legs.consent: `program` for apply, resume and revert from Python."""
    async with shift(tmp_path, code("100-006", "106-110")) as made:
        asked = made.request(flag=0)
        url = made.gateway.url
        first = await bulkagent.apply(made.roster, gateway=url, request=asked, agree=True)
        assert first.totals["failed"] == 5
        settings = {"ledger": made.ledger}
        await bulkagent.resume(settings=settings, agree=True)
        assert [leg.consent for leg in made.legs()] == ["program", "program"]
        back = bulkagent.Revert(run="last", assume_opposite=True, reports=(tmp_path / "b.csv",))
        result = await bulkagent.revert(settings=settings, request=back, agree=True)
        assert result.totals["applied"] == 10
        assert [leg.consent for leg in made.legs()] == ["program"]


async def test_an_awaitable_in_an_awaitable_is_no_yes() -> None:
    with pytest.raises(ConsentRefused, match="coroutine"):
        await consent_of(functools.partial(_coroutine, _coroutine(True, PLAN)), PLAN)


async def test_without_agree_nothing_is_sent_to_a_real_gateway(tmp_path: Path) -> None:
    """ConsentRefused from apply, resume and revert where nobody was asked."""
    async with shift(tmp_path) as made:
        asked = made.request(flag=0)
        with pytest.raises(ConsentRefused, match="agree=True"):
            await bulkagent.apply(made.roster, gateway=made.gateway.url, request=asked)
        assert made.requests == 0
        await made.apply(flag=0, stop_after=5)
        sent = made.requests
        settings = {"ledger": made.ledger}
        with pytest.raises(ConsentRefused, match="agree="):
            await bulkagent.resume(settings=settings)
        back = bulkagent.Revert(run="last", assume_opposite=True, reports=(tmp_path / "back.csv",))
        with pytest.raises(ConsentRefused, match="agree="):
            await bulkagent.revert(settings=settings, request=back)
        with Run(asked) as run:
            prepared = run.prepare()
            with pytest.raises(ConsentRefused, match="nobody agreed"):
                await prepared.execute()
        assert made.requests == sent


async def test_an_async_callback_that_says_no_sends_nothing(tmp_path: Path) -> None:
    """`async def agree(plan): return False` counted as yes: a coroutine is truthy."""

    async def agree(_plan: Plan) -> bool:
        return False

    async with shift(tmp_path) as made:
        with pytest.raises(ConsentRefused, match="not agreed"):
            await bulkagent.apply(
                made.roster, gateway=made.gateway.url, request=made.request(), agree=agree
            )
        assert made.requests == 0
        assert sorted(path.suffix for path in tmp_path.glob("report*")) == []


async def test_what_a_callback_raises_comes_back_as_itself(tmp_path: Path) -> None:
    class Mine(BaseException):
        pass

    trouble = ExceptionGroup("of its own", [ValueError("x")])

    async def agree(_plan: Plan) -> bool:
        raise Mine

    def settled(_outcome: Outcome) -> None:
        raise trouble

    async with shift(tmp_path) as made:
        asked = made.request()
        with pytest.raises(Mine):
            await bulkagent.apply(made.roster, gateway=made.gateway.url, request=asked, agree=agree)
        assert made.requests == 0
        with pytest.raises(ExceptionGroup) as raised:
            await bulkagent.apply(
                made.roster, gateway=made.gateway.url, request=asked, agree=True, settled=settled
            )
        assert raised.value is trouble
        assert (tmp_path / "report.csv").exists(), "what was sent all the same has a report"
        (leg,) = made.legs()
        assert (leg.exit_code, leg.reason) == (1, "settled= raised ExceptionGroup")


async def test_an_error_of_bulkagents_that_a_callback_raises_comes_back_too(tmp_path: Path) -> None:
    def settled(_outcome: Outcome) -> None:
        raise SettingsRefused("of the program")

    async with shift(tmp_path) as made:
        with pytest.raises(SettingsRefused, match="of the program"):
            await bulkagent.apply(
                made.roster,
                gateway=made.gateway.url,
                request=made.request(),
                agree=True,
                settled=settled,
            )
        assert [leg.exit_code for leg in made.legs()] == [1]


async def test_a_hold_signs_nobody_in_without_consent(tmp_path: Path) -> None:
    """Session hold from Python: a prepared hold that nobody agreed to."""
    roster = tmp_path / "desk.csv"
    roster.write_text("agent_id,password,phonenum\n101,secret1,88001\n")
    roster.chmod(0o600)
    async with shift(tmp_path) as made:
        gateway = made.gateway_name
        request = HoldRequest(
            roster=str(roster),
            rules=RosterRules(require_flag=False, default_gateway=gateway),
            sessions=tmp_path / "sessions.jsonl",
            endpoints={},
        )
        with Hold(request) as hold:
            assert hold.prepare().may_be_signed_in == 1
            with pytest.raises(ConsentRefused, match="nobody agreed"):
                await hold.run()
        assert made.requests == 0


async def test_a_pilot_keeps_how_it_was_agreed_to(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        request = made.request(flag=None)
        asked = CheckRequest(
            target=request.target, settings=request.settings, roster=request.roster, agent="101"
        )
        flight = await run_pilot(asked, SystemClock(), consent=Consent.TERMINAL)
        assert flight.left_on
        assert {leg.consent for leg in made.legs()} == {"terminal"}
