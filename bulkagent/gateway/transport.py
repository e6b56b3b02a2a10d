"""Exchanges over HTTPS: a request out; a whole reply, or a fault by its name, back.

Redirects are not followed, for they would carry credentials to another host; cookies are not
kept, for they belong to single agents and not to connections.
"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from types import FunctionType, SimpleNamespace, TracebackType
from typing import Self

import aiohttp
from yarl import URL

from bulkagent.gateway.connection_pool import ConnectionPool
from bulkagent.gateway.encodings import ASKED_FOR, made_plain
from bulkagent.gateway.exchange import (
    EXCHANGE,
    OUT_OF_STEP,
    Exchange,
    PlainRequest,
    Reply,
    Unusable,
    let_read,
    read_body,
)
from bulkagent.gateway.exchange_faults import RAISED, ExchangeFailed, describe, fault_of
from bulkagent.gateway.faults import Fault
from bulkagent.gateway.reply import MAX_REPLY_BYTES
from bulkagent.gateway.timeouts import Deadline, Deadlines

_READ_BYTES = 65_536


class HttpTransport:
    """Keep-alive connections, any number of exchanges at once.

    Args:
        tls: How certificates are judged.
        server_name: The name to expect in the certificate; "" for the address's.
        connect_timeout_s: For name, connection and TLS handshake together.
        timeout_s: For a whole exchange; longer than `connect_timeout_s`, so that the end of
            this one alone never leaves open whether the request was sent.
        once: For what must not be repeated. Each exchange has a fresh connection, for a dead
            keep-alive would leave open whether it was sent, and aiohttp is kept from sending
            idempotent methods such as PUT a second time by itself.
        opening_at_once: Of the exchanges `in_turn`, so many may be making connections at the same
            time. A request that waits for that has not begun, so no timeout runs. 0: none is.
        longest: Of a body with more bytes, as it came or unpacked, only the beginning is read, a
            little more than these.
        out_of_step: Called with the names of all requests on a connection, when a reply has come
            on it that belongs to none: each may have got the answer of another.
        wary: Whether each connection carries one request alone once a reply has come that belongs
            to none; else only that connection is given up.
        singly: Whether each does from the beginning.
    """

    def __init__(
        self,
        tls: ssl.SSLContext,
        *,
        server_name: str = "",
        connect_timeout_s: float,
        timeout_s: float,
        once: bool = False,
        opening_at_once: int = 0,
        longest: int = MAX_REPLY_BYTES,
        out_of_step: Callable[[tuple[int, ...]], None] = lambda _names: None,
        wary: bool = False,
        singly: bool = False,
    ) -> None:
        self._tls = tls
        self._longest = longest
        self._server_name = server_name or None
        self._once = once
        self._places = asyncio.Semaphore(opening_at_once)
        self._turns = opening_at_once > 0
        self._deadlines = Deadlines(timeout_s)
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=connect_timeout_s,
            # Longer ones would be rounded up to the same full second and could end together.
            ceil_threshold=math.inf,
        )
        self._timeout_s = timeout_s
        self._wary = wary
        self._singly = singly
        self.out_of_step = out_of_step
        """Called with the names of all requests on a connection that is out of step."""
        self._pool: ConnectionPool | None = None
        self._session: aiohttp.ClientSession | None = None
        self._models: dict[tuple[str, str], PlainRequest] = {}
        self._plainly = False

    @property
    def singly(self) -> bool:
        """Whether each connection carries one request alone."""
        return self._pool.singly if self._pool is not None else self._singly

    async def __aenter__(self) -> Self:
        self._pool = ConnectionPool(
            found=self._found,
            wary=self._wary,
            singly=self._singly,
            timeout_s=self._timeout_s,
            # The bulkhead has a bound of its own; a second one here would queue unseen.
            limit=0,
            ssl=self._tls,
            force_close=self._once,
        )
        self._session = aiohttp.ClientSession(
            trace_configs=[_letting_the_next_open()] if self._turns else None,
            connector=self._pool,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            # A compressed reply could be small on the wire and large in memory: `made_plain`.
            auto_decompress=False,
            request_class=PlainRequest,
            trust_env=False,
            middlewares=(_sent_once,) if self._once else (),
        )
        # A test that cans replies or watches requests puts its own there, which is kept.
        self._plainly = _is_the_librarys() and not (self._once or self._session.trace_configs)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None and self._pool is not None:
            self._pool.retire_all()
            await self._session.close()
            self._session = None
            self._models.clear()
        self._deadlines.close()

    def _found(self, names: tuple[int, ...]) -> None:
        self.out_of_step(names)

    async def await_strays(self) -> None:
        """Wait for what may still come on connections that carry no request any more."""
        if self._pool is None:
            return
        loop = asyncio.get_running_loop()
        while resting := [connection for connection in self._pool.resting() if connection.requests]:
            wait_s = max(map(self._pool.due, resting)) - loop.time()
            if wait_s <= 0.0:
                break
            await asyncio.sleep(wait_s)
        await let_read()
        for connection in list(self._pool.resting()):
            connection.look()

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
        """Send one request, with these headers and Host, Content-Length and Accept-Encoding.

        Args:
            method: The method.
            url: Where to.
            headers: All headers.
            body: The body.
            in_turn: Whether to wait for a place first; for an exchange that comes with many others
                and will have to make a connection.
            name: What `out_of_step` calls it.
            overdue: Called when the time for it has passed; it is then read on for as long again.
                None: it is over.

        Raises:
            ExchangeFailed: No whole reply came.
        """
        pool = self._pool
        if self._session is None or pool is None:
            raise RuntimeError("nothing is exchanged but within the `async with`")
        if pool.crowded:
            await pool.room()
        place = await _Place.taken(self._places) if in_turn else None
        exchange = Exchange(name)
        EXCHANGE.set(exchange)
        try:
            with Deadline(self._deadlines, overdue):
                while True:
                    try:
                        response = await self._sending(method, url, headers, body, place)
                    except Unusable:
                        exchange.connection = None
                        continue  # nothing was sent; there is one fewer of these now
                    break
                content = await read_body(response, self._longest)
            connection = exchange.connection
            if connection is not None:
                pool.longest_s = max(pool.longest_s, connection.took_s)
                connection.answered(response.status, content)
                if connection.out_of_step:
                    raise ExchangeFailed(Fault.OUT_OF_STEP, OUT_OF_STEP)
            replied = response.headers
            if "Content-Encoding" in replied and len(content) <= self._longest:
                content = made_plain(content, replied.getall("Content-Encoding"), self._longest)
            return Reply(response.status, replied, content)
        except RAISED as error:
            raise exchange.failure(error) from error
        finally:
            if place is not None:
                place.leave()

    def _sending(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        body: bytes | None,
        place: _Place | None,
    ) -> Awaitable[aiohttp.ClientResponse]:
        session, pool = self._session, self._pool
        if session is None or pool is None:
            raise RuntimeError("nothing is exchanged but within the `async with`")
        # Others than POST the library repeats by itself where a kept connection has died.
        if method == "POST" and body is None and place is None and self._plainly:
            return self._post(session, pool, url, headers)
        return session.request(
            method,
            url,
            headers=_headers(headers),
            data=body,
            allow_redirects=False,
            server_hostname=self._server_name,
            trace_request_ctx=place,
        )

    async def _post(
        self,
        session: aiohttp.ClientSession,
        pool: ConnectionPool,
        url: URL,
        headers: Mapping[str, str],
    ) -> aiohttp.ClientResponse:
        """Send a POST without a body, as `ClientSession.request` does it.

        That looks in each for what none has here, such as cookies and redirects, and makes each
        anew where all are alike but for path and headers: a tenth of a request.
        """
        kind = (url.scheme, url.raw_authority)
        model = self._models.get(kind)
        if model is None:
            model = self._models[kind] = PlainRequest(
                *("POST", url),
                headers=_headers({}),
                loop=asyncio.get_running_loop(),
                session=session,
                server_hostname=self._server_name,
            )
        request = model.like(url, headers)
        try:
            connection = await pool.connect(request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        try:
            if connection.protocol is not None:
                connection.protocol.set_response_params(
                    read_until_eof=True, auto_decompress=False, read_bufsize=_READ_BYTES
                )
            response = await request.send(connection)
            try:
                return await response.start(connection)
            except BaseException:
                response.close()
                raise
        except BaseException:
            connection.close()
            raise


def _is_the_librarys() -> bool:
    """Whether the library's method by which requests leave is the one that it came with.

    What replaces it may have been there before this module was imported, and may pass on each
    question about itself to what it wraps. A library without its sources knows no file of them.
    """
    request = vars(aiohttp.ClientSession)["_request"]
    return type(request) is FunctionType and request.__globals__ is vars(aiohttp.client)


def _headers(own: Mapping[str, str]) -> dict[str, str]:
    name, value = ASKED_FOR
    return {name: value, **own}


async def _sent_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Turn what aiohttp would answer with a second try into what it passes on."""
    try:
        return await handler(request)
    except RAISED as error:
        fault, words = fault_of(error)
        raise ExchangeFailed(fault, words or describe(error)) from error


class _Place:
    """The right of one exchange to open a connection, until it has one."""

    __slots__ = ("_places",)

    def __init__(self, places: asyncio.Semaphore) -> None:
        self._places: asyncio.Semaphore | None = places

    @classmethod
    async def taken(cls, places: asyncio.Semaphore) -> Self:
        await places.acquire()
        return cls(places)

    def leave(self) -> None:
        if self._places is not None:
            self._places.release()
            self._places = None


def _letting_the_next_open() -> aiohttp.TraceConfig:
    async def leave(_session: object, context: SimpleNamespace, _params: object) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.leave()

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(leave)
    tracing.on_connection_reuseconn.append(leave)
    return tracing
