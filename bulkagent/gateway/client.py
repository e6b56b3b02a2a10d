"""One attempt: an assignment and a GUID out, an attempt with its disposition back.

The request is the interface's (page 1223) to the letter: POST, path, flag as query,
`Content-Type` and `Guid`, no body; and the cookie that came with the GUID, where one did. With
`Accept-Encoding: identity`, for without it HTTP allows a reply in any coding.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from yarl import URL

from bulkagent.attempt import Attempt
from bulkagent.clock import Clock, SystemClock
from bulkagent.gateway.credentials import CredentialSource, SourceFailed
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.network import Transport, trusted
from bulkagent.gateway.operations import CONTENT_TYPE, Operation
from bulkagent.gateway.reply import read_reply, without_secrets
from bulkagent.gateway.retcodes import WITH_A_FRESH_GUID, WITH_A_NEWER_GUID
from bulkagent.gateway.retry_after import retry_after_s
from bulkagent.model import Assignment

_OK = 200


class GatewayClient:
    """Sends one operation to one gateway, an attempt at a time, any number at once.

    Args:
        endpoint: The gateway.
        operation: What is sent.
        credentials: Asked for the agent's GUID just before each attempt, and once more where the
            gateway refuses it.
        connect_timeout_s: For name, connection and TLS handshake together.
        timeout_s: After which an attempt is overdue; longer than `connect_timeout_s`.
        clock: For latencies and times of day.
        singly: Whether each connection carries one request alone.
        strays: Whether the gateway may send replies too many, which are then waited for at last.

    Raises:
        SettingsRefused: On entry, where a certificate file cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        operation: Operation,
        credentials: CredentialSource,
        *,
        connect_timeout_s: float = 3.0,
        timeout_s: float = 10.0,
        clock: Clock | None = None,
        singly: bool = False,
        strays: bool = True,
    ) -> None:
        self._endpoint = endpoint
        self._operation = operation
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._clock: Clock = clock or SystemClock()
        self._singly = singly
        self._strays = strays
        self._out_of_step: Callable[[tuple[int, ...]], None] = lambda _rows: None
        self._space_out: Callable[[], Awaitable[None]] | None = None
        self._prefix = URL(endpoint.url).raw_path.rstrip("/")
        self._urls: dict[str, URL] = {}
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        trust = await trusted(self._endpoint)
        transport = trust.transport(
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
            out_of_step=self._tell,
            wary=True,
            singly=self._singly,
        )
        self._transport = await transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._transport is not None:
            await self._transport.__aexit__(exc_type, exc, traceback)
            self._transport = None

    def listen(self, out_of_step: Callable[[tuple[int, ...]], None]) -> None:
        """Call with the rows of all attempts on a connection on which a reply too many has come.

        Each may have got the answer of another. From then on connections carry one request each.
        """
        self._out_of_step = out_of_step

    def space_out(self, wait: Callable[[], Awaitable[None]]) -> None:
        """Wait by this once a GUID is there: the questions for several may have been held up."""
        self._space_out = wait

    def _tell(self, rows: tuple[int, ...]) -> None:
        self._out_of_step(rows)

    async def await_strays(self) -> None:
        """Wait for a moment for replies too many, on connections that carry no request now."""
        if self._transport is not None and self._strays:
            await self._transport.await_strays()

    def _url(self, assignment: Assignment) -> URL:
        """The request's URL: one parsed for its query, with this agent's path put in."""
        parsed = self._urls.get(assignment.arguments)
        if parsed is None:
            # Once for each spelling: what goes into a URL as it stands is checked where it does.
            whole = f"{self._endpoint.url}?{self._operation.check(assignment.arguments)}"
            parsed = self._urls[assignment.arguments] = URL(whole, encoded=True)
        path = self._prefix + self._operation.path_for(assignment.agent_id)
        return parsed.with_path(path, encoded=True, keep_query=True)

    async def attempt(
        self, assignment: Assignment, overdue: Callable[[], None] | None = None
    ) -> Attempt:
        """Make one attempt; whatever happens on the way is in the attempt, not raised.

        Args:
            assignment: What is asked for.
            overdue: Called when no whole reply has come in time. The connection is then read on
                for as long again: a gateway does not stop because its client hung up, and cutting
                the connection would lose the answer alone. None: it is cut at once.
        """
        try:
            credential = await self._credentials.credential(assignment)
        except SourceFailed as failed:
            return self._never_sent(Fault.GUID_SOURCE, str(failed))
        if credential is None:
            return self._never_sent(Fault.NO_GUID)
        if self._transport is None:
            raise RuntimeError("a GatewayClient attempts only within its `async with`")
        if self._space_out is not None:
            await self._space_out()
        headers = {"Content-Type": CONTENT_TYPE, **credential.headers}
        sent_at = self._clock.wall_ms()
        started = self._clock.monotonic()
        try:
            reply = await self._transport.exchange(
                self._operation.method,
                self._url(assignment),
                headers,
                name=assignment.row,
                overdue=overdue,
            )
        except ExchangeFailed as failed:
            return Attempt(
                FAULTS[failed.fault],
                sent_at=sent_at,
                latency_ms=(self._clock.monotonic() - started) * 1000.0,
                detail=without_secrets(failed.words, *credential.secrets),
                since_sent_s=failed.since_sent_s,
            )
        latency_ms = (self._clock.monotonic() - started) * 1000.0
        reading = read_reply(
            reply.status, reply.body, self._operation.retcodes, *credential.secrets
        )
        disposition = reading.disposition
        if disposition.name in WITH_A_NEWER_GUID:
            if await self._credentials.renewed(assignment, credential):
                disposition = WITH_A_NEWER_GUID[disposition.name]
            elif self._credentials.fresh(credential):
                disposition = WITH_A_FRESH_GUID.get(disposition.name, disposition)
        asked = reply.headers.get("Retry-After") if reply.status != _OK else None
        return Attempt(
            disposition,
            sent_at=sent_at,
            latency_ms=latency_ms,
            retcode=reading.retcode,
            message=reading.message,
            http_status=reply.status,
            detail="" if reading.retcode else f"{disposition.name}: HTTP {reply.status}",
            pause_s=retry_after_s(asked, self._clock.wall_ms()) if asked else 0.0,
        )

    def _never_sent(self, fault: Fault, detail: str = "") -> Attempt:
        return Attempt(FAULTS[fault], sent_at=self._clock.wall_ms(), latency_ms=0.0, detail=detail)
