"""What only the HTTP library can raise, and the table that every exception of it goes through."""

from __future__ import annotations

import errno
import importlib
import inspect
import ssl
import sys
from collections.abc import Mapping
from typing import Any
from unittest import mock

import aiohttp
import pytest
from aiohttp import client_exceptions
from aioresponses import aioresponses
from yarl import URL

from bulkagent import gateway
from bulkagent.attempt import Attempt
from bulkagent.gateway import transport
from bulkagent.gateway.connection_pool import ConnectionPool
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.exchange_faults import _FAULTS, fault_of
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Delivery
from tests.gateway.raw import GUID, TO_AGENT_101, client_of

ADDRESS = "https://gw.invalid:8043"
WHOLE = f"{ADDRESS}/agentgateway/resource/onlineagent/101/settalkright?flag=0"


async def attempt() -> Attempt:
    async with client_of(Endpoint(name="g", url=ADDRESS)) as client:
        return await client.attempt(TO_AGENT_101)


async def test_canned_replies_go_through_the_client(canned: aioresponses) -> None:
    canned.post(WHOLE, body='{"retcode":"0","message":"success"}')
    canned.post(WHOLE, status=503, body="<html>")
    assert (await attempt()).disposition is RETCODES["0"]
    assert (await attempt()).disposition is FAULTS[Fault.UNAVAILABLE]
    ((method, url),) = canned.requests
    assert (method, str(url)) == ("POST", WHOLE)


async def test_canned_replies_are_seen_that_were_there_before_the_transport(
    canned: aioresponses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is imported by the first client that needs it, which may be within somebody's test."""
    monkeypatch.delitem(sys.modules, transport.__name__)
    monkeypatch.setattr(gateway, "transport", transport)  # which the import replaces
    importlib.import_module(transport.__name__)
    canned.post(WHOLE, body='{"retcode":"0","message":"success"}')
    assert (await attempt()).disposition is RETCODES["0"]


class Forwarding:
    """A wrapper that passes on each question about itself, as tracing libraries put round methods.

    Args:
        wrapped: What it wraps.
    """

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def __get__(self, session: aiohttp.ClientSession, _: object) -> Any:
        self.calls += 1
        return self._wrapped.__get__(session)


@pytest.fixture
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Forwarding]:
    """The library's methods by which requests leave, wrapped; each finds no server."""
    refused = connector_error(aiohttp.ClientConnectorError, ConnectionRefusedError(111, "refused"))
    monkeypatch.setattr(ConnectionPool, "connect", mock.AsyncMock(side_effect=refused))
    return {name: Forwarding(vars(aiohttp.ClientSession)[name]) for name in ("request", "_request")}


