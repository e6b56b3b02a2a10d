"""The server itself: where it listens, under which certificate, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from urllib.parse import urlsplit

import pytest

from bulkagent.emulator import EmulatedGateway, FaultKind, Latency, Scenario, ScenarioFault
from bulkagent.errors import SettingsRefused
from tests.emulator.wire import NOTHING, Wire, ask, connected, request, settalkright, trusting
from tests.waiting import HANG_S

HOLDING = Scenario(latency=Latency(milliseconds=1))


class Gate:
    """Holds replies until it is opened."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def sleep(self, _seconds: float) -> None:
        await self.opened.wait()


async def turn_until(gateway: EmulatedGateway, in_flight: int) -> None:
    async with asyncio.timeout(HANG_S):
        # The gateway has no event to wait for, and should not grow one for its tests.
        while gateway.stats().in_flight != in_flight:  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_every_address_of_localhost_has_the_port(gateway: EmulatedGateway) -> None:
    port = urlsplit(gateway.url).port
    assert port is not None
    found = socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM)
    for address in {str(entry[4][0]) for entry in found}:
        reader, writer = await asyncio.open_connection(address, port, ssl=trusting(gateway))
        received = await Wire(reader, writer).exchange(request("GET", "/emulator/stats"))
        assert received.status == 200
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        ("127.0.0.1", "https://127.0.0.1:"),
        ("::1", "https://[::1]:"),
        ("127.0.0.2", "https://127.0.0.2:"),
        ("0.0.0.0", "https://localhost:"),  # noqa: S104 - that is the case
    ],
)
async def test_the_certificate_is_for_the_host(host: str, prefix: str) -> None:
    if ":" in host and not _has_ipv6():
        pytest.skip("no IPv6 here")
    async with EmulatedGateway(host=host) as gateway:
        assert gateway.url.startswith(prefix)
        assert (await ask(gateway, request("GET", "/emulator/stats"))).status == 200


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_another_authority_is_not_trusted(gateway: EmulatedGateway) -> None:
    port = urlsplit(gateway.url).port
    context = ssl.create_default_context(cadata=EmulatedGateway().ca_pem.decode())
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("localhost", port, ssl=context)


def test_tls_is_1_2_or_later() -> None:
    context = EmulatedGateway()._authority.server_context("localhost")
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_a_port_that_is_taken_is_refused(gateway: EmulatedGateway) -> None:
    port = urlsplit(gateway.url).port or 0
    with pytest.raises(SettingsRefused, match=f"localhost:{port}, because another program does"):
        await EmulatedGateway(port=port).__aenter__()


async def test_a_host_that_is_not_here_is_refused() -> None:
    with pytest.raises(SettingsRefused, match=r"Cannot listen on 192\.0\.2\.1:0"):
        await EmulatedGateway(host="192.0.2.1").__aenter__()
    with pytest.raises(SettingsRefused, match=r"Cannot listen on nowhere\.invalid:0"):
        await EmulatedGateway(host="nowhere.invalid").__aenter__()


async def test_it_has_no_url_before_and_after() -> None:
    gateway = EmulatedGateway()
    with pytest.raises(RuntimeError, match="async with"):
        gateway.url  # noqa: B018 - asking is the test
    async with gateway:
        assert gateway.url
    with pytest.raises(RuntimeError, match="async with"):
        gateway.url  # noqa: B018
    await gateway.__aexit__(None, None, None)


async def test_in_flight_is_from_arrival_to_reply() -> None:
    gate = Gate()
    async with EmulatedGateway(HOLDING, sleep=gate.sleep) as gateway:
        rows = list(gateway.roster(range(101, 106)))
        asking = [asyncio.create_task(ask(gateway, settalkright(*row))) for row in rows]
        await turn_until(gateway, 5)
        # Taking effect is not held, only the reply is.
        assert [record.talk_right for record in gateway.agents()[:5]] == [0] * 5
        assert gateway.stats().answered == {}
        gate.opened.set()
        assert [received.retcode for received in await asyncio.gather(*asking)] == ["0"] * 5
        stats = gateway.stats()
    assert (stats.requests, stats.peak_in_flight, stats.in_flight) == (5, 5, 0)
    assert stats.answered == {"0": 5}


async def test_it_ends_under_its_clients() -> None:
    """With an idle client, one in the middle of a request, and one that never began TLS."""
    gate = Gate()
    async with EmulatedGateway(HOLDING, sleep=gate.sleep) as gateway:
        port = urlsplit(gateway.url).port
        _, silent = await asyncio.open_connection("localhost", port)
        async with connected(gateway) as idle, connected(gateway) as waiting:
            await idle.exchange(request("GET", "/emulator/stats"))
            await waiting.send(settalkright("101", gateway.sign_in("101")))
            await turn_until(gateway, 1)
            await gateway.__aexit__(None, None, None)
            assert await waiting.receive() == NOTHING
            assert await idle.receive() == NOTHING
            assert gateway.stats().in_flight == 0
        silent.close()
        await silent.wait_closed()


async def test_faults_leave_no_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    faults = (
        ScenarioFault(kind=FaultKind.RESET_BEFORE, share=0.4),
        ScenarioFault(kind=FaultKind.TRUNCATED, share=0.3),
        ScenarioFault(kind=FaultKind.LOOSE, share=0.3),
    )
    async with EmulatedGateway(Scenario(seed=7, faults=faults)) as gateway:
        rows = list(gateway.roster(range(101, 161)))
        await asyncio.gather(*(ask(gateway, settalkright(*row)) for row in rows))
        assert len(gateway.stats().faults) == 3
    assert caplog.records == []
