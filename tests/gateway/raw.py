"""The other side as literal bytes: a TLS server that records requests and plays a script."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import functools
import ssl
from collections.abc import AsyncIterator, Callable

import msgspec
import trustme

from bulkagent.clock import Clock
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.transport import HttpTransport
from bulkagent.model import Assignment
from tests.waiting import HANG_S

GUID = "01234567-89ab-cdef-0123-456789abcdef.AgentGateway1"
SUCCESS = b'{"result":{},"message":"success","retcode":"0"}'
TO_AGENT_101 = Assignment(
    row=2, gateway="g", agent_id="101", operation="settalkright", arguments="flag=0"
)


class Then(enum.Enum):
    """What happens to the connection after a reply."""

    KEEP = enum.auto()
    CLOSE = enum.auto()
    ABORT = enum.auto()
    HANG = enum.auto()  # silent until the client or the test lets go


class Say(msgspec.Struct, frozen=True):
    reply: bytes = b""
    then: Then = Then.KEEP


def http(
    body: bytes = SUCCESS, *headers: bytes, status: bytes = b"200 OK", then: Then = Then.KEEP
) -> Say:
    """A reply of HTTP/1.1 with its length."""
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
    return Say(b"\r\n".join(lines) + b"\r\n\r\n" + body, then)


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


def ca_pem() -> bytes:
    return authority().cert_pem.bytes()


def server_context(leaf: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (leaf or authority().issue_cert("localhost", "127.0.0.1")).configure_cert(context)
    return context


class RawGateway:
    """Plays its script, one step a request; the last step goes on for ever."""

    def __init__(self, script: tuple[Say, ...]) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.left_over = b""
        self.connections = 0
        self.port = 0
        self.asked = asyncio.Event()
        self.push: Callable[[bytes], None] = lambda _data: None
        """Send what nobody asked for on the latest connection."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._over = asyncio.Event()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.append(writer)
        self.connections += 1
        self.push = writer.write
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            try:
                while await self._turn(reader, writer):
                    pass
            except asyncio.IncompleteReadError as error:
                self.left_over += error.partial

    async def _turn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        self.asked.set()
        step = self.script[min(len(self.requests), len(self.script)) - 1]
        agent_id = self.requests[-1].partition(b"/onlineagent/")[2].partition(b"/")[0]
        writer.write(step.reply.replace(b"{ID}", agent_id))
        await writer.drain()
        match step.then:
            case Then.ABORT:
                writer.transport.abort()
            case Then.CLOSE:
                writer.close()
            case Then.HANG:
                await self._over.wait()
        return step.then is Then.KEEP

    async def end(self) -> None:
        self._over.set()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)
        for _ in range(2):  # a turn of the loop for TLS to let go, one for the socket to close
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def raw_gateway(
    *script: Say, context: ssl.SSLContext | None = None, plain: bool = False
) -> AsyncIterator[RawGateway]:
    gateway = RawGateway(script or (http(),))
    server = await asyncio.start_server(
        gateway.converse, "127.0.0.1", ssl=None if plain else context or server_context()
    )
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
        await gateway.end()


class OneGuid:
    """The same GUID for everybody, or none."""

    def __init__(self, guid: str | None = GUID) -> None:
        self._guid = guid

    async def credential(self, assignment: Assignment) -> Credential | None:
        return Credential(self._guid) if self._guid else None

    async def renewed(self, assignment: Assignment, refused: Credential) -> bool:
        return False

    def fresh(self, _credential: Credential) -> bool:
        return False


def client_of(
    endpoint: Endpoint | RawGateway,
    guid: str | None = GUID,
    *,
    connect_timeout_s: float = HANG_S,
    timeout_s: float = 2 * HANG_S,
    clock: Clock | None = None,
) -> GatewayClient:
    if isinstance(endpoint, RawGateway):
        endpoint = Endpoint(name="g", url=endpoint.url, ca_pem=ca_pem())
    return GatewayClient(
        endpoint,
        SET_TALK_RIGHT,
        OneGuid(guid),
        connect_timeout_s=connect_timeout_s,
        timeout_s=timeout_s,
        clock=clock,
    )


def over_sockets(client: GatewayClient) -> HttpTransport:
    """What a client's requests go over."""
    assert isinstance(client._transport, HttpTransport)
    return client._transport


def time_is_up(client: GatewayClient) -> None:
    """End the time of all that a client has under way, as its timer does after `timeout_s`."""
    deadlines = over_sockets(client)._deadlines
    for deadline in list(deadlines._running):
        deadlines.end(deadline)
        deadline.missed()
