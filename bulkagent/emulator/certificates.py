"""Throw-away certificates: an authority that lives as long as the process.

What may live here: the making of one authority and one server certificate. What this module
must not know: what is served under it.
"""

from __future__ import annotations

import ssl

import trustme

__all__ = ["Authority"]

NAMES = ("localhost", "127.0.0.1", "::1")


class Authority:
    """A certificate authority made for one emulated gateway; its key never leaves the process."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="bulkagent emulated gateway")

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for the client's list of trusted ones."""
        return self._authority.cert_pem.bytes()

    def server_context(self, host: str) -> ssl.SSLContext:
        """TLS 1.2 or later, with a certificate for the loopback names and `host`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        names = dict.fromkeys((*NAMES, host))
        self._authority.issue_cert(*names).configure_cert(context)
        return context
