"""The product's network, without sockets: transports that speak to the simulated servers."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from yarl import URL

from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange import OUT_OF_STEP, Reply
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import Fault
from bulkagent.gateway.reply import MAX_REPLY_BYTES
from bulkagent.gateway.timeouts import Deadline, Deadlines
from tests.simulation.surroundings.connections import Connection, Pool
from tests.simulation.surroundings.gateways import Gateways
from tests.simulation.surroundings.interface import Sent
from tests.simulation.surroundings.server import Request, Server
from tests.simulation.world import EPOCH_MS, FaultKind

_EXPIRES_MS = EPOCH_MS + 90 * 24 * 3_600_000
_LATE = "no complete reply in time"
_ROUNDS = 4
"""A connection over TLS takes two round trips, so a quarter of that is one way."""


class _Refused(NamedTuple):
    """How it shows that there is no connection."""

    fault: Fault
    words: str
    error: Callable[[], OSError]
    """The same, as a socket says it."""


def _no_handshake() -> ssl.SSLError:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


_REFUSED: Mapping[FaultKind, _Refused] = {
    FaultKind.REFUSED: _Refused(
        Fault.REFUSED,
        "connection refused",
        lambda: ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    ),
    FaultKind.NO_NAME: _Refused(
        Fault.DNS,
        "Temporary failure in name resolution",
        lambda: socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    ),
    FaultKind.TLS: _Refused(
        Fault.TLS,
        "TLS: WRONG_VERSION_NUMBER",
        _no_handshake,
    ),
}


class SimulatedNetwork:
    """The network of one process.

    Args:
        gateways: All that can be spoken to.
        process: The number of the process.
    """

    def __init__(self, gateways: Gateways, process: int) -> None:
        self._gateways = gateways
        self._process = process

    def trust(self, endpoint: Endpoint, *, ca_option: str = "--ca-file") -> SimulatedTrust:
        """Trust it, as every server is."""
        del ca_option
        return SimulatedTrust(self._gateways, self._process, endpoint)


class SimulatedTrust:
    """How one process trusts one other side, as the product's `Trust` has it.

    Args:
        gateways: All that can be spoken to.
        process: The number of the process.
        endpoint: The other side.
    """

    def __init__(self, gateways: Gateways, process: int, endpoint: Endpoint) -> None:
        self._gateways = gateways
        self._process = process
        self._endpoint = endpoint

    def transport(
        self,
        *,
        connect_timeout_s: float,
        timeout_s: float,
        once: bool = False,
        opening_at_once: int = 0,
        longest: int = MAX_REPLY_BYTES,
        out_of_step: Callable[[tuple[int, ...]], None] = lambda _names: None,
        wary: bool = False,
        singly: bool = False,
    ) -> SimulatedTransport:
        """Make a transport."""
        del longest  # no reply is long
        return SimulatedTransport(
            self._gateways,
            self._process,
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
            once=once,
            opening_at_once=opening_at_once,
            out_of_step=out_of_step,
            wary=wary,
            singly=singly,
        )

    async def connect(self) -> int | None:
        """Connect once."""
        server = self._gateways.server(urlsplit(self._endpoint.url).hostname or "")
        request = server.knock(self._process)
        trouble = server.connecting(request)
        if trouble is FaultKind.BLACKHOLE:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(request.connect_s)
        if trouble is not None:
            raise _REFUSED[trouble].error()
        return _EXPIRES_MS


class SimulatedTransport:
    """Exchanges with simulated servers, as the product's `Transport` has it.

    Args:
        gateways: All that can be spoken to.
        process: The number of the process.
        options: As of `Trust.transport`.
    """

    def __init__(
        self,
        gateways: Gateways,
        process: int,
        *,
        connect_timeout_s: float,
        timeout_s: float,
        once: bool,
        opening_at_once: int,
        out_of_step: Callable[[tuple[int, ...]], None],
        wary: bool,
        singly: bool,
    ) -> None:
        self._out_of_step = out_of_step
        self._gateways = gateways
        self._process = process
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._deadlines = Deadlines(timeout_s)
        self._once = once
        self._wary = wary
        self._singly = singly
        self._turns = asyncio.Semaphore(opening_at_once) if opening_at_once else None
        self._pool: Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = Pool(
            timeout_s=self._timeout_s,
            wary=self._wary,
            singly=self._singly,
            tell=self._out_of_step,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        self._deadlines.close()

    @property
    def singly(self) -> bool:
        """Whether each connection carries one request alone."""
        return self._pool.singly if self._pool is not None else self._singly

    async def await_strays(self) -> None:
        """Wait for what may still come on connections that carry no request any more."""
        if self._pool is not None:
            await self._pool.rest()

    async def exchange(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        in_turn: bool = False,
        name: int | None = None,
        overdue: Callable[[], None] | None = None,
    ) -> Reply:
        """Send one request."""
        pool = self._pool
        if pool is None:
            raise RuntimeError("nothing is exchanged but within the `async with`")
        sent = Sent(method, url.host or "", url.raw_path, url.raw_query_string, headers, body)
        server, request = self._gateways.request(sent, self._process)
        turns = self._turns if in_turn else None
        if turns is not None:
            await turns.acquire()
        connection: Connection | None = None
        try:
            with Deadline(self._deadlines, overdue):
                try:
                    connection = await self._connection(pool, sent.host, server, request)
                finally:
                    if turns is not None:
                        turns.release()
                reply = await self._reply(connection, server, request, name)
        except TimeoutError as error:
            raise ExchangeFailed(
                Fault.READ_TIMEOUT, _LATE, since_sent_s=_since_s(connection)
            ) from error
        except ExchangeFailed as failed:
            failed.since_sent_s = _since_s(connection)
            raise
        if self._once:
            connection.closed = True
        pool.release(connection)
        if connection.out_of_step:
            raise ExchangeFailed(Fault.OUT_OF_STEP, OUT_OF_STEP)
        return reply

    async def _connection(
        self, pool: Pool, host: str, server: Server, request: Request
    ) -> Connection:
        trouble = server.connecting(request)
        # A server that has gone has closed what was kept; a network that has lets it stand.
        kept = None if self._once else pool.take(host)
        if kept is not None:
            if trouble is not FaultKind.REFUSED:
                return kept
            kept.closed = True
        takes_s = request.connect_s
        if trouble is FaultKind.BLACKHOLE or takes_s >= self._connect_timeout_s:
            await asyncio.sleep(self._connect_timeout_s)
            raise ExchangeFailed(Fault.CONNECT_TIMEOUT, "no connection in time")
        await asyncio.sleep(takes_s)
        if trouble is not None:
            raise ExchangeFailed(_REFUSED[trouble].fault, _REFUSED[trouble].words)
        return Connection(pool, host, takes_s / _ROUNDS)

    async def _reply(
        self, connection: Connection, server: Server, request: Request, name: int | None
    ) -> Reply:
        reply = connection.begin(name)
        if server.connecting(request) is not FaultKind.BLACKHOLE:
            server.sent(request, connection, connection.way_s)
        try:
            return await reply
        except BaseException:
            connection.closed = True
            raise


def _since_s(connection: Connection | None) -> float | None:
    if connection is None or not connection.requests:
        return None
    return asyncio.get_running_loop().time() - connection.began_at
