"""What came back, read: bytes and an HTTP status in, a disposition and its words out.

What may live here: the reading of replies, tolerant where the field is loose, strict where a
mistake would be called success. What this room must not know: connections and clocks.

Success is `retcode` "0" in the JSON reply and nothing else (interface page 1223, table 3);
an HTTP status alone says nothing about the agent. Numbers for strings, `msg` for `message`
and GBK for UTF-8 have been seen in the vendor's samples and public clients, so they pass.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping

import msgspec

from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.retcodes import disposition_of
from bulkagent.outcome import Disposition

__all__ = ["MAX_REPLY_BYTES", "Reading", "read_reply", "text_of", "without_secrets"]

MAX_REPLY_BYTES = 65_536
"""A gateway's reply is under a hundred bytes; anything over this is not one."""

MAX_MESSAGE_CHARACTERS = 500
MAX_RETCODE_CHARACTERS = 40

# Looked up now: a codec that is first needed in the middle of a run is read from disk there.
_ENCODINGS = tuple(codecs.lookup(name).name for name in ("utf-8", "gb18030"))

_BY_STATUS = {429: Fault.TOO_MANY, 503: Fault.UNAVAILABLE}
_BY_CLASS = {3: Fault.REDIRECT, 5: Fault.SERVER_ERROR}
# These say that the request was turned away or belongs elsewhere, whatever the body claims.
_NOT_THE_OPERATION = frozenset({429, *range(300, 400)})

_SHORTEST_GUID = 36
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:\.\w+)?")


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a reply says."""

    disposition: Disposition
    retcode: str = ""
    message: str = ""


class _Body(msgspec.Struct):
    retcode: str | int | float | None = None
    message: object = None
    msg: object = None


_decode = msgspec.json.Decoder(_Body).decode


def read_reply(
    status: int,
    body: bytes,
    table: Mapping[str, Disposition],
    *secrets: str,
    longest: int = MAX_REPLY_BYTES,
) -> Reading:
    """Read one complete HTTP reply.

    Args:
        status: HTTP status code.
        body: The whole body, undecoded.
        table: Retcodes with a known meaning for the operation.
        secrets: What must not be in the reading, should the reply repeat it.
        longest: A body of more bytes is a fault.

    Returns:
        The answer's disposition where the reply has a retcode, else a fault's.
    """
    if len(body) > longest:
        return Reading(FAULTS[Fault.OVERSIZED])
    said = _read_json(body)
    if said is None:
        return Reading(FAULTS[_fault_of(status)])
    retcode, message = said
    # Secrets go before the ends do: half a GUID would not be recognised any more. A retcode
    # that the table has is not one, however short a secret may be.
    if retcode not in table:
        retcode = without_secrets(retcode, *secrets)[:MAX_RETCODE_CHARACTERS]
    if message:
        message = without_secrets(message, *secrets)[:MAX_MESSAGE_CHARACTERS]
    if status in _NOT_THE_OPERATION:
        return Reading(FAULTS[_fault_of(status)], retcode, message)
    return Reading(disposition_of(retcode, table), retcode, message)


def _fault_of(status: int) -> Fault:
    """What a reply without a usable retcode is, by its status (RFC 9110 section 15)."""
    return _BY_STATUS.get(status) or _BY_CLASS.get(status // 100, Fault.NOT_A_GATEWAY)


def without_secrets(text: str, *secrets: str) -> str:
    """The text without the given secrets, in any case, and anything that looks like a GUID."""
    if len(text) < _SHORTEST_GUID and not any(0 < len(secret) <= len(text) for secret in secrets):
        return text  # no room for any of it, as in nearly every reply
    for secret in secrets:
        if secret and secret.lower() in text.lower():
            text = re.sub(re.escape(secret), "(redacted)", text, flags=re.IGNORECASE)
    return _UUID.sub("(redacted)", text)


def text_of(body: bytes) -> str | None:
    """The text of a reply, whichever of the encodings seen it is in; None where it is in none."""
    body = body.removeprefix(codecs.BOM_UTF8)
    for encoding in _ENCODINGS:
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _read_json(body: bytes) -> tuple[str, str] | None:
    """Retcode and message of a gateway's reply, or None where it is no such reply."""
    text = text_of(body)
    if text is None:
        return None
    fields: _Body | None
    try:
        fields = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        fields = _decode_leniently(text)
    if fields is None or fields.retcode is None or fields.retcode == "":
        return None
    retcode = _number(fields.retcode)
    message = fields.message if fields.message is not None else fields.msg
    if message is None:
        message = ""
    elif not isinstance(message, str):
        message = _spelled_out(message)
    return _whole(retcode), _whole(message)


def _decode_leniently(text: str) -> _Body | None:
    """A reply whose message has what JSON forbids, such as a bare line break.

    The retcode is still the gateway's word; losing it would call an answer a doubt.
    """
    try:
        fields = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    retcode = fields.get("retcode")
    if isinstance(retcode, bool) or not isinstance(retcode, str | int | float):
        return None
    return _Body(retcode, fields.get("message"), fields.get("msg"))


def _spelled_out(message: object) -> str:
    """A message that is no string, as JSON; "" where it is nested too deeply to be one."""
    try:
        return json.dumps(message)
    except RecursionError:
        return ""


def _number(retcode: str | float) -> str:
    if isinstance(retcode, float) and retcode.is_integer():
        retcode = int(retcode)
    return str(retcode)


def _whole(text: str) -> str:
    """The text with lone surrogates, which no file or database takes, spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
