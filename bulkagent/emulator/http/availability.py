"""Availability: whether the gateway is there for its clients."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Iterable

from bulkagent.emulator.http.listeners import Listeners


class GoneReason(enum.Enum):
    """The reasons for which the gateway is gone; it is back when there is none any more."""

    HAND = enum.auto()
    SCENARIO = enum.auto()


class Availability:
    """There at first.

    Args:
        listeners: where clients come in.
        connections: those that there are.
        lose: ends the requests of clients that have hung up.
    """

    def __init__(
        self,
        listeners: Listeners,
        connections: Callable[[], Iterable[asyncio.WriteTransport]],
        lose: Callable[[], None],
    ) -> None:
        self._listeners = listeners
        self._connections = connections
        self._lose = lose
        self._gone: set[GoneReason] = set()

    def __repr__(self) -> str:
        return f"<Availability: {self._listeners!r}, gone by {self._gone or 'nobody'}>"

    @property
    def is_gone(self) -> bool:
        """Whether nobody shall get an answer, over whichever connection."""
        return bool(self._gone)

    def go(self, by: GoneReason) -> None:
        """Reset all connections, and refuse new ones from the next turn of the loop on."""
        self._gone.add(by)
        self._listeners.shut()
        for transport in self._connections():
            transport.abort()
        self._lose()

    async def settled(self) -> None:
        """Wait until a `go` is done."""
        await self._listeners.settled()

    async def come_back(self, by: GoneReason) -> None:
        """Listen again, unless somebody else has it gone; where that was cut short, go on."""
        self._gone.discard(by)
        if self._gone:
            return
        # Those whose handshake was under way when it went: they belong to the time before.
        await abort(self._connections())
        await self._listeners.open()

    async def leave(self) -> None:
        """Let nobody in any more; connections stay for the time being."""
        await self._listeners.leave()


async def abort(transports: Iterable[asyncio.WriteTransport]) -> None:
    """Reset connections, and wait until their sockets are closed."""
    for transport in transports:
        transport.abort()
    for _ in range(2):  # a turn of the loop for TLS to let go, one for the socket to close
        await asyncio.sleep(0)
