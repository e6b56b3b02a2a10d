"""Gateways that no web server can play: ports, handshakes and connections that go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import trustme

from tests.cli.command import Ended, bulkagent
from tests.gateway.raw import authority, ca_pem, server_context

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def meanwhile(folder: Path, *arguments: object) -> Ended:
    """Run the command to its end while the servers of this test go on serving."""
    return await asyncio.to_thread(bulkagent, folder, *arguments)


@contextlib.contextmanager
def nobody_at(port: int = 0) -> Iterator[int]:
    """A port that is taken but not listened at, so that every connection to it is refused."""
    with contextlib.ExitStack() as stack:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            taken = stack.enter_context(socket.socket(family))
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind((address, port))
            except OSError:
                if family == socket.AF_INET:
                    raise
                continue  # no IPv6 on this machine: then nobody connects by it either
            port = taken.getsockname()[1]
        yield port


@contextlib.contextmanager
def mute() -> Iterator[socket.socket]:
    """A socket that takes connections and never says a word, not even of a handshake."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@contextlib.asynccontextmanager
async def served(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port where each connection is given to a handler, after a handshake or without one."""
    server = await asyncio.start_server(handler, "127.0.0.1", ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _ in range(2):  # a turn of the loop for TLS to let go, one for the socket to close
            await asyncio.sleep(0)


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection before any request is read."""
    writer.transport.abort()


async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a TLS handshake as a web server without TLS does."""
    with contextlib.suppress(ConnectionError):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await writer.drain()
    writer.close()


def changing_certificate() -> ssl.SSLContext:
    """The right certificate at the first handshake, and a stranger's from then on."""
    right, stranger = server_context(), server_context(trustme.CA().issue_cert("localhost"))
    handshakes: list[str | None] = []

    def choose(shaking: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        handshakes.append(name)
        if len(handshakes) > 1:
            shaking.context = stranger

    right.sni_callback = choose
    return right


def expired() -> trustme.LeafCert:
    """A certificate of the right authority for the right name that was good until yesterday."""
    import datetime as dt

    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    return authority().issue_cert(
        "localhost", "127.0.0.1", not_before=now - 2 * day, not_after=now - day
    )


def write_ca(folder: Path) -> Path:
    """Write the certificate of the authority that raw gateways have theirs from."""
    path = folder / "raw-ca.pem"
    path.write_bytes(ca_pem())
    return path


def configure(folder: Path, gateways: Mapping[str, str]) -> None:
    """Write a `bulkagent.toml` with gateways by name, all of one authority."""
    write_ca(folder)
    tables = [
        f'[gateways.{name}]\nurl = "{url}"\nca_file = "raw-ca.pem"\n'
        for name, url in gateways.items()
    ]
    (folder / "bulkagent.toml").write_text("".join(tables))
