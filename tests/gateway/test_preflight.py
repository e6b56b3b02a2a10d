"""A gateway is tried once before anything is sent: what no retry would change is refused.

Proves --tls-server-name, --insecure; README "Waiting".
"""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from bulkagent.clock import SystemClock
from bulkagent.emulator import EmulatedGateway
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.preflight import PreflightResult, run_preflight
from tests.cli.sockets import served
from tests.gateway.raw import authority, ca_pem, server_context


class CountingClock(SystemClock):
    """On which nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self.result: PreflightResult | None = None

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class NameService:
    """Answers with these errors, one for each question, and then as the machine's own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, errors: Sequence[int]) -> None:
        self.asked = 0
        self._errors = errors
        self._original = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, *question: Any, **more: Any) -> Any:
        self.asked += 1
        if self.asked <= len(self._errors):
            number = self._errors[self.asked - 1]
            raise socket.gaierror(number, "the name service said no")
        return self._original(*question, **more)


@asynccontextmanager
async def _gateway(**more: Any) -> AsyncIterator[tuple[EmulatedGateway, Endpoint]]:
    async with EmulatedGateway(agent_ids=range(101, 102)) as gateway:
        given = {"ca_pem": gateway.ca_pem, **more}
        yield gateway, Endpoint(name="east", url=gateway.url, **given)


@asynccontextmanager
async def _listener(answer: bytes | None) -> AsyncIterator[str]:
    """The address of a server that answers in plain text, or never."""
    ended = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        await ended.wait()
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        ended.set()
        server.close()


async def _reached(endpoint: Endpoint, *, within_s: float = 30.0) -> CountingClock:
    clock = CountingClock()
    clock.result = await run_preflight(endpoint, connect_timeout_s=within_s, clock=clock)
    return clock


@pytest.mark.parametrize("years", [1, 1000])
async def test_it_is_known_until_when_a_certificate_is_good(years: int) -> None:
    """The earlier of its own end and that of the private authority that it may come from."""
    ends = [
        dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=365 * years),
        trustme.DEFAULT_EXPIRY.replace(tzinfo=dt.UTC),
    ]
    leaf = authority().issue_cert("localhost", not_after=ends[0])
    async with served(_nothing, server_context(leaf)) as port:
        endpoint = Endpoint(name="east", url=f"https://localhost:{port}", ca_pem=ca_pem())
        expected = round(min(ends).timestamp() * 1000)
        assert (await _reached(endpoint)).result == PreflightResult(
            answered=True, expires_ms=expected
        )
        # A client that accepts any certificate does not look at this one either.
        any_will_do = await _reached(replace(endpoint, insecure=True))
        assert any_will_do.result == PreflightResult(answered=True)


async def _nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_a_gateway_that_can_be_spoken_to_gets_no_request() -> None:
    async with _gateway() as (gateway, endpoint):
        clock = await _reached(endpoint)
        assert gateway.stats().requests == 0
        assert gateway.history() == []
    assert clock.slept == []


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_FAIL, socket.EAI_NODATA])
async def test_a_name_without_an_address_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    names = NameService(monkeypatch, [number] * 9)
    with pytest.raises(SettingsRefused, match=r"agw\.example has no address.*nothing was sent"):
        await _reached(Endpoint(name="east", url="https://agw.example:8043"))
    assert names.asked == 1


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_name_service_that_is_busy_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    async with _gateway() as (_, endpoint):
        names = NameService(monkeypatch, [socket.EAI_AGAIN] * times)
        clock = await _reached(endpoint)
    assert names.asked == times + 1
    assert clock.slept == [0.5] * times


async def test_a_name_service_that_stays_busy_is_left_to_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = NameService(monkeypatch, [socket.EAI_AGAIN] * 9)
    clock = await _reached(Endpoint(name="east", url="https://agw.example:8043"))
    assert names.asked == 4
    assert clock.slept == [0.5] * 3


async def test_a_busy_name_service_may_turn_out_to_know_no_such_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = NameService(monkeypatch, [socket.EAI_AGAIN, socket.EAI_NONAME])
    with pytest.raises(SettingsRefused, match="no address"):
        await _reached(Endpoint(name="east", url="https://agw.example:8043"))
    assert names.asked == 2


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    async with _gateway(ca_pem=b"", ca_file=other) as (gateway, endpoint):
        with pytest.raises(SettingsRefused, match=r"certificate is not accepted.*--ca-file"):
            await _reached(endpoint)
        assert gateway.stats().requests == 0


async def test_a_certificate_for_another_name_is_refused() -> None:
    async with _gateway(tls_server_name="agw.example") as (_, endpoint):
        with pytest.raises(SettingsRefused, match=r"not accepted.*--tls-server-name"):
            await _reached(endpoint)


async def test_the_name_to_expect_may_be_another_than_the_one_to_connect_to() -> None:
    async with _gateway() as (gateway, endpoint):
        address = gateway.url.replace("localhost", "127.0.0.1")
        for name in ("", "localhost"):
            await _reached(replace(endpoint, url=address, tls_server_name=name))
        with pytest.raises(SettingsRefused, match="not accepted"):
            await _reached(replace(endpoint, url=address, tls_server_name="agw.example"))


async def test_any_certificate_will_do_where_that_was_asked_for() -> None:
    async with _gateway(ca_pem=b"", insecure=True, tls_server_name="x.example") as (_, endpoint):
        await _reached(endpoint)


async def test_a_port_without_tls_is_refused() -> None:
    async with _listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        with pytest.raises(SettingsRefused, match=r"no TLS connection.*the port is the gateway's"):
            await _reached(Endpoint(name="east", url=url))


async def test_who_does_not_listen_may_be_back_in_a_moment() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
        clock = await _reached(Endpoint(name="east", url=url))
        assert clock.result == PreflightResult(answered=False, why="connection refused")


async def test_who_does_not_answer_in_time_may_be_back_in_a_moment() -> None:
    async with _listener(None) as url:
        await _reached(Endpoint(name="east", url=url), within_s=0.02)


async def test_a_name_service_that_does_not_answer_in_time_is_left_to_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    await _reached(Endpoint(name="east", url="https://agw.example:8043"), within_s=0.02)


@pytest.mark.parametrize("politely", [False, True])
async def test_a_connection_that_is_closed_may_be_better_in_a_moment(*, politely: bool) -> None:
    """As by a load balancer in front of a gateway that is starting."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if politely:
            writer.close()
        else:
            writer.transport.abort()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await _reached(Endpoint(name="east", url=url))
