"""The wire as the clients see it: one place by which every request leaves.

A program that puts a network of its own into `NETWORK` gets all requests and preflights of what it
calls in that context, and judges the certificates. All else of a run knows no socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from bulkagent.blocking import in_thread
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.reply import MAX_REPLY_BYTES

if TYPE_CHECKING:
    from ssl import SSLContext

    from yarl import URL

    from bulkagent.gateway.exchange import Reply


class Transport(Protocol):
    """Exchanges requests for replies, any number at once, within its `async with`.

    It follows no redirect and keeps no cookie. It never sends a request a second time by itself,
    unless no byte of the first had left or the method may be repeated (RFC 9110 section 9.2.2).
    """

    async def __aenter__(self) -> Self:
        """Open it; nothing is connected yet."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections at once, also those that a reply may still come on."""

    @property
    def singly(self) -> bool:
        """Whether each connection carries one request alone, from the beginning or by now."""

    async def await_strays(self) -> None:
        """Wait for what may still come on connections that carry no request any more.

        When this returns, `out_of_step` has been called for all that came. It takes about as long
        as the slowest reply did.
        """

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
        """Send one request, and wait for its whole reply, whatever its status.

        Cancelling it gives up its connection. The request may have been sent.

        Args:
            method: The method.
            url: Where to, and the path and query to the letter.
            headers: All headers but Host, Content-Length and Accept-Encoding.
            body: The body; None: there is none.
            in_turn: Whether to wait for a place to connect first; no timeout runs in the meantime.
            name: What `out_of_step` calls it.
            overdue: Called once, when `timeout_s` have passed without a whole reply. It is then
                waited for as long again, as the gateway may be at work. None: it is over.

        Raises:
            ExchangeFailed: No whole reply came, or not surely this request's. Its fault is one
                that is never sent only where no byte of the request can have left. Its words may
                quote secrets of the request.
        """


class Trust(Protocol):
    """How the certificate of one other side is judged; its own files have been read.

    Where a request goes, its URL says, and where a trial goes, the `url` of the endpoint.
    """

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
    ) -> Transport:
        """Make a transport, one of any number; it reads nothing and connects to nothing.

        Args:
            connect_timeout_s: For name, connection and TLS handshake together.
            timeout_s: For a whole exchange from its request's turn on; longer than
                `connect_timeout_s`.
            once: For what must not be repeated, whatever its method. Each exchange has a fresh
                connection.
            opening_at_once: How many exchanges `in_turn` may be making connections at the same
                time. 0: there is no limit.
            longest: Of a body with more bytes, as it came or unpacked, only the beginning is read,
                a little more than these.
            out_of_step: Called with the names of all requests on a connection on which a reply has
                come that belongs to none: each may have got the answer of another.
            wary: Whether each connection carries one request alone once such a reply has come;
                else only that connection is given up.
            singly: Whether each does from the beginning.
        """

    async def connect(self) -> int | None:
        """Connect once with TLS, wait whether that is accepted, and hang up; send no request.

        It has no time limit; cancelling it hangs up.

        Returns:
            The time of day, in milliseconds, from which the certificate or its CA is not accepted
            any more; None: any certificate is.

        Raises:
            ssl.SSLError: One side does not accept the other, which no retry changes.
            socket.gaierror: The name has no address, or with EAI_AGAIN none at the moment.
            OSError: No server listens there, or it hung up; it may be back in a moment.
        """


class Network(Protocol):
    """Where others are found, and by what they are trusted."""

    def trust(self, endpoint: Endpoint, *, ca_option: str = "--ca-file") -> Trust:
        """Read the certificate files. Blocks: with the system's CAs it takes 20 to 80 ms.

        Args:
            endpoint: The gateway, or a GUID service, which has no `url`.
            ca_option: Which option says where the CA is, for the error.

        Raises:
            SettingsRefused: One cannot be read or is not what it should be.
        """


class Https:
    """HTTPS over sockets.

    What it needs is imported when it is first asked for: `--help` and a refusal wait for no TLS.
    """

    def trust(self, endpoint: Endpoint, *, ca_option: str = "--ca-file") -> Trust:
        """Make a context for TLS."""
        from bulkagent.gateway.tls_context import tls_context

        return _HttpsTrust(endpoint, tls_context(endpoint, ca_option=ca_option))


class _HttpsTrust:
    """One context for TLS, for all connections to one other side."""

    def __init__(self, endpoint: Endpoint, tls: SSLContext) -> None:
        self._endpoint = endpoint
        self._tls = tls

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
    ) -> Transport:
        """Make a transport of keep-alive connections."""
        from bulkagent.gateway.transport import HttpTransport

        return HttpTransport(
            self._tls,
            server_name=self._endpoint.tls_server_name,
            connect_timeout_s=connect_timeout_s,
            timeout_s=timeout_s,
            once=once,
            opening_at_once=opening_at_once,
            longest=longest,
            out_of_step=out_of_step,
            wary=wary,
            singly=singly,
        )

    async def connect(self) -> int | None:
        """Connect once."""
        from bulkagent.gateway.trial_connection import try_connection

        return await try_connection(self._endpoint, self._tls)


HTTPS: Network = Https()

NETWORK: ContextVar[Network] = ContextVar("bulkagent_network", default=HTTPS)
"""By what everything in this context connects."""


async def trusted(endpoint: Endpoint) -> Trust:
    """The same as `Network.trust` of this context, for callers on the event loop.

    Raises:
        SettingsRefused: A certificate file cannot be read or is not what it should be.
    """
    return await in_thread(NETWORK.get().trust, endpoint)
