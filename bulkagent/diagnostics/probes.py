"""Probes: facts about names, connections, handshakes, clocks and files, by one attempt each.

No request for any agent is made here; the one for the clock is of the server, not of an interface.
All of it goes over sockets, whatever `gateway/network.py` has: they are what is examined.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import os
import resource
import shutil
import socket
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bulkagent.blocking import in_thread
from bulkagent.diagnostics.findings import Certificate, Handshake
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.handshakes import accepted, refusal_in
from bulkagent.gateway.tls_context import tls_context

_HTTPS = 443
_LONGEST_HEAD = 16_384


def host_and_port(endpoint: Endpoint) -> tuple[str, int]:
    """Where a gateway listens."""
    parts = urlsplit(endpoint.url)
    return parts.hostname or "", parts.port or _HTTPS


async def addresses(host: str) -> list[str]:
    """The addresses of a name, each once.

    Raises:
        OSError: It has none, or the name service does not answer.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def connect(host: str, port: int) -> None:
    """Connect, and hang up.

    Raises:
        OSError: No server listens there.
    """
    _, writer = await asyncio.open_connection(host, port)
    await _hang_up(writer)


async def shake_hands(endpoint: Endpoint) -> tuple[Handshake, float | None]:
    """Connect with TLS, and ask for the time.

    Returns:
        The handshake, and the server's time of day in seconds; None where it says none.

    Raises:
        SettingsRefused: A certificate file cannot be used.
        OSError: No connection, or no trust (ssl.SSLError).
    """
    host, port = host_and_port(endpoint)
    context = await in_thread(tls_context, endpoint)
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection(
        host, port, ssl=context, server_hostname=endpoint.tls_server_name or None
    )
    try:
        tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
        certificate: Mapping[str, Any] | None = writer.get_extra_info("peercert")
        expires_s = ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate else None
        handshake = Handshake(tls.version() or "", expires_s, endpoint.insecure)
        await accepted(reader, writer, loop.time() - began)
        return handshake, await _date(reader, writer, host)
    finally:
        await _hang_up(writer)


async def _date(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
) -> float | None:
    """The `Date` of a reply (RFC 9110 section 6.6.1), whatever else it says.

    Raises:
        ssl.SSLError: The gateway has refused the handshake, which it may say as late as this.
    """
    try:
        fields = f"Host: {host}\r\nAccept-Encoding: identity\r\nConnection: close\r\n"
        writer.write(f"HEAD / HTTP/1.1\r\n{fields}\r\n".encode())
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head[:_LONGEST_HEAD].decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip().lower() == "date":
                with contextlib.suppress(ValueError, OverflowError):
                    return email.utils.parsedate_to_datetime(value.strip()).timestamp()
    except OSError as error:
        if isinstance(error, ssl.SSLError) and refusal_in(error):
            raise
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    return None


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def certificate_in(path: Path) -> Certificate:
    """The first certificate in a PEM file.

    Raises:
        OSError, ValueError: There is none that can be read.
    """
    from cryptography import x509

    found = x509.load_pem_x509_certificate(path.read_bytes())
    return Certificate(str(path), found.not_valid_after_utc.timestamp())


def open_files() -> int:
    """How many open files the system allows this process; -1: any number."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return -1 if hard == resource.RLIM_INFINITY else hard


def free_space(path: Path) -> int:
    """Bytes that are free where a file is, or will be.

    Raises:
        OSError: The system does not say.
    """
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(os.fspath(folder)).free


def temporary_folder() -> str:
    """The folder for temporary files, once a file has been written there, and removed.

    Raises:
        OSError: There is none that can be written.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(_CHAIN))
        file.flush()
    return tempfile.gettempdir()


_CHAIN = 16_384
"""Bytes; more than a chain of certificates has."""
