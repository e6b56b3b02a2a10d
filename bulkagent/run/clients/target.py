"""A gateway as somebody names it, with what its certificate is judged by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

EMULATED = "emulated"
"""The gateway that is started inside the command."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Which gateways are meant, and how they are trusted: for a run, a check, or held sessions."""

    gateway: str = ""
    """`https://...`, a configured name, or `emulated`; "" where every row names its own."""
    ca_file: Path | None = None
    """PEM file of the authorities that the gateway's certificate is judged by; None: the file of
    its section, else the system's authorities."""
    client_cert: Path | None = None
    """PEM file with certificate and key, shown to the gateway."""
    tls_server_name: str = ""
    """The name in the gateway's certificate; "" for the one in its address."""
    insecure: bool = False
    """Whether any certificate is accepted."""
    scenario: Path | None = None
    """Faults of the emulated gateway."""

    @property
    def emulated(self) -> bool:
        """Whether the gateway is started inside the command."""
        return self.gateway == EMULATED

    @property
    def tls(self) -> dict[str, Any]:
        """The options about certificates that are given; they go over a gateway's section."""
        said = {
            "ca_file": self.ca_file,
            "client_cert": self.client_cert,
            "tls_server_name": self.tls_server_name,
            "insecure": self.insecure,
        }
        return {name: value for name, value in said.items() if value}
