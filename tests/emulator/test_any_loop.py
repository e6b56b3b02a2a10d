"""The emulated gateway on whichever event loop its user has: asyncio's, uvloop's, aiofastnet's."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import bulkagent
from bulkagent.emulator import Cluster, EmulatedGateway, Scenario
from bulkagent.emulator.http.load_balancer import LoadBalancer
from bulkagent.model import Status
from tests.cli.command import SAMPLES
from tests.conftest import LOOPS
from tests.emulator.wire import JSON_TYPE, PREFIX, ask, connected, request, trusting
from tests.waiting import HANG_S

Factory = Callable[[], asyncio.AbstractEventLoop]

any_loop = pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS.keys())


def set_to(agent_id: str, guid: str | None, flag: int) -> bytes:
    headers = {"Content-Type": JSON_TYPE, "Guid": str(guid)}
    return request("POST", f"{PREFIX}/{agent_id}/settalkright?flag={flag}", headers)


@any_loop
def test_it_answers_goes_away_and_comes_back(loop: Factory) -> None:
    async def life() -> None:
        async with EmulatedGateway(agent_ids=range(101, 111)) as gateway:
            guid = gateway.sign_in("101")
            async with connected(gateway) as wire:
                assert (await wire.exchange(set_to("101", guid, 0))).retcode == "0"
                await gateway.go_away()
                assert (await wire.receive()).status == 0
            await gateway.come_back()
            assert (await ask(gateway, set_to("101", guid, 1))).retcode == "0"
            assert (gateway.agents()[0].times_set, gateway.stats().connections) == (2, 2)

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(life())


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_run_at_the_gateway_inside_the_command(loop: str, tmp_path: Path) -> None:
    """`--gateway emulated` from a Python program that runs on uvloop."""
    apply = bulkagent.apply(
        SAMPLES / "evening_shift.csv",
        gateway="emulated",
        flag=1,
        settings=bulkagent.Settings(ledger=tmp_path / "ledger.sqlite3"),
        reports=[tmp_path / "report.csv"],
    )
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(apply).totals[Status.APPLIED] == 40


async def test_connections_keep_their_node_while_they_last_and_are_forgotten_then() -> None:
    """Without affinity and with it; two connections, of which the first goes first."""
    for affinity in (False, True):
        scenario = Scenario(cluster=Cluster(nodes=3, affinity=affinity))
        async with EmulatedGateway(scenario, agent_ids=range(101, 111)) as gateway:
            known = gateway._server.load_balancer
            post = set_to("101", gateway.sign_in("101"), 1)
            async with connected(gateway) as second:
                async with connected(gateway) as first:
                    for wire in (first, second, first):
                        assert (await wire.exchange(post)).status == 200
                    assert len(known) == 2
                await _left(known, 1)
                assert (await second.exchange(post)).status == 200
                assert (len(known), gateway.stats().connections) == (1, 2)
            await _left(known, 0)


async def _left(known: LoadBalancer, number: int) -> None:
    async with asyncio.timeout(HANG_S):
        while len(known) > number:  # noqa: ASYNC110 - some turns of the loop
            await asyncio.sleep(0.001)


async def test_what_is_no_http_is_said_in_a_line_without_what_was_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guid = "0a1b2c3d-4e5f-4a6b-8c7d-000000000101"
    body = b"no gzip at all"
    packed = {"Content-Type": JSON_TYPE, "Content-Encoding": "gzip"}
    async with EmulatedGateway(agent_ids=range(101, 111)) as gateway:
        for garbage in (
            b"\x00\xff\r\n\r\n",
            b"GET \xff HTTP/1.1\r\nHost: x\r\n\r\n",
            f"GET / HTTP/1.1\r\nContent-Length: {guid}\r\n\r\n".encode(),
            request("PUT", f"{PREFIX}/101", packed, body),
            request("POST", f"{PREFIX}/101/settalkright?flag=1", packed, body),
        ):
            answered = await ask(gateway, garbage)
            assert answered.status == (200 if b"settalkright" in garbage else 400), garbage
        await _cut_in_the_handshake(gateway)
        assert (await ask(gateway, set_to("101", gateway.sign_in("101"), 1))).retcode == "0"
    said = [record.getMessage() for record in caplog.records]
    assert said, "somebody should hear of it"
    assert all("what is no HTTP request" in text and guid not in text for text in said)
    assert not any(record.exc_info for record in caplog.records), "a traceback"


async def _cut_in_the_handshake(gateway: EmulatedGateway) -> None:
    address = urlsplit(gateway.url)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = trusting(gateway).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    _, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(outgoing.read())
    await writer.drain()
    writer.transport.abort()
