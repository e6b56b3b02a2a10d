"""Replies, read: bytes and an HTTP status in, a disposition and its words out.

Success is `retcode` "0" in the JSON reply with HTTP status 200 and nothing else (interface page
1223, table 3). A "0" under another status, or that is spelled otherwise, is no statement of the
gateway's: it leaves open what was done. Whole numbers for strings, `msg` for `message` and GBK for
UTF-8 have been seen in the vendor's samples and public clients, so they pass.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.json_text import NotJson, read_json, spelled_numbers, text_of
from bulkagent.gateway.retcodes import disposition_of
from bulkagent.model import Delivery, Disposition, Status
from bulkagent.text.undecodable import encodable

MAX_REPLY_BYTES = 65_536
"""A gateway's reply is under a hundred bytes; anything over this is not one."""

MAX_MESSAGE_CHARACTERS = 500
MAX_RETCODE_CHARACTERS = 40

_BY_STATUS = {429: Fault.TOO_MANY, 503: Fault.UNAVAILABLE}
_BY_CLASS = {3: Fault.REDIRECT, 5: Fault.SERVER_ERROR}
# These say that the request was turned away or belongs elsewhere, whatever the body claims.
_NOT_THE_OPERATION = frozenset({429, *range(300, 400)})

_OK = 200
_SUCCESS = "0"

_SHORTEST_GUID = 36
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:\.\w+)?")


class Reading(msgspec.Struct, frozen=True, gc=False):
    """The content of a reply."""

    disposition: Disposition
    retcode: str = ""
    message: str = ""


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
        The answer's disposition where the reply has a retcode, else a fault's; a success that is
        not told as one is a fault in doubt.
    """
    if len(body) > longest:
        return Reading(FAULTS[Fault.OVERSIZED])
    said = _read_often(body) if len(body) <= _SHORT else _read_json(body)
    if said is None:
        return Reading(FAULTS[_fault_of(status)])
    retcode, message = said
    # Secrets go before the ends do: half a GUID would not be recognised any more. A retcode
    # that the table has is not one, however short a secret may be.
    if retcode not in table:
        retcode = without_secrets(retcode, *secrets)[:MAX_RETCODE_CHARACTERS]
    if message:
        message = without_secrets(message, *secrets)[:MAX_MESSAGE_CHARACTERS]
    if retcode == _SUCCESS and status != _OK:
        return Reading(_in_doubt(FAULTS[_fault_of(status)]), retcode, message)
    if status in _NOT_THE_OPERATION:
        return Reading(FAULTS[_fault_of(status)], retcode, message)
    if retcode not in table and _resembles_zero(retcode):
        return Reading(FAULTS[Fault.NOT_A_GATEWAY], retcode, message)
    return Reading(disposition_of(retcode, table), retcode, message)


def _in_doubt(fault: Disposition) -> Disposition:
    """The fault where somebody says that it was done all the same."""
    return msgspec.structs.replace(fault, delivery=Delivery.IN_DOUBT, status=Status.UNKNOWN)


def _resembles_zero(retcode: str) -> bool:
    try:
        return float(retcode) == 0.0
    except ValueError:
        return False


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


def _read_json(body: bytes) -> tuple[str, str] | None:
    """Retcode and message of a gateway's reply, or None where it is no such reply."""
    text = text_of(body)
    if text is None:
        return None
    try:
        fields = read_json(text)
        retcode = _retcode_in(fields, text)
    except NotJson:
        return None
    if retcode == "":
        return None
    message = fields.get("message")
    if message is None:
        message = fields.get("msg", "")
    if message is None:
        message = ""
    elif not isinstance(message, str):
        message = _spelled_out(message)
    return encodable(retcode), encodable(message)


# Nearly all replies of a gateway are the same few bytes, over and over again.
_SHORT = 256
_read_often = functools.lru_cache(maxsize=64)(_read_json)


def _retcode_in(fields: Any, text: str) -> str:
    """The retcode as a string; "" where there is none."""
    retcode = fields.get("retcode") if isinstance(fields, dict) else None
    if isinstance(retcode, str):
        return retcode
    if isinstance(retcode, bool) or not isinstance(retcode, int | float):
        return ""
    if not retcode:
        # Of the ways to write it 0 alone is a code; 1e-400 is nearly anything.
        return str(spelled_numbers(text)["retcode"][0])
    if isinstance(retcode, float) and retcode.is_integer():
        retcode = int(retcode)
    return str(retcode)


def _spelled_out(message: object) -> str:
    """A message that is no string, as JSON; "" where it is nested too deeply to be one."""
    try:
        return json.dumps(message)
    except RecursionError:
        return ""
