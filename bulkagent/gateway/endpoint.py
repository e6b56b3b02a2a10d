"""Where a gateway is and how its certificate is judged, checked before anything connects."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.operations import PREFIX

# What people paste as well: the part of the path that all interfaces of the gateway share.
_FIRST_PART = "/agentgateway"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One agent gateway."""

    name: str
    """As reports and rosters call it."""
    url: str
    """`https://host:port`, with a path in front of the interface's own where a proxy has one."""
    ca_file: Path | None = None
    """PEM file of the private CA to trust instead of the system's."""
    ca_pem: bytes = b""
    """The same from memory; the emulated gateway's throw-away CA."""
    client_cert: Path | None = None
    """PEM file with a certificate and its key, for gateways that ask who is calling."""
    tls_server_name: str = ""
    """The name to expect in the certificate where the address is an IP or an alias."""
    insecure: bool = False
    """Accept any certificate. An attacker who can redirect a packet can then collect GUIDs."""

    @classmethod
    def parse(cls, url: str, *, name: str = "", **tls: Any) -> Endpoint:
        """Check an address.

        Args:
            url: The address.
            name: What reports call it; by default its host and port.
            tls: The other fields.

        Raises:
            SettingsRefused: It is not an https URL of a host, or carries what it must not.
        """
        problem, where, path = _taken_apart(url)
        if problem:
            raise SettingsRefused(
                f"gateway address {_without_password(url)!r}: {problem};"
                " give the gateway as https://HOST:PORT"
            )
        return cls(name=name or where, url=f"https://{where}{path}", **tls)


def _taken_apart(url: str) -> tuple[str, str, str]:
    """What is wrong with an address or "", its host and port, and the path in front.

    Stricter than URLs are: what name services and libraries further on would choke on is found
    here, before anything connects. No part of the address is quoted; it may hold a password.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        return "it may hold neither spaces nor letters beyond ASCII", "", ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "its host is not valid", "", ""
    where, valid = _host_and_port(parts.netloc)
    if parts.scheme != "https":
        problem = "it must begin with https://"
    elif "@" in parts.netloc:
        problem = "user name and password do not belong in it"
    elif not valid:
        problem = "it has no valid host name or port"
    elif parts.query or parts.fragment:
        problem = "it must end before any ? or #"
    else:
        problem = ""
    return problem, where, parts.path.rstrip("/").removesuffix(PREFIX).removesuffix(_FIRST_PART)


_HOST = r"\[(?P<v6>[0-9a-f:.]+)\]|(?P<host>[0-9a-z_-]{1,63}(?:\.[0-9a-z_-]{1,63})*\.?)"
_NETLOC = re.compile(rf"(?:{_HOST})(?::(?P<port>\d{{0,5}}))?")
_LONGEST_HOST = 253
_HTTPS = 443
_HIGHEST_PORT = 65_535


def _host_and_port(netloc: str) -> tuple[str, bool]:
    """Host and port in one way of writing, and whether anything can be there."""
    match = _NETLOC.fullmatch(netloc.lower())
    if match is None:
        return "", False
    host = match["host"] or match["v6"]
    port = int(match["port"]) if match["port"] else None
    valid = len(host) <= _LONGEST_HOST and (port is None or 1 <= port <= _HIGHEST_PORT)
    try:
        if match["v6"]:
            host = f"[{ipaddress.IPv6Address(host)}]"
        elif host.rstrip(".").rpartition(".")[2].isdigit():  # no domain ends in a number (RFC 3696)
            ipaddress.IPv4Address(host)
    except ValueError:
        valid = False
    # One way of writing, for it is by the address that two runs know one gateway again.

    return host if port in {None, _HTTPS} else f"{host}:{port}", valid


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, slashes, _ = head.partition("//")
    return f"{scheme}//...@{tail}" if slashes else f"...{at}{tail}" if at else url
