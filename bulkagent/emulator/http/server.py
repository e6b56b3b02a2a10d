"""The emulated gateway on the network: HTTP, and the holding of replies.

aiohttp's low-level server is used, without its router and applications: paths are looked up in
`interfaces.py`, which tests need without sockets anyway, and each request costs less.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any

from aiohttp import http, web

from bulkagent.emulator.agents.events import poll_answer
from bulkagent.emulator.faults.kinds import ABORTED
from bulkagent.emulator.faults.scenario import Scenario
from bulkagent.emulator.handlers.emulation import Emulation
from bulkagent.emulator.handlers.sign_in import SIGN_INS
from bulkagent.emulator.http.abandoned import AbandonedRequests
from bulkagent.emulator.http.availability import Availability, GoneReason, abort
from bulkagent.emulator.http.listeners import Listeners
from bulkagent.emulator.http.load_balancer import LoadBalancer
from bulkagent.emulator.http.long_polls import LongPolls, PollEnd
from bulkagent.emulator.http.outage_watch import OutageWatch
from bulkagent.emulator.protocol.response import Framing, Response, ResultCode, page
from bulkagent.emulator.protocol.routes import Call, Interface, resolve

UNREADABLE = page(400, "400 Bad Request")
"""For a body that is not what its headers say."""

KEEPALIVE_SECONDS = 3600
"""No idle connection is closed in the middle of a test."""

SHUTDOWN_SECONDS = 0.1
"""An emulated gateway that ends does so as in a power cut: held replies are not waited for."""


class Server:
    """Answers over HTTPS from `open` to `close`.

    Args:
        emulation: makes the replies.
        scenario: how it misbehaves.
        clock: the time of day in seconds since the Unix epoch.
        sleep: holds replies and waits for outages, for a number of seconds of that clock.
    """

    def __init__(
        self,
        emulation: Emulation,
        scenario: Scenario,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._emulation = emulation
        self._scenario = scenario
        self._clock = clock
        self._sleep = sleep
        self._abandoned = AbandonedRequests(sleep, self._left)
        self.load_balancer = LoadBalancer(emulation, scenario.cluster)
        self.long_polls = LongPolls(clock, sleep, emulation.has_news)
        self._runner: web.ServerRunner | None = None
        self._availability: Availability | None = None
        self._outage_watch: OutageWatch | None = None

    def __repr__(self) -> str:
        return f"<Server: {self._availability!r}, {self.long_polls!r}>"

    async def open(self, sockets: Iterable[socket.socket], context: ssl.SSLContext) -> None:
        """Listen."""
        server = _Server(
            self._handle,
            self.load_balancer.forget,
            access_log=None,
            logger=_LOGGER,
            keepalive_timeout=KEEPALIVE_SECONDS,
            # A poll ends when its client hangs up; a talk right is set all the same, see
            # `AbandonedRequests`.
            handler_cancellation=True,
        )
        runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        listeners = Listeners(sockets, server, context)
        self._availability = Availability(
            listeners, lambda: _transports(runner), self._abandoned.lose
        )
        if self._scenario.outages:  # without them, requests are spared the watching
            self._outage_watch = OutageWatch(self._emulation, self._sleep, self._availability)
        await listeners.open()
        self._runner = runner

    async def close(self) -> None:
        """Listen no more, and let go of everybody."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        watch, self._outage_watch = self._outage_watch, None
        availability, self._availability = self._availability, None
        if watch is not None:
            await watch.end()
        if availability is not None:
            await availability.leave()
        transports = _transports(runner)
        await runner.cleanup()
        await self.long_polls.end()
        self._abandoned.lose()
        await self._abandoned.ended()
        # A TLS connection that was closed politely waits for the other side's goodbye, for up to
        # half a minute and beyond the end of the event loop.
        await abort(transports)

    async def go_away(self) -> None:
        """Be gone by hand; does nothing while closed."""
        if self._availability is not None:
            self._availability.go(GoneReason.HAND)
            await self._availability.settled()

    async def come_back(self) -> None:
        """Be back by hand, unless the scenario has an outage just then."""
        if self._availability is not None:
            await self._availability.come_back(GoneReason.HAND)

    def look_afresh(self) -> None:
        """The emulation is another than before."""
        if self._outage_watch is not None:
            self._outage_watch.look_afresh()
        self.long_polls.look_around()

    @property
    def _is_gone(self) -> bool:
        return self._availability is None or self._availability.is_gone

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._is_gone:
            return await _deliver(request, ABORTED)
        call = resolve(request.method, request.raw_path)
        if isinstance(call, Response):
            return await _deliver(request, call)
        if call.interface is not Interface.SET_TALK_RIGHT:
            try:
                reply = await self._answer(call, request)
            except web.RequestPayloadError:
                reply = UNREADABLE
            return await _deliver(request, reply)
        # Wherever this waits, a snapshot may be restored: the counts are asked for each time.
        self._emulation.arrived()
        until = 0.0
        try:
            cookie = request.headers.get("Cookie")
            node = self.load_balancer.node_of_talk_right(_connection(request), cookie)
            step = self._emulation.set_talk_right(call, request.headers, node)
            if self._outage_watch is not None:
                self._outage_watch.look()
            if step.hold_seconds:
                until = self._clock() + step.hold_seconds
                await self._sleep(step.hold_seconds)
                until = 0.0
            if step.reply.retcode:
                self._emulation.traffic.answered(step.reply.retcode)
            return await _deliver(request, step.reply)
        finally:
            left_s = until - self._clock() if until else 0.0
            if left_s > 0.0 and not self._is_gone:
                self._abandoned.go_on(left_s)  # the client has hung up
            else:
                self._left()

    def _left(self) -> None:
        # Not bound to one state: a snapshot may be restored meanwhile.
        self._emulation.traffic.left()

    async def _answer(self, call: Call, request: web.BaseRequest) -> Response:
        """The answer of every interface but settalkright."""
        if not call.agent_id:  # the judges'
            return self._emulation.answer(call, request.headers)
        node = self.load_balancer.node_of(_connection(request), request.headers.get("Cookie"))
        if call.interface in SIGN_INS:
            return await self._sign_in(call, request, node)
        if call.interface is Interface.POLL:
            return await self._poll(call, request, node)
        body = await request.read() if call.interface is Interface.AGENTS_BY_SKILL else b""
        reply = self._emulation.answer(call, request.headers, node, body)
        # The agent that this was about may have a poll that waits for it.
        self.long_polls.look(call.argument or call.agent_id)
        return reply

    async def _sign_in(self, call: Call, request: web.BaseRequest, node: int) -> Response:
        body = await request.read()
        reply = self._emulation.sign_in(call, request.headers, body, node)
        self.long_polls.look(call.agent_id)
        if reply.retcode != ResultCode.SIGN_IN_UNDER_WAY:
            with self._emulation.holding_sign_in(call.agent_id) as seconds:
                if seconds:
                    await self._sleep(seconds)
        return reply

    async def _poll(self, call: Call, request: web.BaseRequest, node: int) -> Response:
        poll = self._emulation.poll(call, request.headers, node)
        if isinstance(poll, Response):
            return poll
        try:
            over = await self.long_polls.wait(poll)
        except asyncio.CancelledError:
            if poll.agent_id not in self.long_polls:
                self._emulation.leave_poll(poll)
            raise
        if over is PollEnd.REPLACED:
            # Nothing may get lost with it: events and GUIDs are for the poll that is still there.
            return poll_answer(poll.agent_id, None)
        return self._emulation.answer_poll(poll)


