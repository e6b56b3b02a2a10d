"""Whether a gateway can be spoken to at all, tried before the first request."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import NamedTuple
from urllib.parse import urlsplit

import tenacity

from bulkagent.clock import Clock
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.handshakes import refusal_in
from bulkagent.gateway.network import Trust, trusted
from bulkagent.gateway.os_errors import words_of

# A name service that is overloaded says so at once; at six in the morning that is no reason to
# leave a shift unset.
_TRIES = 4
_PAUSE_S = 0.5


class PreflightResult(NamedTuple):
    """The state of a gateway after a preflight."""

    answered: bool
    """Whether there was a connection; no if it may be back in a moment."""
    expires_ms: int | None = None
    """Time of day from which its certificate is not accepted any more; None: nobody looks."""
    why: str = ""
    """Why there was none, as the operating system says it."""


async def run_preflight(
    endpoint: Endpoint, *, connect_timeout_s: float, clock: Clock
) -> PreflightResult:
    """Connect once, and refuse what no retry would change: no such name, no trust.

    A gateway that does not listen, or not in time, may be back in a moment: the run sees to it.

    Args:
        endpoint: The gateway.
        connect_timeout_s: For name, connection and TLS handshake together.
        clock: For the pauses between questions to an overloaded name service.

    Returns:
        Whether it answered, and until when its certificate is good.

    Raises:
        SettingsRefused: The name has no address, TLS fails, or a certificate file cannot be used.
    """
    trust = await trusted(endpoint)
    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(_is_overloaded),
        stop=tenacity.stop_after_attempt(_TRIES),
        wait=tenacity.wait_fixed(_PAUSE_S),
        sleep=clock.sleep,
        reraise=True,
    )
    try:
        expires_ms: int | None = await retrying(_connect_within, trust, connect_timeout_s)
    except ssl.SSLError as error:
        raise SettingsRefused(
            f"{endpoint.url}: {_why(error)}, so nothing was sent{_advice(error)}"
        ) from None
    except OSError as error:
        if isinstance(error, TimeoutError) or _is_overloaded(error):
            why = f"no connection within {connect_timeout_s:g} s"
            return PreflightResult(answered=False, why=why)
        if isinstance(error, socket.gaierror):
            raise SettingsRefused(
                f"{_host_of(endpoint)} has no address ({error.strerror}), so nothing was sent;"
                " check the gateway's address and the name service"
            ) from None
        return PreflightResult(answered=False, why=words_of(error) or str(error))
    return PreflightResult(answered=True, expires_ms=expires_ms)


def _is_overloaded(error: BaseException) -> bool:
    """Whether the name service could not answer now."""
    return isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN


async def _connect_within(trust: Trust, timeout_s: float) -> int | None:
    async with asyncio.timeout(timeout_s):
        return await trust.connect()


def _host_of(endpoint: Endpoint) -> str:
    return urlsplit(endpoint.url).hostname or endpoint.url


def _why(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted ({error.verify_message})"
    return refusal_in(error) or f"no TLS connection ({error.reason or error})"


def _advice(error: ssl.SSLError) -> str:
    if refusal_in(error):
        return ""
    return "; check --ca-file and --tls-server-name, and that the port is the gateway's"
