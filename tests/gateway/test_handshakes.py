"""A TLS 1.3 gateway that wants a client certificate says so at the first read: `--client-cert`.

Proves --connect-timeout, --timeout.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import socket
import ssl
import threading
from pathlib import Path
from typing import Self

import pytest
import trustme

from bulkagent.clock import SystemClock
from bulkagent.diagnostics.probes import shake_hands
from bulkagent.errors import SettingsRefused
from bulkagent.gateway.connection import HttpConnection
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange import Exchange
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.handshakes import refusal_in
from bulkagent.gateway.preflight import run_preflight
from tests.gateway.raw import (
    TO_AGENT_101,
    authority,
    ca_pem,
    client_of,
    http,
    server_context,
)

LONG_AGO = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


def wanting(*, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = server_context()
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    return context


def certificate(folder: Path, kind: str) -> Path | None:
    if kind == "none":
        return None
    of = trustme.CA() if kind == "of another CA" else authority()
    ends = LONG_AGO if kind == "expired" else None
    leaf = of.issue_cert("ops@example.org", not_after=ends)
    path = folder / "client.pem"
    leaf.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


KINDS = {
    "none": "certificate required",
    "of another CA": "unknown CA",
    "expired": "certificate expired",
}


class Blocking:
    """A server that is not asyncio's, which closes the connection without saying why.

    Every request on a connection that it has let in is answered with a "0".
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self.requests: list[bytes] = []
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            with accepted, contextlib.suppress(OSError):
                connection = self._context.wrap_socket(
                    accepted, server_side=True, do_handshake_on_connect=False
                )
                with connection:
                    try:
                        connection.do_handshake()
                    except ssl.SSLError:
                        self._drain(connection)
                        raise
                    while request := connection.recv(4_096):
                        self.requests.append(request)
                        connection.sendall(http().reply)

    def _drain(self, connection: ssl.SSLSocket) -> None:
        """Read what the client has sent: closed with that unread, the connection would be reset.

        A reset can overtake the alert, and then nobody knows what it was.
        """
        with socket.socket(fileno=connection.detach()) as plain:
            while plain.recv(4_096):
                pass


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_after_the_handshake_is_tls_and_never_sent(
    tmp_path: Path, kind: str
) -> None:
    """certificate_required, unknown_ca, certificate_expired: cause `tls`, with `--client-cert`."""
    with Blocking(wanting()) as gateway:
        endpoint = Endpoint(
            name="g", url=gateway.url, ca_pem=ca_pem(), client_cert=certificate(tmp_path, kind)
        )
        async with client_of(endpoint) as client:
            refused = await client.attempt(TO_AGENT_101)
        assert refused.disposition is FAULTS[Fault.TLS]
        assert KINDS[kind] in refused.detail
        assert "--client-cert" in refused.detail
        with pytest.raises(SettingsRefused, match=f"{KINDS[kind]}.*--client-cert.*nothing was"):
            await run_preflight(endpoint, connect_timeout_s=5.0, clock=SystemClock())
        with pytest.raises(ssl.SSLError) as examined:
            await shake_hands(endpoint)
        assert KINDS[kind] in refusal_in(examined.value)
    assert gateway.requests == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_who_has_the_certificate_is_let_in(tmp_path: Path, version: ssl.TLSVersion) -> None:
    with Blocking(wanting(version=version)) as gateway:
        endpoint = Endpoint(
            name="g", url=gateway.url, ca_pem=ca_pem(), client_cert=certificate(tmp_path, "good")
        )
        result = await run_preflight(endpoint, connect_timeout_s=5.0, clock=SystemClock())
        assert result.answered
        async with client_of(endpoint) as client:
            assert (await client.attempt(TO_AGENT_101)).retcode == "0"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "certificate required"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "bad certificate"),
        ("SSLV3_ALERT_CERTIFICATE_REVOKED", "certificate revoked"),
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "certificate unknown"),
        ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "unsupported certificate"),
        ("TLSV1_ALERT_UNKNOWN_CA", "unknown CA"),
        ("TLSV1_ALERT_ACCESS_DENIED", "access denied"),
        ("TLSV1_ALERT_DECRYPT_ERROR", "decrypt error"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "handshake failure"),
        ("TLSV1_UNRECOGNIZED_NAME", "unrecognized name"),
        # These may come at any time, also after a request was carried out.
        ("TLSV1_ALERT_INTERNAL_ERROR", ""),
        ("SSLV3_ALERT_BAD_RECORD_MAC", ""),
        ("TLSV1_ALERT_USER_CANCELLED", ""),
        ("DECRYPTION_FAILED_OR_BAD_RECORD_MAC", ""),
    ],
)
def test_only_what_refuses_a_handshake_is_never_sent(reason: str, said: str) -> None:
    for error in (
        ssl.SSLError(1, f"[SSL: {reason}] in words (_ssl.c:2580)"),
        OSError(1, f"[SSL: {reason}] in words"),
    ):
        assert said in refusal_in(error)
        assert bool(refusal_in(error)) is bool(said)
    assert refusal_in(None) == refusal_in(ConnectionResetError(104, "reset")) == ""


async def test_an_alert_on_a_connection_that_has_carried_requests_is_a_doubt() -> None:
    connection = HttpConnection(asyncio.get_running_loop(), lambda _channel: None)
    exchange = Exchange(None)
    exchange.connection = connection
    connection.begin(None)
    connection.lost = ssl.SSLError(1, "[SSL: TLSV1_ALERT_ACCESS_DENIED] tlsv1 alert access denied")
    assert "access denied" in exchange.refusal
    connection.begin(None)
    assert exchange.refusal == ""
