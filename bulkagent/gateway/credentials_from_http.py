"""GUIDs from the site's own service, asked for over HTTPS for one agent at a time."""

from __future__ import annotations

import codecs
import re
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import msgspec
from yarl import URL

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.credentials import Credential, SourceFailed
from bulkagent.gateway.exchange_faults import ExchangeFailed
from bulkagent.gateway.json_text import read_json
from bulkagent.gateway.network import Transport
from bulkagent.gateway.sessions_file import Cells, session_of
from bulkagent.model import Assignment

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PLACES = re.compile(r"\{([^{}]*)\}")
_HEADER = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)"
)

# A GUID as it stands (page 0005); nothing in JSON looks like one.
_BARE = re.compile(rb"(?!null$)[0-9A-Za-z._=-]+")

_FOUND = 200
# Two ways of saying that this agent has no session; everything else is a fault of the service.
_NO_SESSION = frozenset({204, 404})


class GuidServiceAddress(msgspec.Struct, frozen=True):
    """Where to ask, with what."""

    template: str
    """With `{agentid}` and, where it matters, `{gateway}`."""
    header: tuple[str, str] | None = None
    """A header that authenticates the question."""

    def __repr__(self) -> str:
        return f"<GuidServiceAddress {self.template}>"

    @classmethod
    def parse(cls, template: str, header: str = "") -> GuidServiceAddress:
        """Check an address and a header, `Name: value`.

        Raises:
            SettingsRefused: One cannot be used. Neither is quoted where it may hold a secret.
        """
        problem = _problem_of(template)
        if problem:
            raise SettingsRefused(
                f"--guid-url: {problem}; give it as https://HOST/PATH/{{agentid}}"
            )
        if not header:
            return cls(template)
        parts = _HEADER.fullmatch(header.strip())
        if parts is None:
            raise SettingsRefused("BULKAGENT_GUID_HEADER is not a header; write it as NAME: VALUE")
        return cls(template, (parts[1], parts[2]))

    def of(self, gateway: str, agent_id: str) -> URL:
        """The address for one agent."""
        filled = self.template.replace("{agentid}", agent_id)
        return URL(filled.replace("{gateway}", quote(gateway, safe="")), encoded=True)


class HttpCredentials:
    """Asks for each agent once, and again when the gateway refuses what it said.

    Args:
        address: Where to ask.
        transport: To there.
    """

    def __init__(self, address: GuidServiceAddress, transport: Transport) -> None:
        self._address = address
        self._transport = transport
        self._known: dict[tuple[str, str], Credential | None] = {}
        self._headers = {"Accept": "application/json, text/plain"}
        if address.header is not None:
            self._headers[address.header[0]] = address.header[1]

    def __repr__(self) -> str:
        return f"<HttpCredentials with {len(self._known)} answers>"

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._transport.__aexit__(exc_type, exc, traceback)

    async def credential(self, assignment: Assignment) -> Credential | None:
        """What it says of this agent, or said before; an agent without a GUID may have one now.

        Raises:
            SourceFailed: It did not answer, or not with anything that can be used.
        """
        key = (assignment.gateway, assignment.agent_id)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = await self._ask(*key)
        return known

    async def renewed(self, assignment: Assignment, refused: Credential) -> bool:
        """Ask again; where that fails it is asked before the next attempt."""
        self._known.pop((assignment.gateway, assignment.agent_id), None)
        try:
            credential = await self.credential(assignment)
        except SourceFailed:
            return True
        if credential is None:
            return False
        return (credential.guid, credential.cookie) != (refused.guid, refused.cookie)

    def fresh(self, _credential: Credential) -> bool:
        """It was just asked."""
        return True

    @property
    def note(self) -> str:
        """Nothing that people should know beyond the causes."""
        return ""

    async def _ask(self, gateway: str, agent_id: str) -> Credential | None:
        try:
            reply = await self._transport.exchange(
                "GET", self._address.of(gateway, agent_id), self._headers
            )
        except ExchangeFailed as failed:
            raise SourceFailed(f"the GUID service: {failed.fault}") from None
        if reply.status in _NO_SESSION:
            return None
        if reply.status != _FOUND:
            raise SourceFailed(f"the GUID service answered HTTP {reply.status}")
        return _read(agent_id, reply.body)


class _Answer(msgspec.Struct):
    guid: str | None = None
    cookie: str | None = ""
    issued_at: str | int | float | None = None


def _read(agent_id: str, body: bytes) -> Credential | None:
    """What an answer says: JSON, or a GUID as it stands, whatever it is declared to be."""
    body = body.removeprefix(codecs.BOM_UTF8).strip()
    answer: _Answer | str | None
    try:
        # UTF-8 alone: what is read here goes into a header, byte for byte.
        said = body.decode() if _BARE.fullmatch(body) else read_json(body.decode() or "null")
        answer = msgspec.convert(said, _Answer | str | None)
    except (msgspec.ValidationError, ValueError):
        raise SourceFailed("the GUID service answered with something that is no GUID") from None
    if answer is None:
        return None
    if isinstance(answer, str):
        answer = _Answer(answer)
    issued_at = "" if answer.issued_at is None else str(answer.issued_at)
    line = session_of(0, Cells("", agent_id, answer.guid or "", answer.cookie or "", issued_at))
    if line.session is None:
        raise SourceFailed(f"the answer of the GUID service {line.problem}")
    return line.session.credential


def _problem_of(template: str) -> str:
    """What is wrong with an address; "" where nothing is."""
    try:
        parts = urlsplit(template)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "its host or port is not valid"
    places = set(_PLACES.findall(template))
    defects = {
        "it may hold neither spaces nor letters beyond ASCII": not _plain(template),
        "it is not the address of a service": not host or parts.scheme not in {"https", "http"},
        "GUIDs go over https alone, but on this machine": parts.scheme == "http"
        and host not in _LOOPBACK,
        "user name and password do not belong in it; use BULKAGENT_GUID_HEADER": "@"
        in parts.netloc,
        "its host may not depend on the agent": "{" in parts.netloc,
        "it must have {agentid}, and may have {gateway}, and no other place": not (
            {"agentid"} <= places <= {"agentid", "gateway"}
        ),
    }
    return next((text for text, is_so in defects.items() if is_so), "")


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
