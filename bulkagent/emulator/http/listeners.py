"""Listeners: the listening sockets, which can be shut and opened again at the same place."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable

from bulkagent.emulator.http.sockets import BACKLOG, keep_place


class Listeners:
    """Where clients come in; shut at first.

    Args:
        sockets: bound sockets, which are closed with the listeners.
        protocol: makes the protocol object of one connection.
        context: TLS.
    """

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        protocol: Callable[[], asyncio.BaseProtocol],
        context: ssl.SSLContext,
    ) -> None:
        self._places = list(sockets)
        self._protocol = protocol
        self._context = context
        self._servers: list[asyncio.Server] = []
        self._shutting: asyncio.Handle | None = None

    def __repr__(self) -> str:
        return f"<Listeners: {'open' if self._servers and not self._shutting else 'shut'}>"

    async def open(self) -> None:
        """Listen; where that was cut short, go on with it."""
        await self.settled()
        while self._places:
            # Nothing is waited for before the server is noted, so that none is ever lost.
            server = await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=self._places.pop(),
                ssl=self._context,
                backlog=BACKLOG,
                start_serving=False,
            )
            self._servers.append(server)
        while idle := [server for server in self._servers if not server.is_serving()]:
            await idle[0].start_serving()

    def shut(self) -> None:
        """Let nobody in from now on; a moment later, every attempt to connect is refused.

        asyncio fails on clients that it has accepted and not yet given a transport when their
        server closes, and leaks their sockets. They get theirs before the close.
        """
        if self._shutting is not None or not self._servers:
            return
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listener in server.sockets:
                loop.remove_reader(listener.fileno())
        self._shutting = loop.call_soon(self._close)

    async def settled(self) -> None:
        """Wait for the end of a `shut`."""
        while self._shutting is not None:  # noqa: ASYNC110 - a turn or two of the loop
            await asyncio.sleep(0)

    async def leave(self) -> None:
        """Shut for good."""
        self.shut()
        await self.settled()
        while self._places:
            self._places.pop().close()

    def _close(self) -> None:
        self._shutting = None
        servers, self._servers = self._servers, []
        places = [
            (listener.family, listener.getsockname())
            for server in servers
            for listener in server.sockets
        ]
        for server in servers:
            server.close()
        self._places += [keep_place(*place) for place in places]
