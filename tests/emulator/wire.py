"""A client made of literal bytes, so that no HTTP library stands between test and gateway."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bulkagent.emulator import EmulatedGateway
from tests.waiting import HANG_S

PREFIX = "/agentgateway/resource/onlineagent"
JSON_TYPE = "application/json; charset=UTF-8"


class Received(msgspec.Struct, frozen=True):
    """A reply, as it came over the wire; status 0 where the connection ended before one came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def retcode(self) -> object:
        return self.json["retcode"]


NOTHING = Received(status=0, headers={}, body=b"", whole=False)


class Wire:
    """One TLS connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, request: bytes) -> None:
        self.writer.write(request)
        await self.writer.drain()

    async def exchange(self, request: bytes) -> Received:
        await self.send(request)
        return await self.receive()

    async def receive(self) -> Received:
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return NOTHING
        status_line, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        status = int(status_line.split()[1])
        try:
            if headers.get("transfer-encoding") == "chunked":
                body = await self._chunks()
            else:
                body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        except asyncio.IncompleteReadError as error:
            return Received(status, headers, error.partial, whole=False)
        return Received(status, headers, body, whole=True)

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return body


def trusting(gateway: EmulatedGateway) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=gateway.ca_pem.decode())


@contextlib.asynccontextmanager
async def connected(gateway: EmulatedGateway) -> AsyncIterator[Wire]:
    address = urlsplit(gateway.url)
    reader, writer = await asyncio.open_connection(
        address.hostname, address.port, ssl=trusting(gateway)
    )
    try:
        yield Wire(reader, writer)
    finally:
        # As a client that dies: an orderly close is no business of most tests.
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def ask(gateway: EmulatedGateway, request: bytes) -> Received:
    async with connected(gateway) as wire:
        return await wire.exchange(request)


async def is_listening(gateway: EmulatedGateway) -> bool:
    """Whether its port takes connections."""
    address = urlsplit(gateway.url)
    try:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
    except ConnectionRefusedError:
        return False
    except OSError as error:  # several addresses, all of them refused
        if "Connect call failed" not in str(error):
            raise
        return False
    writer.transport.abort()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return True


async def turn_until_listening(gateway: EmulatedGateway, *, listens: bool) -> None:
    """Wait as clients do, by trying."""
    async with asyncio.timeout(HANG_S):
        while await is_listening(gateway) is not listens:  # noqa: ASYNC110 - clients have no event
            await asyncio.sleep(0.001)


def request(
    method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def settalkright(agent_id: str, guid: str | None, query: str = "?flag=0") -> bytes:
    guid_header = {} if guid is None else {"Guid": guid}
    return request(
        "POST",
        f"{PREFIX}/{agent_id}/settalkright{query}",
        {"Content-Type": JSON_TYPE, **guid_header},
    )


def sign_in(agent_id: str, **fields: object) -> bytes:
    body = {"password": "synthetic", "phonenum": "70001", **fields}
    return request(
        "PUT", f"{PREFIX}/{agent_id}", {"Content-Type": JSON_TYPE}, json.dumps(body).encode()
    )
