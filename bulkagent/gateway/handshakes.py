"""Refusals of a TLS handshake, in words for people.

In TLS 1.3 a client may write before the server has looked at its certificate, so such an alert
comes at the first read. The server has not read a byte of the request then: what it cannot accept
comes before it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from types import MappingProxyType

# A refusal takes as long as the handshake's last way there and back, and a little to be made up.
_REFUSED_WITHIN_S = 0.1
_LOOK_EVERY_S = 0.005

# Of the client's certificate, by the names that OpenSSL has for them without what stands in front.
_OF_CERTIFICATES: Mapping[str, str] = MappingProxyType(
    {
        "CERTIFICATE_REQUIRED": "certificate required",
        "BAD_CERTIFICATE": "bad certificate",
        "UNSUPPORTED_CERTIFICATE": "unsupported certificate",
        "CERTIFICATE_REVOKED": "certificate revoked",
        "CERTIFICATE_EXPIRED": "certificate expired",
        "CERTIFICATE_UNKNOWN": "certificate unknown",
        "UNKNOWN_CA": "unknown CA",
        "ACCESS_DENIED": "access denied",
        "DECRYPT_ERROR": "decrypt error",
        "NO_CERTIFICATE": "no certificate",
    }
)
_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "HANDSHAKE_FAILURE": "handshake failure",
        "INSUFFICIENT_SECURITY": "insufficient security",
        "PROTOCOL_VERSION": "protocol version",
        "MISSING_EXTENSION": "missing extension",
        "UNSUPPORTED_EXTENSION": "unsupported extension",
        "UNRECOGNIZED_NAME": "unrecognized name",
        "UNKNOWN_PSK_IDENTITY": "unknown PSK identity",
        "NO_APPLICATION_PROTOCOL": "no application protocol",
        "INAPPROPRIATE_FALLBACK": "inappropriate fallback",
    }
)
_REASON = re.compile(r"(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?([A-Z_]+)")
_QUOTED = re.compile(r"\[SSL: ([A-Z0-9_]+)\]")


def refusal_in(error: BaseException | None) -> str:
    """What a server refused the handshake with, and what to do; "" where the error is none.

    Args:
        error: What ended the connection.
    """
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
    if reason is None and error is not None:
        quoted = _QUOTED.search(str(error))
        reason = quoted[1] if quoted else None
    name = _REASON.fullmatch(str(reason)) if reason else None
    if name is None:
        return ""
    if said := _OF_CERTIFICATES.get(name[1]):
        return (
            f"the gateway wants a client certificate, or another one (TLS alert: {said});"
            " give it with --client-cert"
        )
    said = _OTHERS.get(name[1], "")
    return f"the gateway refused the TLS handshake (alert: {said})" if said else ""


async def accepted(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, took_s: float
) -> None:
    """Wait until the other side is sure to have accepted the handshake, or for a moment.

    Args:
        reader: Of the connection, on which nothing was written.
        writer: The same.
        took_s: How long it took to connect, in seconds.

    Raises:
        ssl.SSLError: It has not.
    """
    tls = writer.get_extra_info("ssl_object")
    if tls is None or tls.version() != "TLSv1.3":
        return  # else both sides have by now
    loop = asyncio.get_running_loop()
    until = loop.time() + took_s + _REFUSED_WITHIN_S
    # A ticket for the next session is given only to a client with the present one granted.
    while not (  # noqa: ASYNC110 - a ticket wakes nobody
        _has_ticket(tls) or reader.at_eof() or reader.exception() or loop.time() >= until
    ):
        await asyncio.sleep(_LOOK_EVERY_S)
    error = reader.exception()
    if isinstance(error, ssl.SSLError) and refusal_in(error):
        raise error


def _has_ticket(tls: object) -> bool:
    session = getattr(tls, "session", None)
    return bool(getattr(session, "has_ticket", False))
