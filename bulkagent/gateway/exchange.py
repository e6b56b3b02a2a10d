"""One exchange on its connection: the request as it is written, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

import aiohttp
from aiohttp.connector import Connection
from multidict import CIMultiDictProxy
from yarl import URL

from bulkagent.gateway.connection import HttpConnection
from bulkagent.gateway.exchange_faults import ExchangeFailed, describe, fault_of
from bulkagent.gateway.faults import Fault
from bulkagent.gateway.handshakes import refusal_in

_EARLY = "the connection ended, or something came on it, before the request"
OUT_OF_STEP = "a reply came on the connection that belongs to no request"


class Reply(NamedTuple):
    """A reply that came whole, or its beginning where it is longer than any reply may be."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    """As plain bytes, also where it came compressed."""


class Exchange:
    """An exchange, as the connection that it comes to has to know it."""

    __slots__ = ("connection", "name")

    def __init__(self, name: int | None) -> None:
        self.name = name
        self.connection: HttpConnection | None = None

    def failure(self, error: BaseException) -> ExchangeFailed:
        """What it failed with, as the table of faults knows it.

        Raises:
            BaseException: The error, where the table does not know it.
        """
        fault, words = fault_of(error)
        sent = self.connection is not None and self.connection.requests > 0
        since_s = self.connection.since_s if self.connection is not None and sent else None
        if self.connection is not None and sent and self.connection.out_of_step:
            return ExchangeFailed(Fault.OUT_OF_STEP, OUT_OF_STEP, since_sent_s=since_s)
        refusal = self.refusal if fault is Fault.RESET else ""
        if refusal:
            return ExchangeFailed(Fault.TLS, refusal)
        return ExchangeFailed(fault, words or describe(error), since_sent_s=since_s)

    @property
    def refusal(self) -> str:
        """What the other side refused the connection with, before it read a request; or ""."""
        connection = self.connection
        if connection is None or connection.requests > 1:
            return ""
        return refusal_in(connection.lost)


# The library makes a request out of copies, so nothing else reaches from one end to the other.
EXCHANGE: ContextVar[Exchange] = ContextVar("bulkagent_exchange")


class Unusable(aiohttp.ClientConnectionError):
    """The connection is of no use any more, and nothing was sent on it."""


async def let_read() -> None:
    """Let what lies in the sockets be read: it is seen in one turn of the loop, and read after."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


class PlainRequest(aiohttp.ClientRequest):
    """A request with the interface's headers alone, and without the cost of skipping others."""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add none."""

    def like(self, url: URL, headers: Mapping[str, str]) -> Self:
        """One like this, which is not sent itself, for another path, with further headers."""
        request = object.__new__(type(self))
        request.__dict__.update(self.__dict__)
        request.url = request.original_url = url
        request.headers = self.headers.copy()
        request.headers.update(headers)
        return request

    def send(self, conn: Connection) -> Coroutine[Any, Any, aiohttp.ClientResponse]:
        """Send it, unless something lies on the connection, which is to no request of ours.

        aiohttp looks at this when a connection goes back to its pool, but not when it comes out;
        an earlier agent's late "0" would then pass for this agent's.
        """
        connection = conn.protocol
        if not isinstance(connection, HttpConnection):
            return super().send(conn)
        exchange = EXCHANGE.get()
        exchange.connection = connection
        if connection.unread or connection.unusable:
            return self._send_after_a_look(conn, connection, exchange.name)
        connection.begin(exchange.name)
        return super().send(conn)

    async def _send_after_a_look(
        self, conn: Connection, connection: HttpConnection, name: int | None
    ) -> aiohttp.ClientResponse:
        await let_read()
        if connection.unusable:
            connection.look()
            if connection.requests:
                raise Unusable
            await connection.ended()
            raise aiohttp.ClientConnectionError(_EARLY)
        connection.begin(name)
        return await super().send(conn)


async def read_body(response: aiohttp.ClientResponse, longest: int) -> bytes:
    """The body, or its first bytes beyond the limit where it is too long to be a reply."""
    content = response.content
    body = b""
    try:
        if content.is_eof() and content.total_bytes <= longest:
            return content.read_nowait()  # it came with its head, as a short one does
        while not content.at_eof():
            chunk = await content.readany()
            body = body + chunk if body else chunk
            if len(body) > longest:
                break
        else:
            return body
    except BaseException:
        response.close()
        raise
    # The rest would have to be read to use the connection again, so it is closed instead.
    response.close()
    return body
