"""The simulated wire behaves like the product's own on sockets: the same steps, the same ends.

Proves the seam of the wire for guide "Replies out of step".
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Protocol, TypeVar, cast

import msgspec
import pytest
from yarl import URL

from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.network import HTTPS, Network, Transport
from tests.gateway.raw import ca_pem, server_context
from tests.simulation.surroundings.connections import Connection
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.interface import Asked, retcode
from tests.simulation.surroundings.server import Request, Server
from tests.simulation.surroundings.wire import SimulatedNetwork

CODES = ("0", "100-007")
T = TypeVar("T")
AGENT = "/agentgateway/resource/onlineagent/101/settalkright?flag=1"
HEADERS = {"Content-Type": "application/json; charset=UTF-8", "Guid": "x"}


class Seen(msgspec.Struct, frozen=True):
    """All that a client can tell."""

    ends: dict[int, str]
    strays: list[tuple[int, ...]]
    singly: bool
    connections: int


class Side(Protocol):
    """The servers' side, played by the test."""

    network: Network
    url: str
    arrived: int

    @property
    def connections(self) -> int:
        """How many there have been."""

    def answer(self, connection: int, *codes: str) -> None:
        """Send replies in one breath."""

    def reset(self, connection: int) -> None:
        """End the connection."""


class Simulated:
    """The simulated wire."""

    def __init__(self) -> None:
        self.network: Network = SimulatedNetwork(cast("Gateways", self), 1)
        self.url = "https://east.sim:8043"
        self.lines: list[Connection] = []
        self.arrived = 0

    @property
    def connections(self) -> int:
        return len(self.lines)

    def request(self, _sent: object, _process: int) -> tuple[Server, Request]:
        request = Request(Asked("101", ""), 1, 0.0, 0.0, 0.0, 1.0, 1.0)
        return cast("Server", Listener(self)), request

    def answer(self, connection: int, *codes: str) -> None:
        for code in codes:
            self.lines[connection].answer(retcode(code))

    def reset(self, connection: int) -> None:
        self.lines[connection].reset()


class Listener:
    """A server that only notes what comes."""

    def __init__(self, at: Simulated) -> None:
        self._at = at

    def connecting(self, _request: Request) -> None:
        return None

    def sent(self, _request: Request, line: Connection, _way_s: float) -> None:
        self._at.arrived += 1
        if line not in self._at.lines:
            self._at.lines.append(line)


class Sockets:
    """TLS on the loopback."""

    def __init__(self) -> None:
        self.network: Network = HTTPS
        self.url = ""
        self.writers: list[asyncio.StreamWriter] = []
        self.arrived = 0

    @property
    def connections(self) -> int:
        return len(self.writers)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = False
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if not known:
                    self.writers.append(writer)
                    known = True
                self.arrived += 1
        writer.close()

    def answer(self, connection: int, *codes: str) -> None:
        bodies = [retcode(code).body for code in codes]
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        writer = self.writers[connection]
        if not writer.transport.is_closing():
            writer.write(b"".join(head % (len(body), body) for body in bodies))

    def reset(self, connection: int) -> None:
        self.writers[connection].transport.abort()


class StillLoop(asyncio.SelectorEventLoop):
    """A loop on which no time passes, so that no timer decides."""

    def time(self) -> float:
        return 1_000.0


def on_a_still_loop(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=StillLoop) as runner:
        return runner.run(main)


async def until(so: Callable[[], bool]) -> None:
    while not so():  # noqa: ASYNC110 - each turn of the loop reads the sockets
        await asyncio.sleep(0)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class Client:
    """The client's side of a story."""

    def __init__(self, side: Side, transport: Transport, seen: Seen) -> None:
        self.side = side
        self.transport = transport
        self.seen = seen
        self.sending: list[asyncio.Task[None]] = []

    async def send(self) -> None:
        before = self.side.arrived
        sending = asyncio.ensure_future(self._exchange(len(self.sending)))
        self.sending.append(sending)
        await until(lambda: self.side.arrived > before or sending.done())

    async def _exchange(self, name: int) -> None:
        url = URL(f"{self.side.url}{AGENT}", encoded=True)
        try:
            reply = await self.transport.exchange("POST", url, HEADERS, name=name)
        except ExchangeFailed as failed:
            self.seen.ends[name] = failed.fault
        else:
            self.seen.ends[name] = next(code for code in CODES if retcode(code).body == reply.body)

    @property
    def under_way(self) -> int:
        return sum(not sending.done() for sending in self.sending)


async def story(side: Side, endpoint: Endpoint, seed: int) -> Seen:
    """Play steps that a seed draws; what is under way alone decides which are possible."""
    random = Random(seed)
    strays: list[tuple[int, ...]] = []
    seen = Seen({}, strays, singly=False, connections=0)
    transport = side.network.trust(endpoint).transport(
        connect_timeout_s=30.0,
        timeout_s=60.0,
        out_of_step=strays.append,
        wary=random.random() < 0.8,
        singly=random.random() < 0.2,
    )
    async with transport:
        client = Client(side, transport, seen)
        for _ in range(random.randrange(4, 16)):
            step, which = random.random(), random.random()
            codes = random.choices(CODES, weights=(2, 1), k=1 if random.random() < 0.8 else 2)
            connection = int(which * side.connections)
            if step < 0.45 or not side.connections:
                if client.under_way < 3:
                    await client.send()
            elif step < 0.95:
                side.answer(connection, *codes)
            else:
                side.reset(connection)
            await settle()
        for sending in client.sending:
            sending.cancel()
        await asyncio.gather(*client.sending, return_exceptions=True)
        return msgspec.structs.replace(seen, singly=transport.singly, connections=side.connections)


async def by_simulation(seed: int) -> Seen:
    side = Simulated()
    return await story(side, Endpoint(name="east", url=side.url), seed)


async def over_sockets(seed: int) -> Seen:
    side = Sockets()
    server = await asyncio.start_server(side.converse, "127.0.0.1", ssl=server_context())
    side.url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    async with server:
        seen = await story(side, Endpoint(name="east", url=side.url, ca_pem=ca_pem()), seed)
        for writer in side.writers:
            writer.transport.abort()
        await settle()
    return seen


@pytest.mark.parametrize("seed", range(12))
def test_the_same_steps_have_the_same_ends(seed: int) -> None:
    assert on_a_still_loop(by_simulation(seed)) == on_a_still_loop(over_sockets(seed))


@pytest.mark.matrix
def test_they_have_for_many_seeds() -> None:
    for seed in range(1_000, 1_500):
        simulated = on_a_still_loop(by_simulation(seed))
        assert simulated == on_a_still_loop(over_sockets(seed)), seed


def test_the_steps_are_interesting() -> None:
    seen = [on_a_still_loop(by_simulation(seed)) for seed in range(200)]
    assert sum(bool(each.strays) for each in seen) > 40
    assert {end for each in seen for end in each.ends.values()} >= {*CODES, "reset", "out_of_step"}
