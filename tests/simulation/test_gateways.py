"""The simulated gateways: each kind of fault does what its docstring says."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from yarl import URL

from bulkagent.gateway.exchange_faults import ExchangeFailed
from tests.simulation.one_gateway import (
    Morning,
    fault,
    live,
)
from tests.simulation.world import Fault, FaultKind, GatewayModel


def test_a_talk_right_is_set_and_the_history_has_it() -> None:
    async def story(at: Morning) -> None:
        reply = await at.send()
        assert (reply.status, reply.body) == (
            200,
            b'{"message": "success", "retcode": "0", "result": {}}',
        )
        assert at.gateways.right_of("east", "101") == "1"

    (handled,) = live(story).gateways.handled
    assert (handled.process, handled.agent, handled.flag, handled.answer) == (3, "101", "1", "0")
    assert handled.accepted
    assert handled.effect_s is not None
    assert handled.ended_s is not None
    assert handled.arrived_s < handled.effect_s < handled.ended_s


def test_sessions_begin_and_end_and_each_has_a_guid_of_its_own() -> None:
    model = GatewayModel(
        *("east", 0.1, 0.0),
        on=frozenset({"103"}),
        absent={"101": 5.0},
        leaves={"102": 5.0},
        newer={"103": 5.0},
    )

    async def story(at: Morning) -> None:
        guids = {agent: at.gateways.current_guid_of("east", agent) for agent in ("102", "103")}
        assert at.gateways.current_guid_of("east", "101") == ""
        assert b"100-006" in (await at.send("101")).body
        assert b'"0"' in (await at.send("102")).body
        assert b'"0"' in (await at.send("103", "0")).body
        await asyncio.sleep(6.0)
        assert b'"0"' in (await at.send("101")).body
        assert b"100-006" in (await at.send("102", guid=guids["102"])).body
        assert at.gateways.right_of("east", "103") == "1"
        assert b"100-006" in (await at.send("103", "0", guid=guids["103"])).body
        assert b'"0"' in (await at.send("103", "0")).body

    morning = live(story, model=model)
    assert [change.number for change in morning.gateways.rights if change.agent == "103"] == [
        3,
        -1,
        7,
    ]


def test_a_failover_answers_so_and_takes_rights_back() -> None:
    model = GatewayModel("east", 0.1, 0.0, failovers=((1.0, 2.0, 1.0),))

    async def story(at: Morning) -> None:
        await at.send()
        await asyncio.sleep(1.5)
        await at.send()
        await asyncio.sleep(2.0)
        assert at.gateways.right_of("east", "101") == "0"

    morning = live(story, model=model)
    assert morning.gateways.handled[1].answer in {"000-004", "105-002"}
    assert [(change.right, change.number) for change in morning.gateways.rights] == [
        ("1", 1),
        ("0", 0),
    ]


ANSWERED = {
    FaultKind.REFUSES: ("100-007", 0.0, 200, b"100-007"),
    FaultKind.STATUS: ("429", 7.0, 429, b"429"),
    FaultKind.GARBAGE: ("<html>", 0.0, 200, b"<html>"),
}


@pytest.mark.parametrize("kind", ANSWERED)
def test_an_answer_of_another_kind(kind: FaultKind) -> None:
    code, seconds, status, within = ANSWERED[kind]

    async def story(at: Morning) -> None:
        reply = await at.send()
        assert reply.status == status
        assert within in reply.body
        assert reply.headers.get("Retry-After") == ("7" if seconds else None)

    morning = live(story, fault(kind, code=code, seconds=seconds))
    (handled,) = morning.gateways.handled
    assert handled.accepted == bool(morning.gateways.rights)
    assert kind is FaultKind.GARBAGE or not handled.accepted


@pytest.mark.parametrize(
    ("kind", "code", "every_other"),
    [
        (FaultKind.GARBAGE, "<html>", True),
        (FaultKind.STATUS, "502", True),
        (FaultKind.STATUS, "429", False),
    ],
)
def test_what_is_no_answer_of_the_gateway_may_hide_an_effect(
    kind: FaultKind, code: str, every_other: bool
) -> None:
    async def story(at: Morning) -> None:
        await asyncio.gather(*(at.send(str(agent)) for agent in range(200, 300)))

    effects = len(live(story, fault(kind, code=code)).gateways.rights)
    assert 30 < effects < 70 if every_other else not effects


def test_a_fault_hits_a_share_and_the_agents_that_it_is_about() -> None:
    async def story(at: Morning) -> None:
        await asyncio.gather(*(at.send(str(agent)) for agent in range(200, 300)))

    def hit(**fields: Any) -> set[str]:
        morning = live(story, fault(FaultKind.REFUSES, code="100-007", **fields))
        return {each.agent for each in morning.gateways.handled if not each.accepted}

    assert 20 < len(hit(share=0.3)) < 40
    assert hit(agents=frozenset({"222"})) == {"222"}


def test_the_luck_of_an_agent_is_the_same_without_the_others() -> None:
    async def all_of_them(at: Morning) -> None:
        await asyncio.gather(*(at.send(str(agent)) for agent in range(200, 250)))

    async def one(at: Morning) -> None:
        await at.send("217")

    model = GatewayModel("east", 0.1, 0.5)

    def took(story: Callable[[Morning], Awaitable[None]]) -> float:
        (handled,) = (
            each for each in live(story, model=model).gateways.handled if each.agent == "217"
        )
        return (handled.ended_s or 0.0) - handled.arrived_s

    assert took(one) == pytest.approx(took(all_of_them))


def test_queries_see_who_of_a_queue_takes_calls() -> None:
    many = frozenset(str(number) for number in range(200, 300))
    model = GatewayModel("east", 0.1, 0.0, on=many | {"901"}, leaves={"200": 0.0})

    async def story(at: Morning) -> None:
        guid = at.gateways.current_guid_of("east", "901")
        state = await at.ask("onlineagent/901/agentstatus", guid)
        assert b'"agentState": 4' in state.body
        for skill in ("7", "8"):
            reply = await at.ask(f"agentgroup/901/agentbyskill/{skill}", guid)
            listed = at.gateways.listed("east", skill)
            assert re.findall(rb"[0-9]+", reply.body.partition(b"result")[2]) == [
                agent.encode() for agent in listed
            ]
            assert 50 < len(listed) < 95
            assert "200" not in listed
        assert at.gateways.listed("east", "7") != at.gateways.listed("east", "8")

    live(story, model=model)


def test_the_service_of_guids_knows_them() -> None:
    async def story(at: Morning) -> None:
        headers = {"Accept": "application/json, text/plain"}
        for agent, status in (("101", 200), ("102", 404)):
            url = URL(f"https://guids.sim/east/{agent}")
            reply = await at.transport.exchange("GET", url, headers)
            assert reply.status == status
            assert at.gateways.current_guid_of("east", agent).encode() in reply.body
        await asyncio.sleep(5.0)
        with pytest.raises(ExchangeFailed):
            await at.transport.exchange("GET", URL("https://guids.sim/east/101"), headers)

    model = GatewayModel("east", 0.1, 0.0, absent={"102": 60.0})
    lost = Fault(FaultKind.LOST_REQUEST, "", 5.0, 9.0)
    live(story, model=model, source_faults=(lost,))
