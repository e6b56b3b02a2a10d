"""The simulated wire: what is on its way, connections, and what their ends and strays do."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path
from random import Random

import pytest
from yarl import URL

from bulkagent.gateway.faults import Fault as Ended
from tests.simulation.disk import Disk
from tests.simulation.loop import VirtualLoop
from tests.simulation.one_gateway import (
    CONTENT,
    EAST,
    ENDPOINT,
    TIMEOUT_S,
    Morning,
    failure,
    fault,
    live,
    world_of,
)
from tests.simulation.process import Process
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.interface import NotTheInterface
from tests.simulation.surroundings.server import Line, Request, Server
from tests.simulation.surroundings.wire import SimulatedNetwork
from tests.simulation.world import FaultKind

UNANSWERED = {
    FaultKind.RESET_BEFORE: (Ended.RESET, False),
    FaultKind.RESET_AFTER: (Ended.RESET, True),
    FaultKind.LOST_REQUEST: (Ended.READ_TIMEOUT, False),
    FaultKind.LOST_ANSWER: (Ended.READ_TIMEOUT, True),
}


@pytest.mark.parametrize("kind", UNANSWERED)
def test_no_answer(kind: FaultKind) -> None:
    expected, effect = UNANSWERED[kind]

    async def story(at: Morning) -> None:
        assert await failure(at.send()) is expected
        assert len(at.gateways.rights) == (effect and kind is not FaultKind.RESET_AFTER)

    morning = live(story, fault(kind, seconds=3.0))
    (handled,) = morning.gateways.handled
    assert handled.answer == ("reset" if expected is Ended.RESET else "nothing")
    assert handled.accepted == effect
    if kind is FaultKind.RESET_AFTER:
        assert handled.effect_s == pytest.approx(handled.arrived_s + 3.1)


CONNECTING = {
    FaultKind.REFUSED: (Ended.REFUSED, ConnectionRefusedError),
    FaultKind.BLACKHOLE: (Ended.CONNECT_TIMEOUT, TimeoutError),
    FaultKind.NO_NAME: (Ended.DNS, socket.gaierror),
    FaultKind.TLS: (Ended.TLS, ssl.SSLError),
}


@pytest.mark.parametrize("kind", CONNECTING)
def test_no_connection(kind: FaultKind) -> None:
    expected, raised = CONNECTING[kind]

    async def story(at: Morning) -> None:
        with pytest.raises(raised):
            async with asyncio.timeout(1.0):
                await at.network.trust(ENDPOINT).connect()
        assert await failure(at.send()) is expected
        await asyncio.sleep(10.0)
        assert await at.network.trust(ENDPOINT).connect() is not None
        await at.send()

    assert len(live(story, fault(kind, ends_s=5.0)).gateways.handled) == 1


@pytest.mark.parametrize("kind", CONNECTING)
def test_a_connection_that_is_there_already(kind: FaultKind) -> None:
    """Of a server that is gone it is closed; what is sent into a hole is lost."""
    expected = {FaultKind.REFUSED: Ended.REFUSED, FaultKind.BLACKHOLE: Ended.READ_TIMEOUT}

    async def story(at: Morning) -> None:
        await at.send()
        await asyncio.sleep(5.0)
        if kind in expected:
            assert await failure(at.send()) is expected[kind]
        else:
            await at.send()

    arrived = live(story, fault(kind, begins_s=1.0)).gateways.handled
    assert len(arrived) == (1 if kind in expected else 2)


def test_a_late_answer_is_read_after_its_time_was_over() -> None:
    told: list[str] = []

    async def story(at: Morning) -> None:
        assert b'"0"' in (await at.send(overdue=lambda: told.append("overdue"))).body
        assert told == ["overdue"]
        assert await failure(at.send("102")) is Ended.READ_TIMEOUT

    morning = live(story, fault(FaultKind.SLOW, seconds=3.0))
    assert [handled.accepted for handled in morning.gateways.handled] == [True, True]


def test_a_gateway_goes_on_when_its_client_is_gone() -> None:
    async def story(at: Morning) -> None:
        sending = asyncio.ensure_future(at.send())
        await asyncio.sleep(0.05)
        sending.cancel()

    (handled,) = live(story).gateways.handled
    assert handled.accepted


@pytest.mark.parametrize("killed_at_s", [0.0, 0.05, 0.5])
def test_a_kill_ends_nothing_at_the_gateway_and_nothing_comes_back(
    tmp_path: Path, killed_at_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the request on its way, in its middle, and while a stray reply is under way."""
    loop = VirtualLoop(Random(1))
    disk = Disk(tmp_path / "some.sqlite3", Random(1), loop.time, loses_power=False)
    process = Process(3, loop, disk, Random(1), ahead_s=0.0)
    gateways = Gateways(world_of(EAST, fault(FaultKind.STRAY, seconds=1.0)), loop, print)
    heard: list[object] = []

    async def story() -> None:
        transport = (
            SimulatedNetwork(gateways, 3)
            .trust(ENDPOINT)
            .transport(connect_timeout_s=1.0, timeout_s=TIMEOUT_S, out_of_step=heard.append)
        )
        async with transport:
            headers = {**CONTENT, "Guid": gateways.current_guid_of("east", "101")}
            url = URL(f"{ENDPOINT.url}/agentgateway/resource/onlineagent/101/settalkright?flag=1")
            heard.append((await transport.exchange("POST", url, headers, name=2)).status)
            await asyncio.sleep(10.0)

    send = Server.sent

    def sent(server: Server, request: Request, line: Line, way_s: float) -> None:
        send(server, request, line, way_s)
        if not killed_at_s:
            assert not gateways.handled
            loop.surrounded(process.kill)

    monkeypatch.setattr(Server, "sent", sent)
    process.begin(story())
    if killed_at_s:
        loop.call_at(killed_at_s, process.kill)
    loop.run_to_end(asyncio.sleep(20.0), most_s=100.0)
    loop.close()
    assert heard == ([200] if killed_at_s > 0.1 else [])
    (handled,) = gateways.handled
    assert (handled.process, handled.accepted, handled.answer) == (3, True, "0")


