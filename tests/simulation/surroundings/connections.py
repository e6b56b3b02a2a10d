"""Connections of one process to one server, as a client has them: kept, read on, out of step.

Like the product's own, but for bounds that no morning comes to: how many requests a connection
carries, and how many are read on at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context

from bulkagent.gateway.connection_pool import read_on_s
from bulkagent.gateway.exchange import Reply
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import Fault
from tests.simulation.surroundings.interface import Answer
from tests.simulation.surroundings.server import Request

KEPT_S = 15.0
"""So long a connection is kept for another request."""

_RESET = "the connection ended before the reply"


class Connection:
    """Both ends of one.

    Args:
        pool: The pool that it belongs to.
        host: Where it goes.
        way_s: How long what is sent on it is on its way, to arrive also without its sender.
    """

    __slots__ = (
        "_alone",
        "_answer",
        "_pool",
        "_reply",
        "_unread",
        "at_work",
        "began_at",
        "closed",
        "host",
        "names",
        "number",
        "out_of_step",
        "requests",
        "rested_at",
        "strayed",
        "took_s",
        "waiting",
        "way_s",
    )

    def __init__(self, pool: Pool, host: str, way_s: float) -> None:
        self.host = host
        self.way_s = way_s
        self.waiting: deque[Request] = deque()
        self.at_work: Request | None = None
        self.number = 0
        self.strayed = False
        self.closed = False
        self.out_of_step = False
        """Whether a reply has come that belongs to no request."""
        self.requests = 0
        self.names: list[int] = []
        """What they were called, those that had a name."""
        self.began_at = 0.0
        self.rested_at = 0.0
        self.took_s = 0.0
        self._pool = pool
        self._alone = False
        self._reply: asyncio.Future[Reply] | None = None
        self._answer: Reply | None = None
        self._unread: list[Reply] = []

    def begin(self, name: int | None) -> asyncio.Future[Reply]:
        """A request is about to be sent; its reply, or how it failed."""
        self._alone = not self.requests and self._pool.singly
        self.requests += 1
        if name is not None:
            self.names.append(name)
        loop = self._pool.loop
        self.began_at = loop.time()
        self._reply = loop.create_future()
        return self._reply

    def answer(self, answer: Answer) -> None:
        """The server sends a reply."""
        if self.closed:
            return
        reply = Reply(answer.status, answer.headers, answer.body)
        if self._reply is None:
            self._unread.append(reply)
            # The client reads it in a turn of its own, unless it has ended.
            self._pool.loop.call_soon(self.look, context=self._pool.context)
            return
        waits, self._reply = self._reply, None
        self._rest()
        if self._alone:
            self._answer = reply
        if not waits.done():
            waits.set_result(reply)

    def reset(self) -> None:
        """The server ends it."""
        if self.closed:
            return
        self.closed = True
        waits, self._reply = self._reply, None
        if waits is not None and not waits.done():
            waits.set_exception(ExchangeFailed(Fault.RESET, _RESET))

    def look(self) -> None:
        """Judge what has come while no request was under way."""
        unread, self._unread = self._unread, []
        if self.closed or not unread:
            return
        if not self._alone or any(more != self._answer for more in unread):
            self.out_of_step = True
            self._pool.found(self)

    def _rest(self) -> None:
        self.rested_at = self._pool.loop.time()
        self.took_s = self.rested_at - self.began_at


class Pool:
    """The connections of one transport.

    Args:
        timeout_s: That of a request.
        wary: Whether each connection carries one request alone, once a reply too many has come.
        singly: Whether each does from the beginning.
        tell: Called with the names of all requests on a connection that is out of step.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        wary: bool,
        singly: bool,
        tell: Callable[[tuple[int, ...]], None],
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.context = copy_context()
        self.singly = singly
        self.longest_s = 0.0
        """What the longest answer took until now."""
        self._timeout_s = timeout_s
        self._wary = wary
        self._tell = tell
        self._kept: dict[str, deque[Connection]] = {}
        self._retired: dict[Connection, asyncio.TimerHandle] = {}

    def take(self, host: str) -> Connection | None:
        """One that is kept, the one that has rested longest first."""
        kept = self._kept.get(host)
        while kept:
            connection = kept.popleft()
            connection.look()
            if self.loop.time() - connection.rested_at > KEPT_S:
                connection.closed = True
            if not connection.closed:
                return connection
        return None

    def release(self, connection: Connection) -> None:
        """Its reply has come: keep it for another request, or read it on."""
        self.longest_s = max(self.longest_s, connection.took_s)
        connection.look()
        if connection.closed:
            return
        if self.singly:
            self._retire(connection)
        else:
            self._kept.setdefault(connection.host, deque()).append(connection)

    def found(self, connection: Connection) -> None:
        """A reply too many has come on it."""
        since_s = self.loop.time() - connection.began_at
        if since_s <= self._timeout_s:
            self.longest_s = max(self.longest_s, since_s)
        if self._wary and not self.singly:
            self.singly = True
            # Those that wait may be out of step as well, which will show.
            for kept in self._kept.values():
                for other in kept:
                    if other is not connection and not other.closed:
                        other.rested_at = self.loop.time()
                        self._retire(other)
            self._kept.clear()
        self._leave(connection)
        connection.closed = True
        self._tell(tuple(connection.names))

    async def rest(self) -> None:
        """Wait for what may still come on those that carry no request any more."""
        while resting := [each for each in self._resting() if each.requests]:
            wait_s = max(map(self._due, resting)) - self.loop.time()
            if wait_s <= 0.0:
                break
            await asyncio.sleep(wait_s)
        for connection in list(self._resting()):
            connection.look()

    def close(self) -> None:
        """Close all."""
        for connection in list(self._resting()):
            self._leave(connection)
            connection.closed = True
        self._kept.clear()

    def _due(self, connection: Connection) -> float:
        return connection.rested_at + read_on_s(
            self.longest_s, self._timeout_s, unsound=self.singly
        )

    def _resting(self) -> Iterator[Connection]:
        for kept in self._kept.values():
            yield from (connection for connection in kept if not connection.closed)
        yield from self._retired

    def _retire(self, connection: Connection) -> None:
        self._retired[connection] = self._timer(connection)

    def _timer(self, connection: Connection) -> asyncio.TimerHandle:
        return self.loop.call_at(self._due(connection), self._pass, connection)

    def _pass(self, connection: Connection) -> None:
        # Longer answers may have come since.
        if self._due(connection) > self._retired[connection].when():
            self._retired[connection] = self._timer(connection)
        else:
            self._leave(connection)
            connection.look()
            connection.closed = True

    def _leave(self, connection: Connection) -> None:
        timer = self._retired.pop(connection, None)
        if timer is not None:
            timer.cancel()