class _Server(web.Server):
    """aiohttp's server, which also says when a connection is gone.

    Args:
        handler: answers requests.
        gone: told of each connection that is gone.
        settings: aiohttp's.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        gone: Callable[[Hashable], None],
        **settings: Any,
    ) -> None:
        super().__init__(handler, **settings)
        self._gone = gone

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        """Pass it on."""
        self._gone(handler)
        super().connection_lost(handler, exc)


def _connection(request: web.BaseRequest) -> Hashable | None:
    """A key of the connection as long as there is one; None: its client is gone."""
    return None if request.transport is None else request.protocol


def _in_a_line(record: logging.LogRecord) -> bool:
    """Whether to log this; a request that is none has been answered with a 400."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, web.RequestPayloadError):
        return False
    if isinstance(error, http.HttpProcessingError):
        # By its name alone: its words quote what was sent, which may be a GUID.
        record.msg = "the emulated gateway was sent what is no HTTP request: %s"
        record.args = (type(error).__name__,)
        record.exc_info = None
    return True


_LOGGER = logging.getLogger("bulkagent.emulator")
_LOGGER.addFilter(_in_a_line)


def _transports(runner: web.ServerRunner) -> list[asyncio.WriteTransport]:
    connections = [] if runner.server is None else runner.server.connections
    return [each.transport for each in connections if each.transport is not None]


async def _deliver(request: web.BaseRequest, reply: Response) -> web.StreamResponse:
    """Send a reply as it wants to be sent, or leave the usual way of sending to aiohttp."""
    match reply.framing:
        case Framing.WHOLE:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        case Framing.CHUNKED:
            return await _in_chunks(request, reply)
        case Framing.TRUNCATED:
            return await _in_part(request, reply)
        case Framing.ABORTED:
            if request.transport is not None:
                request.transport.abort()
            # aiohttp wants a response, finds the connection gone, and lets the matter rest.
            return web.Response()


async def _in_chunks(request: web.BaseRequest, reply: Response) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    if request.version >= (1, 1):  # HTTP/1.0 has no chunks: the end of the connection ends it
        response.enable_chunked_encoding()
    await response.prepare(request)
    middle = len(reply.body) // 2
    await response.write(reply.body[:middle])
    await response.write(reply.body[middle:])
    return response


async def _in_part(request: web.BaseRequest, reply: Response) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()  # not abort: that would drop what was just written
    return response
