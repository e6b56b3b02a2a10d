"""The emulated gateway on the network: TLS, HTTP, and waiting.

What may live here: everything that awaits, and the only import of aiohttp in this room. What
this module must not know: what any interface means; it sends what `emulation.py` says.

aiohttp's low-level server is used, without its router and applications: paths are looked up in
`interfaces.py`, which tests need without sockets anyway, and each request costs less.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import Self
from weakref import WeakKeyDictionary

from aiohttp import web

from bulkagent.emulator.agents import AgentRecord, Change
from bulkagent.emulator.certificates import Authority
from bulkagent.emulator.emulation import Emulation
from bulkagent.emulator.entrance import Entrance
from bulkagent.emulator.faults import ABORTED
from bulkagent.emulator.interfaces import Interface, resolve
from bulkagent.emulator.listening import listen
from bulkagent.emulator.presence import GoneBy, Presence, abort
from bulkagent.emulator.reply import Delivery, Reply
from bulkagent.emulator.scenario import Scenario
from bulkagent.emulator.state import Snapshot
from bulkagent.emulator.traffic import Stats
from bulkagent.emulator.watch import Watch

__all__ = ["EmulatedGateway"]

KEEPALIVE_SECONDS = 3600
"""No idle connection is closed in the middle of a test."""

SHUTDOWN_SECONDS = 0.1
"""An emulated gateway that ends does so as in a power cut: held replies are not waited for."""

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
"""Hosts to listen on that no client can connect to by that name."""


class EmulatedGateway:
    """An agent gateway on this computer, with real agent state and scripted faults.

        async with EmulatedGateway(scenario, agent_ids=range(101, 201)) as gateway:
            guid = gateway.sign_in("101")

    Args:
        scenario: how it misbehaves; None for a gateway at its best.
        host: the name or address to listen on.
        port: the port to listen on; 0 for a free one.
        agent_ids: the numbers of the agents that exist; None for the whole range.
        agent_id_range: lowest and highest agent ID. Pages of 2023 say 101-59999 (1223), those
            of AICC 25.200 and later 101-999999 (0356).
        clock: the time of day in seconds since the Unix epoch.
        sleep: holds replies and waits for outages, for a number of seconds of that clock.

    Raises:
        SettingsRefused: on entering, where the host or the port is not to be had.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        host: str = "localhost",
        port: int = 0,
        agent_ids: Iterable[int] | None = range(101, 5101),
        agent_id_range: tuple[int, int] = (101, 59999),
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._scenario = scenario or Scenario()
        self._emulation = Emulation(self._scenario, agent_ids, agent_id_range, clock)
        self._sleep = sleep
        self._host = host
        self._port = port
        self._authority = Authority()
        self._runner: web.ServerRunner | None = None
        self._presence: Presence | None = None
        self._watch: Watch | None = None
        # Weak, so that a connection is forgotten when it is gone. Of what aiohttp has for each
        # connection, the transport is what can be referred to weakly.
        self._nodes: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()

    def __repr__(self) -> str:
        where = f"at port {self._port}" if self._runner else "not running"
        return f"<EmulatedGateway {where}: {self._emulation!r}>"

    async def __aenter__(self) -> Self:
        host = "localhost" if self._host in EVERYWHERE else self._host
        context = self._authority.server_context(host)
        listeners = listen(self._host, self._port)
        self._port = listeners[0].getsockname()[1]
        server = web.Server(
            self._handle,
            access_log=None,
            keepalive_timeout=KEEPALIVE_SECONDS,
            # A client that hangs up is in flight no longer.
            handler_cancellation=True,
        )
        runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        entrance = Entrance(listeners, server, context)
        self._presence = Presence(entrance, lambda: _transports(runner))
        if self._scenario.outages:  # without them, requests are spared the watching
            self._watch = Watch(self._emulation, self._sleep, self._presence)
        await entrance.open()
        self._runner = runner
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        runner, self._runner = self._runner, None
        if runner is None:
            return
        watch, self._watch = self._watch, None
        presence, self._presence = self._presence, None
        if watch is not None:
            await watch.end()
        if presence is not None:
            await presence.leave()
        transports = _transports(runner)
        await runner.cleanup()
        # A TLS connection that was closed politely waits for the other side's goodbye, for up to
        # half a minute and beyond the end of the event loop.
        await abort(transports)

    async def go_away(self) -> None:
        """Close the listening sockets and reset all connections, as in a power cut.

        What the gateway knows stays, and its port is kept: until `come_back`, attempts to connect
        are refused. Does nothing while it is not running.
        """
        if self._presence is not None:
            self._presence.go(GoneBy.HAND)
            await self._presence.settled()

    async def come_back(self) -> None:
        """Listen at the same port again, unless the scenario has an outage just then."""
        if self._presence is not None:
            await self._presence.come_back(GoneBy.HAND)

    @property
    def url(self) -> str:
        """Where it is, without a path: `https://localhost:43211`, an IPv6 address in brackets.

        Raises:
            RuntimeError: it is not running.
        """
        if self._runner is None:
            raise RuntimeError("the emulated gateway is not running: use it with `async with`")
        host = "localhost" if self._host in EVERYWHERE else self._host
        return f"https://[{host}]:{self._port}" if ":" in host else f"https://{host}:{self._port}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate, in PEM, of the authority that a client has to trust."""
        return self._authority.pem

    def sign_in(self, agent_id: str) -> str | None:
        """Sign an agent in as a desktop would have; the GUID of the session, also of one that is.

        None where there is no such agent, or the scenario keeps the agent signed out.
        """
        return self._emulation.sign_in_at_desktop(agent_id)

    def roster(self, agent_ids: Iterable[int] | None = None) -> Iterator[tuple[str, str]]:
        """Agent IDs and GUIDs for a roster, each agent being signed in on the way.

        An agent for whom there is no session comes with a GUID that was never valid, as in a
        roster exported before the sign-out: the gateway shall refuse it, not the client.

        Args:
            agent_ids: the agents, in the order of the roster; None for all that exist.
        """
        wanted = self._emulation.agents if agent_ids is None else map(str, agent_ids)
        for agent_id in wanted:
            yield agent_id, self.sign_in(agent_id) or self._emulation.stale_guid()

    def agents(self) -> list[AgentRecord]:
        """Every agent that exists: the data of `GET /emulator/agents`."""
        return self._emulation.agents.records()

    def stats(self) -> Stats:
        """The settalkright requests so far: the data of `GET /emulator/stats`."""
        return self._emulation.traffic.stats()

    def history(self) -> list[Change]:
        """Everything that happened to agents, in order: the data of `GET /emulator/history`."""
        return self._emulation.agents.history()

    def snapshot(self) -> Snapshot:
        """All that the gateway knows and has counted, to go on from with `restore`.

        A request whose reply is being held at that moment has taken effect: only its reply is
        left, and that is the connection's, not the snapshot's.
        """
        return self._emulation.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from an independent copy of a snapshot, which can be restored again.

        With a seeded scenario, the same requests then get the same answers each time: GUIDs,
        faults and the turns of nodes are what they would have been, and the seconds of faults
        count on from where they were. Address, certificate and connections stay: an open
        connection keeps its node, and a reply that is being held is sent and counted. Where the
        snapshot is of an outage, or of the time before it, the gateway is gone or back with it.
        """
        self._emulation.restore(snapshot)
        if self._watch is not None:
            self._watch.look_afresh()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._presence is None or self._presence.is_gone:
            return await _deliver(request, ABORTED)
        call = resolve(request.method, request.raw_path)
        if isinstance(call, Reply):
            return await _deliver(request, call)
        if call.interface is Interface.SIGN_IN:
            body = await request.read()
            return await _deliver(request, self._emulation.sign_in(call, request.headers, body))
        if call.interface is not Interface.SET_TALK_RIGHT:
            return await _deliver(request, self._emulation.answer(call, request.headers))
        # Wherever this waits, a snapshot may be restored: the counts are asked for each time.
        self._emulation.arrived()
        try:
            node = self._node_of(request.transport)
            step = self._emulation.set_talk_right(call, request.headers, node)
            if self._watch is not None:
                self._watch.look()
            if step.hold_seconds:
                await self._sleep(step.hold_seconds)
            if step.reply.retcode:
                self._emulation.traffic.answered(step.reply.retcode)
            return await _deliver(request, step.reply)
        finally:
            self._emulation.traffic.left()

    def _node_of(self, connection: asyncio.BaseTransport | None) -> int:
        """Connections that bring other requests only, such as a judge's, take no turn."""
        if connection is None:
            return 1  # the client is gone: no node can tell it anything
        node = self._nodes.get(connection)
        if node is None:
            node = self._nodes[connection] = self._emulation.connected()
        return node


def _transports(runner: web.ServerRunner) -> list[asyncio.WriteTransport]:
    connections = [] if runner.server is None else runner.server.connections
    return [each.transport for each in connections if each.transport is not None]


async def _deliver(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Send a reply as it wants to be sent, or leave the usual way of sending to aiohttp."""
    match reply.delivery:
        case Delivery.WHOLE:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        case Delivery.CHUNKED:
            return await _in_chunks(request, reply)
        case Delivery.TRUNCATED:
            return await _in_part(request, reply)
        case Delivery.ABORTED:
            if request.transport is not None:
                request.transport.abort()
            # aiohttp wants a response, finds the connection gone, and lets the matter rest.
            return web.Response()


async def _in_chunks(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    if request.version >= (1, 1):  # HTTP/1.0 has no chunks: the end of the connection ends it
        response.enable_chunked_encoding()
    await response.prepare(request)
    middle = len(reply.body) // 2
    await response.write(reply.body[:middle])
    await response.write(reply.body[middle:])
    return response


async def _in_part(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()  # not abort: that would drop what was just written
    return response