class TestStray:
    def test_on_an_idle_connection_it_is_found(self) -> None:
        async def story(at: Morning) -> None:
            await at.send("101", name=1)
            await asyncio.sleep(1.0)
            assert at.strays == [(1,)]
            assert at.transport.singly
            await at.send("102", name=2)
            await asyncio.sleep(1.0)

        # The only request of a connection may be answered twice in the same words.
        assert live(story, fault(FaultKind.STRAY, seconds=0.5), wary=True).strays == [(1,)]

    def test_it_is_taken_for_the_answer_of_the_next(self) -> None:
        refused = fault(FaultKind.REFUSES, code="100-007", agents=frozenset({"102"}))

        async def story(at: Morning) -> None:
            await at.send("101", name=1)
            assert b'"0"' in (await at.send("102", name=2)).body
            await at.transport.await_strays()
            assert at.strays == [(1, 2)]

        morning = live(story, fault(FaultKind.STRAY, seconds=0.03, ends_s=0.15), refused, wary=True)
        assert [handled.answer for handled in morning.gateways.handled] == ["0", "100-007"]

    def test_a_server_reads_the_next_request_when_it_is_done_with_the_last(self) -> None:
        async def story(at: Morning) -> None:
            for row, agent in enumerate(("101", "102", "103")):
                await at.send(agent, name=row)
            await at.transport.await_strays()

        morning = live(story, fault(FaultKind.STRAY, seconds=0.03, ends_s=0.15), wary=True)
        first, second, third = morning.gateways.handled
        assert second.arrived_s < (first.ended_s or 0.0) + 0.03
        assert third.arrived_s == second.ended_s
        assert first.strayed_s is None, "it was done before the reply too many"
        assert second.strayed_s == pytest.approx((first.ended_s or 0.0) + 0.03)
        assert third.strayed_s == third.arrived_s
        assert morning.strays == [(0, 1, 2)]

    def test_a_connection_of_one_request_tells_of_another_answer(self) -> None:
        refused = fault(FaultKind.REFUSES, code="100-007")

        async def story(at: Morning) -> None:
            await at.send("101", name=1)
            await at.transport.await_strays()
            assert at.strays == [(1,)]

        live(story, refused, fault(FaultKind.STRAY, seconds=0.5), singly=True, wary=True)

    def test_in_the_same_breath_no_answer_is_sure(self) -> None:
        async def story(at: Morning) -> None:
            assert await failure(at.send("101", name=1)) is Ended.OUT_OF_STEP
            assert at.strays == [(1,)]

        live(story, fault(FaultKind.STRAY, seconds=0.0))


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("PUT", "101/settalkright?flag=1"),
        ("POST", "101/settalkright?flag=2"),
        ("POST", "101/settalkright"),
        ("POST", "0101/settalkright?flag=1"),
        ("GET", "101/settalkright?flag=1"),
    ],
)
def test_what_is_not_the_interface_ends_the_morning(method: str, tail: str) -> None:
    async def story(at: Morning) -> None:
        headers = {**CONTENT, "Guid": "x"}
        url = URL(f"{ENDPOINT.url}/agentgateway/resource/onlineagent/{tail}")
        with pytest.raises(NotTheInterface):
            await at.transport.exchange(method, url, headers)

    assert len(live(story).gateways.violations) == 1
