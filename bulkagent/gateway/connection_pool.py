"""The connections to one gateway: kept for the next request, or read on when they carry no more."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_proto import ResponseHandler

from bulkagent.gateway.connection import HttpConnection

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey

MOST_REQUESTS = 1_000
"""So many requests a connection carries: each is remembered until it is given up."""

MOST_READ_ON = 256
"""So many connections are read on at once: each is an open file here and at the gateway."""

_LEAST_S = 0.1
_LEAST_AT_UNSOUND_S = 1.0


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
