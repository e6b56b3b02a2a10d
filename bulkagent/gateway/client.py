"""One attempt: an assignment and a GUID out, an attempt with its disposition back.

What may live here: the one HTTPS request, its limits, and the table from what aiohttp raises
to faults. What this room must not know: retries, concurrency, rates, the ledger.

The request is the interface's (page 1223) to the letter: POST, path, flag as query,
`Content-Type` and `Guid`, no body. Redirects are not followed and cookies not kept.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

from bulkagent.clock import Clock, SystemClock
from bulkagent.gateway.endpoint import Endpoint, tls_context
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.guids import GuidSource
from bulkagent.gateway.operations import Operation
from bulkagent.gateway.reply import MAX_REPLY_BYTES, read_reply, without_secrets
from bulkagent.gateway.retry_after import retry_after_s
from bulkagent.outcome import Assignment, Attempt

__all__ = ["GatewayClient"]

_CONTENT_TYPE = "application/json; charset=UTF-8"
_OK = 200

# In this order: aiohttp's classes overlap, and the first that matches is the most exact. With
# words of our own where the library's would quote the address or the reply, cookies included.
_FAULTS: tuple[tuple[type[BaseException], Fault, str], ...] = (
    (aiohttp.ClientConnectorDNSError, Fault.DNS, ""),
    (aiohttp.ClientConnectorCertificateError, Fault.TLS, ""),
    (aiohttp.ClientConnectorSSLError, Fault.TLS, ""),
    (aiohttp.ClientConnectorError, Fault.REFUSED, ""),
    (aiohttp.ConnectionTimeoutError, Fault.CONNECT_TIMEOUT, "no connection in time"),
    (TimeoutError, Fault.READ_TIMEOUT, "no complete reply in time"),
    (aiohttp.ClientPayloadError, Fault.TRUNCATED, "the reply broke off or was garbled"),
    (aiohttp.ClientResponseError, Fault.NOT_A_GATEWAY, "the reply is not HTTP"),
    (aiohttp.ServerDisconnectedError, Fault.RESET, "the connection ended before the reply"),
    (aiohttp.ClientError, Fault.RESET, ""),
    (OSError, Fault.RESET, ""),
)


class GatewayClient:
    """Sends one operation to one gateway, an attempt at a time, any number at once.

    Args:
        endpoint: The gateway.
        operation: What is sent.
        guids: Asked for the agent's GUID just before each attempt.
        connect_timeout_s: For name, connection and TLS handshake together.
        timeout_s: For the whole attempt; longer than `connect_timeout_s`, so that the end of
            this one alone never leaves open whether the request was sent.
        clock: For latencies and times of day.

    Raises:
        SettingsRefused: On entry, where a certificate file cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        operation: Operation,
        guids: GuidSource,
        *,
        connect_timeout_s: float = 3.0,
        timeout_s: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._operation = operation
        self._guids = guids
        self._timeout = aiohttp.ClientTimeout(
            total=timeout_s,
            connect=connect_timeout_s,
            # Longer ones would be rounded up to the same full second and could end together.
            ceil_threshold=math.inf,
        )
        self._clock: Clock = clock or SystemClock()
        self._server_name = endpoint.tls_server_name or None
        self._prefix = URL(endpoint.url).raw_path.rstrip("/")
        self._urls: dict[str, URL] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        context = tls_context(self._endpoint)
        self._session = aiohttp.ClientSession(
            # The engine's limiter is the bound; a second one here would queue unseen.
            connector=aiohttp.TCPConnector(limit=0, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            # A compressed reply could be small on the wire and large in memory.
            auto_decompress=False,
            request_class=_PlainRequest,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _url(self, assignment: Assignment) -> URL:
        """The request's URL: one parsed for its query, with this agent's path put in."""
        parsed = self._urls.get(assignment.arguments)
        if parsed is None:
            # Once for each spelling: what goes into a URL as it stands is checked where it does.
            whole = f"{self._endpoint.url}?{self._operation.check(assignment.arguments)}"
            parsed = self._urls[assignment.arguments] = URL(whole, encoded=True)
        path = self._prefix + self._operation.path_for(assignment.agent_id)
        return parsed.with_path(path, encoded=True, keep_query=True)

    async def attempt(self, assignment: Assignment) -> Attempt:
        """Make one attempt; whatever happens on the way is in the attempt, not raised."""
        guid = await self._guids.guid(assignment)
        sent_at = self._clock.wall_ms()
        if guid is None:
            return Attempt(FAULTS[Fault.NO_GUID], sent_at=sent_at, latency_ms=0.0)
        if self._session is None:
            raise RuntimeError("a GatewayClient attempts only within its `async with`")
        started = self._clock.monotonic()
        try:
            response = await self._session.request(
                self._operation.method,
                self._url(assignment),
                headers={"Content-Type": _CONTENT_TYPE, "Guid": guid},
                allow_redirects=False,
                server_hostname=self._server_name,
            )
            body = await _read(response)
        except _RAISED as error:
            latency_ms = (self._clock.monotonic() - started) * 1000.0
            fault, words = _fault_of(error)
            return Attempt(
                FAULTS[fault],
                sent_at=sent_at,
                latency_ms=latency_ms,
                detail=words or without_secrets(_describe(error), guid),
            )
        latency_ms = (self._clock.monotonic() - started) * 1000.0
        reading = read_reply(response.status, body, self._operation.retcodes, guid)
        asked = response.headers.get("Retry-After") if response.status != _OK else None
        return Attempt(
            reading.disposition,
            sent_at=sent_at,
            latency_ms=latency_ms,
            retcode=reading.retcode,
            message=reading.message,
            http_status=response.status,
            detail="" if reading.retcode else f"{reading.disposition.name}: HTTP {response.status}",
            pause_s=retry_after_s(asked, self._clock.wall_ms()) if asked else 0.0,
        )


class _PlainRequest(aiohttp.ClientRequest):
    """A request with the interface's headers alone, and without the cost of skipping others."""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add none."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Send it, unless the connection holds a reply already, which is to no request of ours.

        aiohttp looks at this when a connection goes back to its pool, but not when it comes out;
        an earlier agent's late "0" would then pass for this agent's.
        """
        if conn.protocol is None or conn.protocol.should_close:
            raise aiohttp.ClientConnectionError("the connection was out of step")
        return await super().send(conn)


_RAISED = tuple(raised for raised, _, _ in _FAULTS)


def _fault_of(error: BaseException) -> tuple[Fault, str]:
    for raised, fault, words in _FAULTS:
        if isinstance(error, raised):
            return fault, words
    raise error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, or its first bytes beyond the limit where it is too long to be a reply."""
    content = response.content
    body = b""
    try:
        while not content.at_eof():
            chunk = await content.readany()
            body = body + chunk if body else chunk
            if len(body) > MAX_REPLY_BYTES:
                break
        else:
            return body
    except BaseException:
        response.close()
        raise
    # The rest would have to be read to use the connection again, so it is closed instead.
    response.close()
    return body


def _describe(error: BaseException) -> str:
    """What the network said, without the address that the report has anyway."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason: BaseException = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error
    else:
        reason = error
    # OpenSSL sets these attributes; an error that was made in Python may be without them.
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {getattr(reason, 'verify_message', reason)}"
    if isinstance(reason, ssl.SSLError):
        return f"TLS: {getattr(reason, 'reason', None) or reason}"
    return str(reason) or type(reason).__name__
