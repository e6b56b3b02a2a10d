"""Listening sockets: one port on every address that a host name stands for."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Iterable

from bulkagent.errors import SettingsRefused

BACKLOG = 4096
"""A shift's worth of clients may connect in the same moment; the kernel clips it to its own."""

TRIES = 20
"""A free port on the first address may be taken on the second; a few more draws settle it."""

NOT_ON_THIS_HOST = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets listening on one port at every address of `host`; port 0 picks a free one.

    `localhost` is commonly both 127.0.0.1 and ::1, and a client may try either first. With a free
    port of its own for each address, one of them would answer on a port that nobody knows.

    Raises:
        SettingsRefused: the host has no address here, or the port is not to be had.
    """
    try:
        addresses = _addresses(host)
        for _ in range(TRIES if port == 0 else 1):
            with contextlib.suppress(_PortTaken):
                return _open(addresses, port)
    except OSError as error:
        raise SettingsRefused(
            f"Cannot listen on {host}:{port} ({error.strerror}): "
            "choose a host name or address of this computer, and a port above 1023."
        ) from error
    raise SettingsRefused(
        f"Cannot listen on {host}:{port}, because another program does: "
        "choose another port, or 0 for a free one."
    )


def keep_place(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    """A socket at an address where one listened until now; it does not listen itself.

    As long as it is there, a process that asks for a free port does not get this one.
    """
    return _bound(family, *address[:2])


class _PortTaken(Exception):
    """Not an error where the port may be chosen again."""


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _open(addresses: Iterable[tuple[socket.AddressFamily, str]], port: int) -> list[socket.socket]:
    """One socket for each address; the first decides which port 0 stands for."""
    with contextlib.ExitStack() as on_failure:
        opened: list[socket.socket] = []
        absent: OSError | None = None
        for family, address in addresses:
            try:
                listener = on_failure.enter_context(_bound(family, address, port))
                listener.listen(BACKLOG)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise _PortTaken from error
                if error.errno not in NOT_ON_THIS_HOST:
                    raise
                absent = error  # a name may stand for IPv6 on a computer without it
                continue
            opened.append(listener)
            port = int(listener.getsockname()[1])
        if not opened:
            raise absent or OSError(errno.EADDRNOTAVAIL, "no address")
        on_failure.pop_all()
        return opened


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # Only IPv6: the IPv4 address gets a socket of its own, on the same port.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
