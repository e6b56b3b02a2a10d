"""Sessions of agents at one gateway: a sign-in, a poll or a sign-out, one exchange at a time.

Sign-ins and sign-outs go out once, each on a connection of its own; polls are repeated safely and
share theirs.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from yarl import URL

from bulkagent.clock import Clock
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange import Reply
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.faults import FAULTS
from bulkagent.gateway.network import Transport, Trust, trusted
from bulkagent.gateway.operations import CONTENT_TYPE
from bulkagent.gateway.reply import read_reply, without_secrets
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.gateway.session_requests import (
    FORCED_SIGN_IN,
    POLL,
    SIGN_IN,
    SIGN_OUT,
    UPDATE_GUID,
    Answer,
    SessionRequest,
    SignIn,
    cookies_of,
    guid_of,
    must_change_password,
    renewed_in,
)

TIMEOUT_S = 20.0
"""A poll is answered after up to 10 s (page 1274), so a read timeout must be longer; the vendor's
C# demo has 20 s."""

_OPENING_AT_ONCE = 64
"""Thousands of sessions that come back to a gateway at the same moment form a queue here: each
handshake costs both sides milliseconds of computing, and all at once would time out together."""

_SUCCESS = "0"


class SessionClient:
    """Signs in, polls and signs out at one gateway.

    Args:
        endpoint: The gateway.
        clock: For the time of day at which a GUID was issued.
        connect_timeout_s: For name, connection and TLS handshake together.

    Raises:
        SettingsRefused: On entry, where a certificate file cannot be used.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock, *, connect_timeout_s: float = 3.0) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._url = URL(endpoint.url)
        self._stack = AsyncExitStack()
        self._polls: Transport | None = None
        self._singly: Transport | None = None

    def __repr__(self) -> str:
        return f"<SessionClient of {self._endpoint.name}>"

    async def __aenter__(self) -> Self:
        trust = await trusted(self._endpoint)
        async with AsyncExitStack() as stack:
            self._polls = await stack.enter_async_context(
                self._connections(trust, opening_at_once=_OPENING_AT_ONCE)
            )
            self._singly = await stack.enter_async_context(self._connections(trust, once=True))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
        self._polls = self._singly = None

    async def sign_in(self, sign_in: SignIn, *, forced: bool = False) -> Answer:
        """Sign an agent in; forced: a session of that agent elsewhere is ended."""
        request = FORCED_SIGN_IN if forced else SIGN_IN
        answer, reply = await self._exchange(
            self._singly, request, sign_in.agent_id, None, sign_in.body, sign_in.password
        )
        return answer if reply is None else self._with_credential(answer, reply, None)

    async def poll(
        self, agent_id: str, credential: Credential, *, returning: bool = False
    ) -> Answer:
        """Wait for an agent's next event; answered by the gateway after up to 10 s without one.

        Args:
            agent_id: The agent.
            credential: What the session's latest reply left.
            returning: Whether the session's last poll was not answered, or it had none yet, so
                that it may come with thousands of others.
        """
        answer, reply = await self._exchange(
            self._polls, POLL, agent_id, credential, in_turn=returning
        )
        return answer if reply is None else self._with_credential(answer, reply, credential)

    async def renew(self, agent_id: str, credential: Credential) -> Answer:
        """Have the GUID of an own session renewed, without taking an event from it."""
        answer, reply = await self._exchange(self._polls, UPDATE_GUID, agent_id, credential)
        guid = renewed_in(reply.body) if reply is not None else ""
        if not guid:
            return answer
        renewed = Credential(guid, credential.cookie, self._clock.wall_ms())
        return Answer(answer.disposition, credential=renewed)

    async def sign_out(self, agent_id: str, credential: Credential) -> Answer:
        """Sign an agent out; an agent in a call stays signed in."""
        answer, _ = await self._exchange(self._singly, SIGN_OUT, agent_id, credential)
        return answer

    def _connections(
        self, trust: Trust, *, once: bool = False, opening_at_once: int = 0
    ) -> Transport:
        return trust.transport(
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=max(TIMEOUT_S, 2 * self._connect_timeout_s),
            once=once,
            opening_at_once=opening_at_once,
        )

    async def _exchange(
        self,
        transport: Transport | None,
        request: SessionRequest,
        agent_id: str,
        credential: Credential | None,
        body: bytes | None = None,
        *secrets: str,
        in_turn: bool = False,
    ) -> tuple[Answer, Reply | None]:
        """Exchange one request; the reply itself only where its headers are this session's."""
        if transport is None:
            raise RuntimeError("a SessionClient works only within its `async with`")
        headers = {"Content-Type": CONTENT_TYPE}
        if credential is not None:
            secrets = (*secrets, *credential.secrets)
            headers |= credential.headers
        path = self._url.raw_path.rstrip("/") + request.path_for(agent_id)
        url = self._url.with_path(path, encoded=True)
        try:
            reply = await transport.exchange(request.method, url, headers, body, in_turn=in_turn)
        except ExchangeFailed as failed:
            return Answer(FAULTS[failed.fault], without_secrets(failed.words, *secrets)), None
        reading = read_reply(reply.status, reply.body, RETCODES, *secrets)
        if reading.disposition.name != _SUCCESS:
            return Answer(reading.disposition, reading.message), None
        return Answer(reading.disposition), reply

    def _with_credential(self, answer: Answer, reply: Reply, before: Credential | None) -> Answer:
        """An answer with what its reply's headers and body add to it."""
        guid = guid_of(reply.headers.get("Set-GUID"), reply.headers.get("Guid"))
        cookie = before.cookie if before is not None else ""
        cookie = cookies_of(cookie, reply.headers.getall("Set-Cookie", []))
        credential = None
        if before is None or guid not in {"", before.guid}:
            credential = Credential(guid, cookie, self._clock.wall_ms()) if guid else None
        elif cookie != before.cookie:
            credential = Credential(before.guid, cookie, before.issued_at)
        return Answer(
            answer.disposition,
            credential=credential,
            must_change_password=before is None and must_change_password(reply.body),
        )
