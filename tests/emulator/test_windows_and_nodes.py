"""Faults of some seconds or of one node, over HTTPS."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bulkagent.emulator import Cluster, EmulatedGateway, FaultKind, Scenario, ScenarioFault
from bulkagent.emulator.faults.scenario_file import load_scenario
from tests.emulator.conftest import FakeTime
from tests.emulator.wire import ask, connected, request, settalkright, sign_in
from tests.waiting import HANG_S

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"


@pytest.fixture
async def four_nodes() -> AsyncIterator[EmulatedGateway]:
    """The third of four nodes is bad."""
    bad = ScenarioFault(kind=FaultKind.UNAVAILABLE, share=1, node=3)
    async with EmulatedGateway(Scenario(cluster=Cluster(nodes=4), faults=(bad,))) as running:
        yield running


async def statuses_over_time(scenario: Scenario, at: list[float]) -> list[int]:
    """What a request gets at each of these seconds after the first one."""
    fake_time = FakeTime()
    async with EmulatedGateway(
        scenario, agent_ids=[1001], clock=fake_time.clock, sleep=fake_time.sleep
    ) as gateway:
        post = settalkright("1001", gateway.sign_in("1001"))
        begin = fake_time.now + 3600  # the time before the first request must not count
        statuses = []
        for seconds in at:
            fake_time.now = begin + seconds
            statuses.append((await ask(gateway, post)).status)
        return statuses


async def test_an_outage_begins_with_the_first_request() -> None:
    scenario = load_scenario(SAMPLES / "outage.toml")
    assert await statuses_over_time(scenario, [0, 0.5, 1.25, 1.5, 60]) == [0, 0, 0, 200, 200]


async def test_an_outage_may_come_later() -> None:
    fault = ScenarioFault(kind=FaultKind.TOO_MANY, share=1, from_seconds=1, to_seconds=2)
    scenario = Scenario(faults=(fault,))
    assert await statuses_over_time(scenario, [0, 1, 1.75, 2]) == [200, 429, 429, 200]


async def test_a_clock_that_is_set_back_is_no_time_before_the_first_request() -> None:
    fault = ScenarioFault(kind=FaultKind.TOO_MANY, share=1, to_seconds=2)
    assert await statuses_over_time(Scenario(faults=(fault,)), [0, -5, 2]) == [429, 429, 200]


async def test_a_request_for_no_agent_is_a_first_one_too() -> None:
    fake_time = FakeTime()
    fault = ScenarioFault(kind=FaultKind.RESET_BEFORE, share=1, to_seconds=2)
    async with EmulatedGateway(Scenario(faults=(fault,)), clock=fake_time.clock) as gateway:
        await ask(gateway, settalkright("60000", "any"))
        fake_time.now += 2
        assert (await ask(gateway, settalkright("101", gateway.sign_in("101")))).retcode == "0"


async def test_a_fault_strikes_by_the_number_of_the_request() -> None:
    fault = ScenarioFault(kind=FaultKind.TOO_MANY, share=1, from_request=3, to_request=5)
    async with EmulatedGateway(Scenario(faults=(fault,))) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        assert (await ask(gateway, settalkright("60000", "any"))).status == 200  # counts as well
        before = gateway.snapshot()
        for _ in range(2):
            assert [(await ask(gateway, post)).status for _ in range(4)] == [200, 429, 429, 200]
            gateway.restore(before)


async def test_connections_go_to_the_nodes_in_turn(four_nodes: EmulatedGateway) -> None:
    post = settalkright("101", four_nodes.sign_in("101"))
    statuses = [(await ask(four_nodes, post)).status for _ in range(8)]
    assert statuses == [200, 200, 503, 200] * 2
    assert four_nodes.stats().connections == 8


async def test_a_connection_stays_with_its_node(four_nodes: EmulatedGateway) -> None:
    post = settalkright("101", four_nodes.sign_in("101"))
    async with connected(four_nodes) as a, connected(four_nodes) as b, connected(four_nodes) as c:
        for _ in range(3):
            statuses = [(await wire.exchange(post)).status for wire in (a, b, c)]
            assert statuses == [200, 200, 503]
    assert four_nodes.stats().connections == 3
    assert four_nodes.stats().requests == 9


async def test_nodes_share_what_they_know_of_the_agents(four_nodes: EmulatedGateway) -> None:
    guid = (await ask(four_nodes, sign_in("101"))).headers["guid"]
    for times_set in (1, 2):
        assert (await ask(four_nodes, settalkright("101", guid))).retcode == "0"
        assert four_nodes.agents()[0].times_set == times_set


async def test_judges_and_desktops_take_no_turn(four_nodes: EmulatedGateway) -> None:
    post = settalkright("101", four_nodes.sign_in("101"))
    for _ in range(4):
        await ask(four_nodes, request("GET", "/emulator/stats"))
        await ask(four_nodes, sign_in("101"))
    assert [(await ask(four_nodes, post)).status for _ in range(3)] == [200, 200, 503]


async def test_a_client_that_is_gone_already_takes_no_turn(four_nodes: EmulatedGateway) -> None:
    assert four_nodes._server.load_balancer.node_of_talk_right(None, None) == 1
    assert four_nodes.stats().connections == 0


async def test_connections_that_are_gone_are_forgotten(four_nodes: EmulatedGateway) -> None:
    post = settalkright("101", four_nodes.sign_in("101"))
    async with connected(four_nodes) as wire:
        for _ in range(20):
            await ask(four_nodes, post)
        await wire.exchange(post)
        async with asyncio.timeout(HANG_S):
            while len(four_nodes._server.load_balancer) > 1:
                await asyncio.sleep(0.001)
                gc.collect()
    assert four_nodes.stats().connections == 21


async def test_the_sample_of_a_bad_node() -> None:
    fake_time = FakeTime()
    async with EmulatedGateway(
        load_scenario(SAMPLES / "bad_node.toml"), sleep=fake_time.sleep
    ) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        statuses = [(await ask(gateway, post)).status for _ in range(4)]
    assert statuses == [200, 200, 503, 200]
    assert fake_time.slept == [0.005] * 4
