"""What the network does to a request: each way of failing is told apart, without a network.

Proves --ca-file, --tls-server-name, --client-cert, --insecure, --connect-timeout.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import warnings

import aiohttp
import msgspec
import pytest
import trustme

from bulkagent.attempt import Attempt
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.retcodes import RETCODES
from tests.gateway.raw import (
    TO_AGENT_101,
    Say,
    Then,
    authority,
    ca_pem,
    client_of,
    http,
    raw_gateway,
    server_context,
    time_is_up,
)
from tests.jumping import JumpingClock, run
from tests.waiting import HANG_S


async def attempt_on(endpoint: Endpoint) -> Attempt:
    async with client_of(endpoint) as client:
        return await client.attempt(TO_AGENT_101)


async def test_nobody_listening_is_refused_and_never_sent() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound but not listening, so nobody else listens either
        port = bound.getsockname()[1]
        attempt = await attempt_on(Endpoint(name="g", url=f"https://127.0.0.1:{port}"))
    assert attempt.disposition is FAULTS[Fault.REFUSED]
    assert "refused" in attempt.detail.lower() or "failed" in attempt.detail.lower()


async def test_a_name_without_an_address_is_never_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", no_such_name)
    attempt = await attempt_on(Endpoint(name="g", url="https://gw.invalid:8043"))
    assert attempt.disposition is FAULTS[Fault.DNS]
    assert "Name or service not known" in attempt.detail


async def test_a_name_service_that_keeps_silent_is_a_connect_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", silent)
    endpoint = Endpoint(name="g", url="https://gw.invalid:8043")
    async with client_of(endpoint, connect_timeout_s=0.05) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is FAULTS[Fault.CONNECT_TIMEOUT]


async def test_a_handshake_that_never_comes_is_a_connect_timeout_and_never_sent() -> None:
    async with (
        raw_gateway(plain=True) as mute,
        client_of(mute, connect_timeout_s=0.05) as client,
    ):
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is FAULTS[Fault.CONNECT_TIMEOUT]
    assert attempt.detail == "no connection in time"
    assert mute.requests == []


async def test_a_server_without_tls_gets_no_request() -> None:
    """It answers the handshake with something else."""

    async def blurt(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(blurt, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    attempt = await attempt_on(Endpoint(name="g", url=f"https://127.0.0.1:{port}"))
    server.close()
    assert attempt.disposition is FAULTS[Fault.TLS]
    assert attempt.detail.startswith("TLS: ")


async def test_a_connection_that_breaks_in_the_handshake_is_never_sent() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(hang_up, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    attempt = await attempt_on(Endpoint(name="g", url=f"https://127.0.0.1:{port}"))
    server.close()
    assert attempt.disposition is FAULTS[Fault.REFUSED]


def shake_hands(listener: socket.socket, context: ssl.SSLContext) -> str:
    connection, _ = listener.accept()
    with connection:
        try:
            context.wrap_socket(connection, server_side=True).close()
        except ssl.SSLError as error:
            return error.reason or ""
    return "agreed"


class TestCertificates:
    async def test_one_of_another_authority_is_not_accepted(self) -> None:
        stranger = trustme.CA().cert_pem.bytes()
        async with raw_gateway() as gateway:
            attempt = await attempt_on(Endpoint(name="g", url=gateway.url, ca_pem=stranger))
        assert attempt.disposition is FAULTS[Fault.TLS]
        assert attempt.detail.startswith("certificate not accepted: ")
        assert gateway.requests == []

    async def test_one_of_a_private_authority_is_not_accepted_unasked(self) -> None:
        async with raw_gateway() as gateway:
            attempt = await attempt_on(Endpoint(name="g", url=gateway.url))
        assert attempt.disposition is FAULTS[Fault.TLS]
        assert gateway.requests == []

    async def test_one_for_another_name_is_not_accepted(self) -> None:
        context = server_context(authority().issue_cert("another.example"))
        async with raw_gateway(context=context) as gateway:
            attempt = await attempt_on(Endpoint(name="g", url=gateway.url, ca_pem=ca_pem()))
        assert attempt.disposition is FAULTS[Fault.TLS]
        assert "mismatch" in attempt.detail
        assert gateway.requests == []

    async def test_one_that_has_expired_is_not_accepted(self) -> None:
        day = dt.timedelta(days=1)
        now = dt.datetime.now(dt.UTC)
        leaf = authority().issue_cert("localhost", not_before=now - 2 * day, not_after=now - day)
        async with raw_gateway(context=server_context(leaf)) as gateway:
            attempt = await attempt_on(Endpoint(name="g", url=gateway.url, ca_pem=ca_pem()))
        assert attempt.disposition is FAULTS[Fault.TLS]
        assert attempt.detail == "certificate not accepted: certificate has expired"
        assert gateway.requests == []

    async def test_the_name_to_expect_can_be_given_where_the_address_is_an_ip(self) -> None:
        context = server_context(authority().issue_cert("gateway.example"))
        async with raw_gateway(context=context) as gateway:
            by_ip = Endpoint(name="g", url=f"https://127.0.0.1:{gateway.port}", ca_pem=ca_pem())
            assert (await attempt_on(by_ip)).disposition is FAULTS[Fault.TLS]
            named = msgspec.structs.replace(by_ip, tls_server_name="gateway.example")
            assert (await attempt_on(named)).disposition is RETCODES["0"]
            other = msgspec.structs.replace(by_ip, tls_server_name="another.example")
            assert (await attempt_on(other)).disposition is FAULTS[Fault.TLS]
        assert len(gateway.requests) == 1
        assert b"\r\nHost: 127.0.0.1:%d\r\n" % gateway.port in gateway.requests[0]

    async def test_insecure_accepts_any(self) -> None:
        context = server_context(trustme.CA().issue_cert("another.example"))
        async with raw_gateway(context=context) as gateway:
            attempt = await attempt_on(Endpoint(name="g", url=gateway.url, insecure=True))
        assert attempt.disposition is RETCODES["0"]

    @pytest.mark.parametrize("insecure", [False, True])
    async def test_tls_1_1_is_not_spoken_whatever_the_server_wants(self, insecure: bool) -> None:
        context = server_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(HANG_S)
            # asyncio's server would hang up without saying why, as no real one does.
            refusing = asyncio.create_task(asyncio.to_thread(shake_hands, listener, context))
            url = f"https://127.0.0.1:{listener.getsockname()[1]}"
            endpoint = Endpoint(name="g", url=url, ca_pem=ca_pem(), insecure=insecure)
            attempt = await attempt_on(endpoint)
            assert await refusing == "UNSUPPORTED_PROTOCOL"
        assert attempt.disposition is FAULTS[Fault.TLS]
        assert "PROTOCOL" in attempt.detail


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\n", b'HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n{"ret']
)
async def test_a_gateway_that_falls_silent_leaves_a_doubt_and_no_connection(begun: bytes) -> None:
    async with (
        raw_gateway(Say(begun, Then.HANG), http()) as gateway,
        client_of(gateway) as client,
    ):
        waiting = asyncio.create_task(client.attempt(TO_AGENT_101))
        await gateway.asked.wait()
        for _ in range(9):  # what it has said may arrive
            await asyncio.sleep(0)
        time_is_up(client)
        silent = await waiting
        after = await client.attempt(TO_AGENT_101)
    assert silent.disposition is FAULTS[Fault.READ_TIMEOUT]
    assert silent.detail == "no complete reply in time"
    assert silent.http_status == 0
    assert after.disposition is RETCODES["0"]
    assert gateway.connections == 2


async def test_an_attempt_that_is_cancelled_leaves_no_connection() -> None:
    """Its reply would otherwise be there for the next attempt."""
    begun = Say(b"HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n", Then.HANG)
    async with raw_gateway(begun, http()) as gateway, client_of(gateway) as client:
        asyncio.get_running_loop().set_debug(True)  # an unclosed response is reported then
        task = asyncio.create_task(client.attempt(TO_AGENT_101))
        await gateway.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.attempt(TO_AGENT_101)).disposition is RETCODES["0"]
    assert gateway.connections == 2


async def never(*_: object, **__: object) -> aiohttp.client_proto.ResponseHandler:
    """A connection to nothing, for ever."""
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize("connect_s", [2.0, 6.3, 600.0])
def test_the_connect_timeout_ends_first_and_on_time_however_long(
    monkeypatch: pytest.MonkeyPatch, connect_s: float
) -> None:
    """The whole attempt's own end would leave open whether the request was sent."""
    monkeypatch.setattr(aiohttp.TCPConnector, "_create_connection", never)

    async def main() -> Attempt:
        client: GatewayClient = client_of(
            Endpoint(name="g", url="https://gw.invalid"),
            connect_timeout_s=connect_s,
            timeout_s=connect_s + 0.001,
            clock=JumpingClock(),
        )
        async with client:
            return await client.attempt(TO_AGENT_101)

    attempt = run(main())
    assert attempt.disposition is FAULTS[Fault.CONNECT_TIMEOUT]
    assert attempt.latency_ms == pytest.approx(connect_s * 1000)
