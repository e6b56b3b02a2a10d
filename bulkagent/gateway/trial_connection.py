"""A connection by which nothing is sent but the TLS handshake.

What a TLS 1.3 gateway has against that is waited for, because it comes after the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.handshakes import accepted

_HTTPS = 443


async def try_connection(endpoint: Endpoint, tls: ssl.SSLContext) -> int | None:
    """Connect, and say until when the certificate is good; as `Trust.connect`.

    Args:
        endpoint: The gateway.
        tls: By what its certificate is judged.
    """
    parts = urlsplit(endpoint.url)
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection(
        parts.hostname,
        parts.port or _HTTPS,
        ssl=tls,
        server_hostname=endpoint.tls_server_name or None,
    )
    try:
        certificate = writer.get_extra_info("peercert")
        await accepted(reader, writer, loop.time() - began)
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    if not certificate:  # any is accepted
        return None
    ends = [_end_of(certificate)]
    if endpoint.ca_file or endpoint.ca_pem:
        # One of them has signed it; the system's are renewed by the system.
        ends.append(max(_end_of(authority) for authority in tls.get_ca_certs()))
    return min(ends)


def _end_of(certificate: Mapping[str, Any]) -> int:
    return round(ssl.cert_time_to_seconds(certificate["notAfter"]) * 1000)
