"""The client against the emulated gateway: HTTPS, agents with a state, every kind of fault."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from bulkagent.attempt import Attempt
from bulkagent.emulator import EmulatedGateway, FaultKind, Scenario
from bulkagent.emulator import ScenarioFault as Struck
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Disposition
from tests.gateway.raw import GUID, TO_AGENT_101, client_of, time_is_up


async def at_once(_seconds: float) -> None:
    """Hold no reply."""


def emulated(*faults: Struck) -> EmulatedGateway:
    scenario = Scenario(seed=7, faults=faults)
    return EmulatedGateway(scenario, agent_ids=range(101, 111), sleep=at_once)


async def attempts_on(gateway: EmulatedGateway, guid: str | None, number: int = 1) -> list[Attempt]:
    endpoint = Endpoint(name="g", url=gateway.url, ca_pem=gateway.ca_pem)
    async with client_of(endpoint, guid) as client:
        return [await client.attempt(TO_AGENT_101) for _ in range(number)]


async def test_a_signed_in_agent_is_set() -> None:
    async with emulated() as gateway:
        (attempt,) = await attempts_on(gateway, gateway.sign_in("101"))
        (agent,) = [agent for agent in gateway.agents() if agent.agent_id == "101"]
    assert attempt.disposition is RETCODES["0"]
    assert (attempt.retcode, attempt.message, attempt.http_status) == ("0", "success", 200)
    assert (agent.times_set, agent.talk_right) == (1, 0)


async def test_an_agent_who_is_not_signed_in_is_100_006() -> None:
    async with emulated() as gateway:
        (attempt,) = await attempts_on(gateway, GUID)
    assert attempt.disposition is RETCODES["100-006"]
    assert attempt.message == "agent not login"


async def test_another_agents_guid_is_000_003() -> None:
    async with emulated() as gateway:
        gateway.sign_in("101")
        (attempt,) = await attempts_on(gateway, gateway.sign_in("102"))
    assert attempt.disposition is RETCODES["000-003"]


async def test_an_agent_beyond_the_gateways_range_is_000_002() -> None:
    async with emulated() as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=gateway.ca_pem)
        async with client_of(endpoint) as client:
            beyond = msgspec.structs.replace(TO_AGENT_101, agent_id="60000")
            attempt = await client.attempt(beyond)
    assert attempt.disposition is RETCODES["000-002"]


KINDS: dict[FaultKind, tuple[Disposition, int]] = {
    FaultKind.RETCODE: (RETCODES["000-004"], 200),
    FaultKind.RESET_BEFORE: (FAULTS[Fault.RESET], 0),
    FaultKind.RESET_AFTER: (FAULTS[Fault.RESET], 0),
    FaultKind.LOST_ANSWER: (FAULTS[Fault.RESET], 0),
    FaultKind.UNAVAILABLE: (FAULTS[Fault.UNAVAILABLE], 503),
    FaultKind.SLOW: (RETCODES["0"], 200),
    FaultKind.TRUNCATED: (FAULTS[Fault.TRUNCATED], 0),
    FaultKind.OVERSIZED: (FAULTS[Fault.OVERSIZED], 200),
    FaultKind.NOT_JSON: (FAULTS[Fault.NOT_A_GATEWAY], 200),
    FaultKind.HTML: (FAULTS[Fault.NOT_A_GATEWAY], 200),
    FaultKind.REDIRECT: (FAULTS[Fault.REDIRECT], 302),
    FaultKind.TOO_MANY: (FAULTS[Fault.TOO_MANY], 429),
    FaultKind.NO_RETCODE: (FAULTS[Fault.NOT_A_GATEWAY], 200),
    FaultKind.GBK: (RETCODES["100-009"], 200),
    FaultKind.LOOSE: (RETCODES["0"], 200),
    FaultKind.NO_EFFECT: (RETCODES["0"], 200),
}
KEYS: dict[FaultKind, Struck] = {
    FaultKind.RETCODE: Struck(kind=FaultKind.RETCODE, share=1, retcode="000-004", per_agent=1),
    FaultKind.SLOW: Struck(kind=FaultKind.SLOW, share=1, milliseconds=2000.0, per_agent=1),
}


@pytest.mark.parametrize("kind", FaultKind)
async def test_each_kind_of_fault_is_told_apart_and_the_next_attempt_goes_well(
    kind: FaultKind,
) -> None:
    disposition, http_status = KINDS[kind]
    fault = KEYS.get(kind) or Struck(kind=kind, share=1, per_agent=1)
    async with emulated(fault) as gateway:
        struck, after = await attempts_on(gateway, gateway.sign_in("101"), number=2)
        stats = gateway.stats()
    assert (struck.disposition, struck.http_status) == (disposition, http_status)
    assert after.disposition is RETCODES["0"]
    # One request for each attempt: nothing between here and there repeats one by itself.
    assert stats.requests == 2
    assert stats.faults == {kind: 1}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_pages_of_load_balancers_are_told_apart_by_their_status(status: int) -> None:
    fault = Fault.UNAVAILABLE if status == 503 else Fault.SERVER_ERROR
    async with emulated(Struck(kind=FaultKind.UNAVAILABLE, share=1, status=status)) as gateway:
        (attempt,) = await attempts_on(gateway, gateway.sign_in("101"))
    assert (attempt.disposition, attempt.http_status) == (FAULTS[fault], status)


async def test_a_lost_answer_is_a_doubt_and_what_follows_is_an_answer() -> None:
    fault = Struck(kind=FaultKind.LOST_ANSWER, share=1, retcode="000-007", per_agent=1)
    async with emulated(fault) as gateway:
        lost, owed, right = await attempts_on(gateway, gateway.sign_in("101"), number=3)
    assert lost.disposition is FAULTS[Fault.RESET]
    assert owed.disposition is RETCODES["000-007"]
    assert right.disposition is RETCODES["0"]


async def test_chinese_in_gbk_is_readable_and_escapes_stay_data() -> None:
    hostile = Struck(kind=FaultKind.RETCODE, share=1, retcode="100-009", message="\x1b[2J=1+1")
    for fault, message in (
        (Struck(kind=FaultKind.GBK, share=1), "座席状态无法设置"),
        (hostile, "\x1b[2J=1+1"),
    ):
        async with emulated(fault) as gateway:
            (attempt,) = await attempts_on(gateway, gateway.sign_in("101"))
        assert attempt.message == message


async def test_a_reply_that_is_too_slow_leaves_a_doubt_although_the_agent_was_set() -> None:
    reached, over = asyncio.Event(), asyncio.Event()

    async def hold(_seconds: float) -> None:
        reached.set()
        await over.wait()

    scenario = Scenario(faults=(KEYS[FaultKind.SLOW],))
    async with EmulatedGateway(scenario, agent_ids=[101], sleep=hold) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=gateway.ca_pem)
        async with client_of(endpoint, gateway.sign_in("101")) as client:
            waiting = asyncio.create_task(client.attempt(TO_AGENT_101))
            await reached.wait()
            time_is_up(client)
            attempt = await waiting
        assert gateway.agents()[0].times_set == 1
        over.set()
    assert attempt.disposition is FAULTS[Fault.READ_TIMEOUT]
