"""Queries to a gateway about agents: the state of one, and the agents of a skill queue.

Nothing is changed by a question, so a connection that was dead may be replaced unseen. What fails
otherwise is asked once more only where a newer GUID is at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from yarl import URL

from bulkagent.gateway.credentials import Credential, CredentialSource, SourceFailed
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.network import Transport, trusted
from bulkagent.gateway.operations import CONTENT_TYPE
from bulkagent.gateway.query_requests import (
    AGENT_STATUS,
    AGENTS_OF_SKILL,
    AgentState,
    SkillAgents,
    agents_in,
    state_in,
)
from bulkagent.gateway.reply import read_reply, without_secrets
from bulkagent.gateway.retcodes import RETCODES, WITH_A_NEWER_GUID
from bulkagent.model import Assignment

_LONGEST_REPLY = 1_048_576
"""The details of 500 agents are some 200 kB; anything over this is no such reply."""

_SUCCESS = "0"

FoundT = TypeVar("FoundT")


class Unanswered(msgspec.Struct, frozen=True):
    """A question to which there is no answer that can be used."""

    why: str
    """The gateway's or the network's words, for people; without secrets."""
    retcode: str = ""
    """What the gateway refused with; "" where it said nothing."""


class Queries:
    """Asks one gateway, any number of questions at once.

    Args:
        endpoint: The gateway.
        credentials: Asked for the GUID of the agent who asks, just before each question.
        connect_timeout_s: For name, connection and TLS handshake together.
        timeout_s: For a whole question; longer than `connect_timeout_s`.

    Raises:
        SettingsRefused: On entry, where a certificate file cannot be used.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: CredentialSource,
        *,
        connect_timeout_s: float = 3.0,
        timeout_s: float = 10.0,
    ) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._connect_timeout_s = connect_timeout_s
        self._timeout_s = timeout_s
        self._url = URL(endpoint.url)
        self._transport: Transport | None = None

    def __repr__(self) -> str:
        return f"<Queries of {self._endpoint.name}>"

    async def __aenter__(self) -> Self:
        trust = await trusted(self._endpoint)
        transport = trust.transport(
            connect_timeout_s=self._connect_timeout_s,
            timeout_s=self._timeout_s,
            longest=_LONGEST_REPLY,
            wary=True,
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

    async def agent_state(self, agent: Assignment) -> AgentState | None:
        """The state of an agent, by the agent's own GUID; None where there is no answer."""
        state = await self.ask_state(agent)
        return None if isinstance(state, Unanswered) else state

    async def ask_state(self, agent: Assignment) -> AgentState | Unanswered:
        """The same, or why it cannot be said.

        Args:
            agent: Any assignment of the agent: by it the source of GUIDs knows whose is wanted.
        """
        return await self._ask(agent, AGENT_STATUS.path_for(agent.agent_id), state_in)

    async def agents_of_skill(self, observer: Assignment, skill: str) -> SkillAgents | Unanswered:
        """The agents of a skill queue who are signed in and take calls, or why there is no answer.

        Args:
            observer: An assignment of the agent who asks and must take calls as well (page 0414).
            skill: The number of the queue.
        """
        return await self._ask(
            observer, AGENTS_OF_SKILL.path_for(observer.agent_id, skill), agents_in
        )

    async def _ask(
        self, asker: Assignment, path: str, read: Callable[[bytes], FoundT | None]
    ) -> FoundT | Unanswered:
        url = self._url.with_path(self._url.raw_path.rstrip("/") + path, encoded=True)
        try:
            credential = await self._credentials.credential(asker)
            if credential is None:
                return Unanswered("there is no GUID for the agent")
            found = await self._exchange(url, credential, read)
            if (
                isinstance(found, Unanswered)
                and found.retcode in WITH_A_NEWER_GUID
                and await self._credentials.renewed(asker, credential)
            ):
                newer = await self._credentials.credential(asker)
                if newer is not None:
                    found = await self._exchange(url, newer, read)
        except SourceFailed as failed:
            return Unanswered(str(failed))
        return found

    async def _exchange(
        self, url: URL, credential: Credential, read: Callable[[bytes], FoundT | None]
    ) -> FoundT | Unanswered:
        if self._transport is None:
            raise RuntimeError("Queries asks only within its `async with`")
        headers = {"Content-Type": CONTENT_TYPE, **credential.headers}
        try:
            reply = await self._transport.exchange("GET", url, headers)
        except ExchangeFailed as failed:
            return Unanswered(without_secrets(failed.words, *credential.secrets))
        reading = read_reply(
            reply.status, reply.body, RETCODES, *credential.secrets, longest=_LONGEST_REPLY
        )
        if reading.disposition.name != _SUCCESS:
            said = f"{reading.retcode} ({reading.message})" if reading.message else reading.retcode
            return Unanswered(said or f"HTTP {reply.status} without a retcode", reading.retcode)
        found = read(reply.body)
        return Unanswered("the reply has no result that can be read") if found is None else found
