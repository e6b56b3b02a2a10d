"""How a gateway, or a service of GUIDs, is trusted: a context for TLS."""

from __future__ import annotations

import ssl
import sys

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.endpoint import Endpoint


def tls_context(endpoint: Endpoint, *, ca_option: str = "--ca-file") -> ssl.SSLContext:
    """A client context: TLS 1.2 or later, certificate and host name verified, no keys logged.

    Args:
        endpoint: The gateway whose certificate is verified, and how.
        ca_option: Which option says where its CA is, for the error.

    Raises:
        SettingsRefused: A certificate file cannot be read or is not what it should be.
    """
    # Not ssl.create_default_context, which would obey SSLKEYLOGFILE: by TLS keys in a file, GUIDs
    # could be read off the wire.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= _STRICTLY
    try:
        if endpoint.ca_file or endpoint.ca_pem:
            context.load_verify_locations(
                cafile=str(endpoint.ca_file) if endpoint.ca_file else None,
                cadata=endpoint.ca_pem.decode("ascii") if endpoint.ca_pem else None,
            )
        else:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise SettingsRefused(
            f"{ca_option} {endpoint.ca_file}: {_why(error)};"
            " it must be a PEM file of CA certificates"
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if endpoint.client_cert:
        try:
            # Without a callback OpenSSL would ask at the terminal, in the middle of a batch.
            context.load_cert_chain(str(endpoint.client_cert), password=_no_passphrase)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise SettingsRefused(
                f"--client-cert {endpoint.client_cert}: {_why(error)};"
                " it must be a PEM file with a certificate and its unencrypted key"
            ) from None
    return context


# As strictly as Python's own default is from 3.13 on, and not before.
_STRICTLY = (
    ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    if sys.version_info >= (3, 13)
    else ssl.VerifyFlags.VERIFY_DEFAULT
)


def _no_passphrase() -> str:
    raise ValueError("the key is encrypted")


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "not a PEM file"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
