"""Connections of the HTTP library that see what arrives on them and belongs to no request.

What may live here: what came on one connection, which requests it has carried, and how long it is
read. What this room must not know: what requests are for, and what follows from a reply too many.

No reply names the agent that it is about, and HTTP goes by order alone. So a gateway that sends one
reply too many answers every later request on that connection with what belongs to the one before:
whatever arrives while no request is under way says that none of its answers can be relied on.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import select
from array import array
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey

__all__ = ["MOST_READ_ON", "MOST_REQUESTS", "ConnectionPool", "HttpConnection", "read_on_s"]

MOST_REQUESTS = 1_000
"""So many requests a connection carries: each is remembered until it is given up."""

MOST_READ_ON = 256
"""So many connections are read on at once: each is an open file here and at the gateway."""

_LEAST_S = 0.1
_LEAST_AT_UNSOUND_S = 1.0

# Servers and balancers that tire of an idle connection may say so (RFC 9110 section 15.5.9).
_REQUEST_TIMEOUT = 408
_TIMEOUT_LINES = (b"HTTP/1.1 408", b"HTTP/1.0 408")
_KEPT_BYTES = 64
_AFTER_CLOSE = "Data after `Connection: close`"  # the HTTP library's words


def read_on_s(longest_s: float, timeout_s: float, *, unsound: bool) -> float:
    """For how long after its latest reply a connection is read on, in seconds.

    If that reply was a stray one, the request's own is still to come, as late as any answer. How
    late that is only answers tell, and at a gateway that sends strays these may be strays.

    Args:
        longest_s: What the longest answer took until now.
        timeout_s: That of a request.
        unsound: Whether the gateway is known to send replies too many.
    """
    least_s = min(_LEAST_AT_UNSOUND_S, timeout_s) if unsound else 0.0
    return max(least_s, longest_s + _LEAST_S)


class HttpConnection(ResponseHandler):
    """One connection.

    Args:
        loop: The loop.
        found: Called once when a reply has come that belongs to no request.
        singly: Asked whether each connection carries one request alone.
        gone: Called when it has ended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        found: Callable[[HttpConnection], None],
        singly: Callable[[], bool] = lambda: False,
        gone: Callable[[HttpConnection], None] = lambda _channel: None,
    ) -> None:
        super().__init__(loop)
        self.requests = 0
        """How many it has carried."""
        self.tags = array("q")
        """What they were called, those that had a name."""
        self.out_of_step = False
        """Whether a reply has come that belongs to no request."""
        self.lost: BaseException | None = None
        """Why it has ended, where that was no polite end."""
        self.took_s = 0.0
        """For how long the latest request was under way, in seconds."""
        self.rested_at = 0.0
        """Since when no request is under way, by the loop's clock."""
        self._found = found
        self._singly = singly
        self._gone = gone
        self._alone = False
        self._answer: tuple[int, bytes] | None = None
        self._more: list[tuple[int, bytes]] = []  # replies beside the only one that belongs
        self._idle = True
        self._stray = b""
        self._began = 0.0
        self._lying: Callable[[float], object] | None = None

    @property
    def unusable(self) -> bool:
        """Whether anything has arrived that belongs to no request, or it has ended."""
        return bool(self._stray or self.should_close or not self.is_connected())

    @property
    def unread(self) -> bool:
        """Whether anything lies in the socket that the loop has not read yet, its end included.

        The kernel is asked, which costs a tenth of the turns in which a loop would read.
        """
        return self._lying is None or bool(self._lying(0.0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        super().connection_made(transport)
        socket = transport.get_extra_info("socket")
        # Windows has none, and what its loop reads lies in no socket.
        if socket is not None and socket.fileno() >= 0 and hasattr(select, "poll"):
            poll = select.poll()
            poll.register(socket.fileno(), select.POLLIN)
            self._lying = poll.poll

    @property
    def readable(self) -> bool:
        """Whether what comes on it from now on can be read and judged."""
        return self.is_connected() and self._exception is None and not self._upgraded

    @property
    def since_s(self) -> float:
        """How long ago the latest request began, in seconds."""
        return self._loop.time() - self._began

    async def ended(self) -> None:
        """Wait for the end of one that is ending, which says why."""
        closed = self.closed
        if closed is not None and self.transport is not None and self.transport.is_closing():
            with contextlib.suppress(aiohttp.ClientError):
                await closed

    def begin(self, tag: int | None) -> None:
        """A request is about to be written."""
        self._alone = not self.requests and self._singly()
        self._idle = False
        self._began = self._loop.time()
        self.requests += 1
        if tag is not None:
            self.tags.append(tag)

    def rest(self) -> None:
        """The reply has come whole, or the request was given up."""
        self._idle = True
        self.rested_at = self._loop.time()
        self.took_s = self.rested_at - self._began
        if self._alone or self._buffer or self._stray:
            self._judge()

    def answered(self, status: int, body: bytes) -> None:
        """The latest request got this reply.

        Where it was the only one, another reply of the same words is no matter: one of the two is
        its own. Where they differ, nobody knows which.
        """
        if self._alone:
            self._answer = (status, body)
            if self._idle:
                self._judge()

    def read_past_close(self) -> None:
        """Read what comes after a reply that was to be the last, which no parser does by itself."""
        if self._should_close:
            self.set_response_params(read_until_eof=True, auto_decompress=False)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived."""
        if not self._idle or not data:
            super().data_received(data)
            if data and self._exception is not None:
                self._judge_garbage()
            return
        self._stray = (self._stray + data)[:_KEPT_BYTES]
        super().data_received(data)
        self._judge()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended."""
        self.lost = exc
        if self._idle:
            self._judge(whole=True)
        super().connection_lost(exc)
        self._gone(self)

    def look(self) -> None:
        """Judge what has arrived until now, be it the beginning of something alone."""
        if self._idle:
            self._judge(whole=True)

    def _judge(self, *, whole: bool = False) -> None:
        if not self.out_of_step and self._is_extra(whole=whole):
            self._doubt()

    def _judge_garbage(self) -> None:
        # Behind a reply that was to be the last, in the same breath: the parser gives up both.
        error = self._exception
        if self.out_of_step or not isinstance(error, HttpProcessingError):
            return
        if self._idle or _AFTER_CLOSE in error.message:
            self._doubt()

    def _doubt(self) -> None:
        self.out_of_step = True
        self._found(self)

    def _is_extra(self, *, whole: bool) -> bool:
        if self._alone:
            differs = self._differs(whole=whole)
            if differs is not None:
                return differs
        messages = [message for (message, _), _ in self._buffer]
        if messages:
            last = messages[-1]
            return len(messages) > 1 or last.code != _REQUEST_TIMEOUT or not last.should_close
        if isinstance(self._exception, HttpProcessingError) and self._stray:
            return True
        # Empty lines between two messages are nothing (RFC 9112 section 2.2).
        begun = bool(self._stray.strip(b"\r\n") or self._tail)
        return whole and begun and not self._stray.lstrip(b"\r\n").startswith(_TIMEOUT_LINES)

    def _differs(self, *, whole: bool) -> bool | None:
        """Whether what came beside the answer to the only request says anything else.

        None: no reply has come beside it.
        """
        if self._answer is None:
            return False  # it is looked at when the answer has been read
        while self._buffer:
            (message, payload), _ = self._buffer[0]
            if not payload.is_eof():
                return whole
            self._buffer.popleft()
            if message.code != _REQUEST_TIMEOUT or not message.should_close:
                self._more.append((message.code, payload.read_nowait()))
        return any(more != self._answer for more in self._more) if self._more else None


class ConnectionPool(aiohttp.TCPConnector):
    """Makes channels, and keeps them for the next request, or to be read on.

    Args:
        found: Called with the requests' names on a connection on which a reply has come that
            belongs to no request.
        wary: Whether each connection carries one request alone from then on.
        singly: Whether that is so from the beginning.
        timeout_s: That of a request.
        options: Those of the HTTP library.
    """

    def __init__(
        self,
        *,
        found: Callable[[tuple[int, ...]], None],
        wary: bool = False,
        singly: bool = False,
        timeout_s: float,
        **options: object,
    ) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.singly = singly
        """Whether each connection carries one request alone."""
        self.longest_s = 0.0
        """What the longest answer took until now, in seconds."""
        self._told = found
        self._wary = wary
        self._timeout_s = timeout_s
        make = functools.partial(
            HttpConnection,
            asyncio.get_running_loop(),
            self._found,
            lambda: self.singly,
            self._leave,
        )
        self._factory = make  # type: ignore[assignment]
        self._retired: dict[HttpConnection, tuple[ConnectionKey, asyncio.TimerHandle]] = {}
        self._left = asyncio.Event()

    @property
    def crowded(self) -> bool:
        """Whether so many are read on that one more has to wait for it.

        Only where no answer can be relied on: elsewhere the eldest makes room.
        """
        return self.singly and len(self._retired) >= MOST_READ_ON

    async def room(self) -> None:
        """Wait until it is crowded no more."""
        while self.crowded:
            self._left.clear()
            await self._left.wait()

    def due(self, connection: HttpConnection) -> float:
        """Until when one is read on that rests, by the loop's clock, as far as is known now."""
        return connection.rested_at + read_on_s(
            self.longest_s, self._timeout_s, unsound=self.singly
        )

    def resting(self) -> Iterator[HttpConnection]:
        """Those on which no request is under way."""
        for waiting in self._conns.values():
            for connection, _ in waiting:
                if isinstance(connection, HttpConnection):
                    yield connection
        yield from self._retired

    def retire_all(self) -> None:
        """Leave none of those for later, so that all are closed together."""
        for connection, (key, timer) in self._retired.items():
            timer.cancel()
            self._conns[key].append((connection, 0.0))
        self._retired.clear()

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        if isinstance(protocol, HttpConnection) and not self._closed:
            protocol.rest()
            if not should_close and self._is_last(protocol) and protocol.readable:
                protocol.read_past_close()
                self._release_acquired(key, protocol)
                self._retire(key, protocol)
                return
        super()._release(key, protocol, should_close=should_close)

    def _is_last(self, connection: HttpConnection) -> bool:
        """Whether it carries no more requests, and what comes on it still says something."""
        if connection.should_close:
            return self._wary
        return self.singly or connection.requests >= MOST_REQUESTS

    def _retire(self, key: ConnectionKey, connection: HttpConnection) -> None:
        if not self.singly and len(self._retired) >= MOST_READ_ON:
            self._let_go(next(iter(self._retired)))
        self._retired[connection] = (key, self._timer(connection))

    def _timer(self, connection: HttpConnection) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_at(self.due(connection), self._pass, connection)

    def _pass(self, connection: HttpConnection) -> None:
        key, timer = self._retired[connection]
        if self.due(connection) > timer.when():
            self._retired[connection] = (
                key,
                self._timer(connection),
            )  # longer answers have come since
        else:
            self._let_go(connection)

    def _let_go(self, connection: HttpConnection) -> None:
        self._leave(connection)
        connection.look()
        connection.close()

    def _leave(self, connection: HttpConnection) -> None:
        kept = self._retired.pop(connection, None)
        if kept is not None:
            kept[1].cancel()
            self._left.set()

    def _found(self, connection: HttpConnection) -> None:
        # It may be the true reply, which says how late that may be.
        if connection.since_s <= self._timeout_s:
            self.longest_s = max(self.longest_s, connection.since_s)
        if self._wary and not self.singly:
            self.singly = True
            # Those that wait may be out of step as well, which will show.
            for key, waiting in self._conns.items():
                for other, _ in waiting:
                    if isinstance(other, HttpConnection) and other is not connection:
                        other.rested_at = asyncio.get_running_loop().time()
                        self._retire(key, other)
            self._conns.clear()
        self._leave(connection)
        connection.close()
        self._told(tuple(connection.tags))
