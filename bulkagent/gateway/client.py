"""One attempt: an assignment and a GUID out, an attempt with its disposition back.

What may live here: the one HTTPS request, its limits, and the table from what aiohttp raises
to faults. What this room must not know: retries, concurrency, rates, the ledger.

The request is the interface's (page 1223) to the letter: POST, path, flag as query,
`Content-Type` and `Guid`, no body. Redirects are not followed and cookies not kept.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from bulkagent.clock import Clock, SystemClock
from bulkagent.gateway.endpoint import Endpoint, tls_context
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.guids import GuidSource
from bulkagent.gateway.operations import Operation
from bulkagent.gateway.reply import MAX_REPLY_BYTES, read_reply, without_secrets
from bulkagent.outcome import Assignment, Attempt

__all__ = ["GatewayClient"]

_CONTENT_TYPE = "application/json; charset=UTF-8"

# In this order: aiohttp's classes overlap, and the first that matches is the most exact.
_FAULTS: tuple[tuple[type[BaseException], Fault], ...] = (
    (aiohttp.ClientConnectorDNSError, Fault.DNS),
    (aiohttp.ClientConnectorCertificateError, Fault.TLS),
    (aiohttp.ClientConnectorSSLError, Fault.TLS),
    (aiohttp.ClientConnectorError, Fault.REFUSED),
    (aiohttp.ConnectionTimeoutError, Fault.CONNECT_TIMEOUT),
    (TimeoutError, Fault.READ_TIMEOUT),
    (aiohttp.ClientPayloadError, Fault.TRUNCATED),
    (aiohttp.ClientResponseError, Fault.NOT_A_GATEWAY),
    (aiohttp.ClientError, Fault.RESET),
    (OSError, Fault.RESET),
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
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=connect_timeout_s)
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
            whole = f"{self._endpoint.url}?{assignment.arguments}"
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
            return Attempt(
                FAULTS[_fault_of(error)],
                sent_at=sent_at,
                latency_ms=latency_ms,
                detail=without_secrets(_describe(error), guid),
            )
        latency_ms = (self._clock.monotonic() - started) * 1000.0
        reading = read_reply(response.status, body, self._operation.retcodes)
        return Attempt(
            reading.disposition,
            sent_at=sent_at,
            latency_ms=latency_ms,
            retcode=without_secrets(reading.retcode, guid) if reading.retcode != "0" else "0",
            message=without_secrets(reading.message, guid) if reading.message else "",
            http_status=response.status,
        )


class _PlainRequest(aiohttp.ClientRequest):
    """A request with the interface's headers alone, and without the cost of skipping others."""

    def update_auto_headers(self, skip_auto_headers: Iterable[str] | None) -> None:
        """Add none."""


_RAISED = tuple(raised for raised, _ in _FAULTS)


def _fault_of(error: BaseException) -> Fault:
    for raised, fault in _FAULTS:
        if isinstance(error, raised):
            return fault
    raise error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, or its first bytes beyond the limit where it is too long to be a reply."""
    content = response.content
    body = b""
    while not content.at_eof():
        chunk = await content.readany()
        body = body + chunk if body else chunk
        if len(body) > MAX_REPLY_BYTES:
            break
    else:
        return body
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
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"certificate not accepted: {reason.verify_message}"
    if isinstance(reason, ssl.SSLError):
        return f"TLS: {reason.reason or reason}"
    return str(reason) or type(reason).__name__
