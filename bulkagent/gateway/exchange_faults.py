"""Why an exchange got no whole reply: the table from what the HTTP library raises to faults."""

from __future__ import annotations

import ssl

import aiohttp

from bulkagent.gateway.encodings import Unreadable
from bulkagent.gateway.faults import Fault
from bulkagent.gateway.os_errors import words_of

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
    (Unreadable, Fault.NOT_A_GATEWAY, ""),
)


class ExchangeFailed(Exception):
    """There was no whole reply.

    Attributes:
        fault: Why, as the table of faults knows it.
        words: What the network said, without the address; it may quote the request's secrets.
        since_sent_s: How long before that the request was written; None where it was not.
    """

    def __init__(self, fault: Fault, words: str, *, since_sent_s: float | None = None) -> None:
        super().__init__(fault, words)
        self.fault = fault
        self.words = words
        self.since_sent_s = since_sent_s


RAISED = tuple(raised for raised, _, _ in _FAULTS)


def fault_of(error: BaseException) -> tuple[Fault, str]:
    """The fault of an error, and words for it; "" where the error has words of its own.

    Raises:
        BaseException: The error, where the table does not know it.
    """
    for raised, fault, words in _FAULTS:
        if isinstance(error, raised):
            return fault, words
    raise error


def describe(error: BaseException) -> str:
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
    if isinstance(reason, OSError) and (words := words_of(reason)):
        return words
    return str(reason) or type(reason).__name__
