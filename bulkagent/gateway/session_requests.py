"""Requests that begin, keep up and end agents' sessions, as a table; and what their replies say.

Pages 1202 (sign-in), 1203 (forced sign-in), 1219 (sign-out), 1225 (updateGuid) and 1274 (events
by polling).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.json_text import NotJson, read_json, text_of
from bulkagent.gateway.operations import PREFIX
from bulkagent.gateway.sessions_file import LONGEST_SECRET
from bulkagent.model import Disposition


class SessionRequest(msgspec.Struct, frozen=True):
    """One kind of request about a session."""

    name: str
    """As logs call it."""
    method: str
    path: str
    """With `{agent_id}` where the agent's number goes."""

    def path_for(self, agent_id: str) -> str:
        """The path of one agent's request; the ID was checked to be digits in the roster."""
        return self.path.replace("{agent_id}", agent_id)


_AGENT = f"{PREFIX}/onlineagent/{{agent_id}}"

SIGN_IN = SessionRequest("sign_in", "PUT", _AGENT)
FORCED_SIGN_IN = SessionRequest("forced_sign_in", "PUT", f"{_AGENT}/forcelogin")
SIGN_OUT = SessionRequest("sign_out", "DELETE", f"{_AGENT}/logout")
UPDATE_GUID = SessionRequest("update_guid", "PUT", f"{_AGENT}/updateGuid")
POLL = SessionRequest("poll", "GET", f"{PREFIX}/agentevent/{{agent_id}}")


class FieldKind(msgspec.Struct, frozen=True):
    """What a field of the sign-in body may hold (table of page 1202)."""

    kind: type[str | bool | int]
    longest: int = 0
    """Of a text, in characters; 0: the page says nothing."""


SIGN_IN_FIELDS: Mapping[str, FieldKind] = {
    "password": FieldKind(str, 32),
    "phonenum": FieldKind(str, 24),
    "autoanswer": FieldKind(bool),
    "autoenteridle": FieldKind(bool),
    "releasephone": FieldKind(bool),
    "agenttype": FieldKind(int),
    "status": FieldKind(int),
    "ip": FieldKind(str, 15),
    "entryIp": FieldKind(str),
    "phonelinkage": FieldKind(bool),
    "checkInWebm": FieldKind(bool),
    "checkInMailm": FieldKind(bool),
    "vcPhoneNumber": FieldKind(str, 24),
    "listenStatus": FieldKind(bool),
}
"""All but those of push mode (`callBackUri`, `serviceToken`), for our client polls for events, and
`signInMode`, whose values are not documented."""


class SignIn(msgspec.Struct, frozen=True, gc=False):
    """One agent's sign-in."""

    agent_id: str
    fields: Mapping[str, str | bool | int]
    """By the names of `SIGN_IN_FIELDS`; the password is among them."""

    def __repr__(self) -> str:
        return f"<SignIn of {self.agent_id}>"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        # msgspec brings one of its own, which rich's tracebacks would follow to the password.
        return [("agent_id", self.agent_id)]

    @property
    def password(self) -> str:
        """What no reply may bring to a screen or a log."""
        return str(self.fields.get("password", ""))

    @property
    def body(self) -> bytes:
        """The request's body."""
        return msgspec.json.encode(self.fields)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The answer to one request."""

    disposition: Disposition
    """Of the retcode or of the fault; `name` says which."""
    message: str = ""
    """The gateway's or the network's words, without secrets."""
    credential: Credential | None = None
    """What later requests of this session carry, where the reply changed it."""
    must_change_password: bool = False
    """The agent can take no call before it has another password (`isForceChange`)."""


def must_change_password(body: bytes) -> bool:
    """Whether a sign-in's reply says so; tolerant, for types are loose (pages 1026, 1224)."""
    if b"isForceChange" not in body:
        return False
    return str(_result_of(body).get("isForceChange")).strip().lower() == "true"


def renewed_in(body: bytes) -> str:
    """The GUID in the body of an updateGuid's reply (page 1225); "" where there is none."""
    guid = _result_of(body).get("guid")
    return guid_of(guid, None) if isinstance(guid, str) else ""


def _result_of(body: bytes) -> Mapping[str, object]:
    text = text_of(body)
    try:
        said = read_json(text) if text is not None else None
    except NotJson:
        return {}
    result = said.get("result") if isinstance(said, dict) else None
    return result if isinstance(result, dict) else {}


_GUID_PREFIX = "JSESSIONID="


def guid_of(set_guid: str | None, guid: str | None) -> str:
    """The GUID that a reply's headers hand out; "" where there is none fit for a header.

    Args:
        set_guid: `Set-GUID: JSESSIONID=<guid>` (page 0005); goes before the other.
        guid: The plain `Guid` that page 1202 has in its table of headers as well.
    """
    for header in (set_guid, guid):
        value = (header or "").partition(";")[0].strip().removeprefix(_GUID_PREFIX)
        if value and _fits(value) and " " not in value:
            return value
    return ""


def cookies_of(before: str, set_cookies: Sequence[str]) -> str:
    """The `Cookie` header after a reply: the earlier pairs, with those that it set over them.

    Pairs alone: where they hold and how long they live is the browser's business, and a session
    speaks to one gateway until it ends.
    """
    if not set_cookies:
        return before
    pairs = dict(_pairs(before.split(";")))
    pairs.update(_pairs(cookie.partition(";")[0] for cookie in set_cookies))
    joined = "; ".join(f"{name}={value}" for name, value in pairs.items() if value)
    return joined if _fits(joined) else before


def _pairs(texts: Iterable[str]) -> Iterable[tuple[str, str]]:
    for text in texts:
        name, is_pair, value = text.partition("=")
        if is_pair and name.strip():
            yield name.strip(), value.strip()


def _fits(value: str) -> bool:
    return len(value) <= LONGEST_SECRET and value.isascii() and value.isprintable()