async def test_a_wrapper_sees_each_request_though_it_looks_like_the_librarys_own(
    nobody_there: Mapping[str, Forwarding], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapper = nobody_there["_request"]
    monkeypatch.setattr(aiohttp.ClientSession, "_request", wrapper)
    assert (await attempt()).disposition is FAULTS[Fault.REFUSED]
    assert wrapper.calls == 1


@pytest.mark.parametrize("ending", ["", "c"])
async def test_the_librarys_longer_way_is_left_out_with_or_without_its_sources(
    nobody_there: Mapping[str, Forwarding], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    longer = nobody_there["request"]
    monkeypatch.setattr(aiohttp.ClientSession, "request", longer)
    monkeypatch.setattr(aiohttp.client, "__file__", aiohttp.client.__file__ + ending)
    assert (await attempt()).disposition is FAULTS[Fault.REFUSED]
    assert longer.calls == 0


async def test_canned_replies_still_need_the_argument_that_aioresponses_leaves_out() -> None:
    """When this fails, take the shim out of tests/conftest.py."""
    with aioresponses() as bare:
        bare.post(WHOLE, body="{}")
        with pytest.raises(TypeError, match="stream_writer"):
            await attempt()


def connector_error(kind: type[aiohttp.ClientConnectorError], reason: OSError) -> Exception:
    return kind(mock.Mock(host="gw.invalid", port=8043, ssl=True), reason)


RAISED: list[tuple[Exception, Fault]] = [
    (connector_error(aiohttp.ClientConnectorDNSError, OSError(-2, "no such name")), Fault.DNS),
    (connector_error(aiohttp.ClientConnectorError, OSError(113, "no route")), Fault.REFUSED),
    (
        connector_error(aiohttp.ClientConnectorError, TimeoutError(errno.ETIMEDOUT, "SYN lost")),
        Fault.REFUSED,
    ),
    (connector_error(aiohttp.ClientConnectorSSLError, ssl.SSLError(1, "odd")), Fault.TLS),
    (
        connector_error(
            aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError(1, "expired")
        ),
        Fault.TLS,
    ),
    (aiohttp.ConnectionTimeoutError(f"Connection timeout to {WHOLE}"), Fault.CONNECT_TIMEOUT),
    (aiohttp.SocketTimeoutError(f"Timeout on reading from {WHOLE}"), Fault.READ_TIMEOUT),
    (aiohttp.ServerTimeoutError(), Fault.READ_TIMEOUT),
    (TimeoutError(), Fault.READ_TIMEOUT),
    (aiohttp.ClientPayloadError(f"b'{GUID[:20]}'"), Fault.TRUNCATED),
    (
        aiohttp.ClientResponseError(
            mock.Mock(real_url=URL(WHOLE)), (), status=400, message=f"Bad status line {GUID[:20]}"
        ),
        Fault.NOT_A_GATEWAY,
    ),
    (aiohttp.ServerDisconnectedError(f"Set-Cookie: {GUID[:20]}"), Fault.RESET),
    (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), Fault.RESET),
    (aiohttp.ClientConnectionResetError("Cannot write to closing transport"), Fault.RESET),
    (aiohttp.ClientConnectionError(f"echo of {GUID}"), Fault.RESET),
    (ConnectionResetError(errno.ECONNRESET, "reset"), Fault.RESET),
    (BrokenPipeError(errno.EPIPE, "broken pipe"), Fault.RESET),
    (OSError(errno.EMFILE, "Too many open files"), Fault.RESET),
]


@pytest.mark.parametrize(("error", "fault"), RAISED, ids=lambda value: type(value).__name__)
async def test_what_the_library_raises_is_an_attempt_with_its_fault(
    canned: aioresponses, error: Exception, fault: Fault
) -> None:
    canned.post(WHOLE, exception=error)
    ended = await attempt()
    assert ended.disposition is FAULTS[fault]
    assert (ended.http_status, ended.retcode, ended.message) == (0, "", "")
    assert ended.detail
    assert "agentgateway" not in ended.detail
    assert GUID[:20] not in ended.detail


@pytest.mark.parametrize("error", [RuntimeError("a defect"), ValueError("another"), KeyError("x")])
async def test_a_defect_is_not_taken_for_a_fault_of_the_network(
    canned: aioresponses, error: Exception
) -> None:
    canned.post(WHOLE, exception=error)
    with pytest.raises(type(error)):
        await attempt()


KINDS = [
    kind
    for _, kind in inspect.getmembers(client_exceptions, inspect.isclass)
    if issubclass(kind, aiohttp.ClientError)
]
# Raised only while there is no connection yet, or while one is being made.
BEFORE_SENDING = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@pytest.mark.parametrize("kind", KINDS)
def test_never_sent_is_claimed_for_nothing_that_can_happen_after_sending(
    kind: type[aiohttp.ClientError],
) -> None:
    fault, _ = fault_of(kind.__new__(kind))
    never_sent = FAULTS[fault].delivery is Delivery.NEVER_SENT
    assert never_sent is issubclass(kind, BEFORE_SENDING)


def test_no_row_of_the_table_of_exceptions_is_hidden_by_an_earlier_one() -> None:
    rows = [raised for raised, _, _ in _FAULTS]
    for number, raised in enumerate(rows):
        assert not any(issubclass(raised, earlier) for earlier in rows[:number])
