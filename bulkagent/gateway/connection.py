"""One connection of the HTTP library, which sees what arrives on it and belongs to no request.

No reply names the agent that it is about, and HTTP goes by order alone. So a gateway that sends one
reply too many answers every later request on that connection with what belongs to the one before:
whatever arrives while no request is under way says that none of its answers can be relied on.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from array import array
from collections.abc import Callable

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError

# Servers and balancers that tire of an idle connection may say so (RFC 9110 section 15.5.9).
_REQUEST_TIMEOUT = 408
_TIMEOUT_LINES = (b"HTTP/1.1 408", b"HTTP/1.0 408")
_KEPT_BYTES = 64
_AFTER_CLOSE = "Data after `Connection: close`"  # the HTTP library's words


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
