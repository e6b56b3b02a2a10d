"""Throw-away certificates: an authority that lives as long as the process."""

from __future__ import annotations

import ssl

import trustme

from bulkagent.errors import SettingsRefused

NAMES = ("localhost", "127.0.0.1", "::1")


class CertificateAuthority:
    """A certificate authority made for one emulated gateway; its key never leaves the process.

    That of a server's certificate is in a temporary file for a moment, for OpenSSL reads files.
    """

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="bulkagent emulated gateway")

    @property
    def pem(self) -> bytes:
        """The authority's certificate, for the client's list of trusted ones."""
        return self._authority.cert_pem.bytes()

    def server_context(self, host: str) -> ssl.SSLContext:
        """TLS 1.2 or later, with a certificate for the loopback names and `host`.

        Raises:
            SettingsRefused: the host is no name, or there is no temporary folder to write to.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        names = dict.fromkeys((*NAMES, host))
        try:
            certificate = self._authority.issue_cert(*names)
        except ValueError:
            raise SettingsRefused(
                f"no certificate can be made for the host {host!r}; give a name or an address"
            ) from None
        try:
            certificate.configure_cert(context)
        except OSError as error:
            raise SettingsRefused(
                "the emulated gateway needs a temporary folder for its certificate:"
                f" {error.strerror or error}; set TMPDIR to a folder that can be written"
            ) from None
        return context
