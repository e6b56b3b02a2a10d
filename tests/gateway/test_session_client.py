"""Requests about sessions to the byte, and what literal replies make of them."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import AsyncIterator

import pytest

from bulkagent.clock import SystemClock
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.session_client import SessionClient
from bulkagent.gateway.session_requests import (
    Answer,
    SignIn,
    cookies_of,
    guid_of,
    must_change_password,
    renewed_in,
)
from bulkagent.model import Delivery
from tests.gateway.raw import GUID, SUCCESS, RawGateway, Say, Then, ca_pem, http, raw_gateway

PASSWORD = "synthetic-password"
SIGN_IN = SignIn(
    "101", {"status": 3, "autoanswer": False, "password": PASSWORD, "phonenum": "7101"}
)
OLD = Credential("old.AgentGateway1", "node=first; lb=balancer-4", 5)
NEW_GUID = f"Set-GUID: JSESSIONID={GUID}".encode()


@contextlib.asynccontextmanager
async def talking(*script: Say) -> AsyncIterator[tuple[RawGateway, SessionClient]]:
    async with raw_gateway(*script) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        async with SessionClient(endpoint, SystemClock()) as client:
            yield gateway, client


def assert_request(request: bytes, gateway: RawGateway, line: bytes, *headers: bytes) -> None:
    """The request line, and these headers in any order and no others."""
    said, *rest = request.removesuffix(b"\r\n\r\n").split(b"\r\n")
    assert said == line + b" HTTP/1.1"
    usual = {
        b"Accept-Encoding: identity",
        b"Host: localhost:%d" % gateway.port,
        b"Content-Type: application/json; charset=UTF-8",
    }
    assert set(rest) == usual | set(headers)
    assert len(rest) == len(set(rest))


@pytest.mark.parametrize(("forced", "tail"), [(False, b""), (True, b"/forcelogin")])
async def test_a_sign_in_is_the_interfaces_on_a_connection_of_its_own(
    forced: bool, tail: bytes
) -> None:
    body = b'{"status":3,"autoanswer":false,"password":"synthetic-password","phonenum":"7101"}'
    async with talking(http(SUCCESS, NEW_GUID, then=Then.CLOSE)) as (gateway, client):
        for _ in range(2):
            await client.sign_in(SIGN_IN, forced=forced)
        assert gateway.connections == 2
        for request in gateway.requests:
            assert_request(
                request,
                gateway,
                b"PUT /agentgateway/resource/onlineagent/101" + tail,
                b"Content-Length: %d" % len(body),
                b"Connection: close",
            )
    assert SIGN_IN.body == body


async def test_a_poll_carries_guid_and_cookie_and_keeps_its_connection() -> None:
    async with talking(http(SUCCESS)) as (gateway, client):
        for returning in (True, False):
            answer = await client.poll("101", OLD, returning=returning)
            assert answer.disposition.name == "0"
            assert answer.credential is None
        assert gateway.connections == 1
        for request in gateway.requests:
            assert_request(
                request,
                gateway,
                b"GET /agentgateway/resource/agentevent/101",
                b"Guid: old.AgentGateway1",
                b"Cookie: node=first; lb=balancer-4",
            )


async def test_a_sign_out_is_the_interfaces() -> None:
    async with talking(http(SUCCESS)) as (gateway, client):
        assert (await client.sign_out("101", OLD)).disposition.name == "0"
        assert_request(
            gateway.requests[0],
            gateway,
            b"DELETE /agentgateway/resource/onlineagent/101/logout",
            b"Guid: old.AgentGateway1",
            b"Cookie: node=first; lb=balancer-4",
            b"Connection: close",
            b"Content-Length: 0",
        )


async def test_a_renewal_is_the_interfaces_and_brings_a_guid() -> None:
    body = b'{"retcode":"0","message":"success","result":{"guid":"%s"}}' % GUID.encode()
    async with talking(http(body), http(SUCCESS)) as (gateway, client):
        answer = await client.renew("101", OLD)
        assert answer.credential is not None
        assert (answer.credential.guid, answer.credential.cookie) == (GUID, OLD.cookie)
        assert_request(
            gateway.requests[0],
            gateway,
            b"PUT /agentgateway/resource/onlineagent/101/updateGuid",
            b"Guid: old.AgentGateway1",
            b"Cookie: node=first; lb=balancer-4",
            b"Content-Length: 0",
        )
        assert (await client.renew("101", OLD)).credential is None


async def signed_in_with(*headers: bytes, body: bytes = SUCCESS) -> Answer:
    async with talking(http(body, *headers, then=Then.CLOSE)) as (_, client):
        return await client.sign_in(SIGN_IN)


async def test_a_sign_in_brings_guid_and_cookies() -> None:
    answer = await signed_in_with(
        NEW_GUID, b"Set-Cookie: node=2; Path=/; Secure", b"Set-Cookie: lb=b; HttpOnly"
    )
    assert answer.credential is not None
    assert answer.credential.guid == GUID
    assert answer.credential.cookie == "node=2; lb=b"
    assert answer.credential.issued_at is not None
    plain = await signed_in_with(b"Guid: " + GUID.encode())
    assert plain.credential is not None
    assert plain.credential.guid == GUID


async def test_a_sign_in_without_a_guid_brings_no_credential() -> None:
    answer = await signed_in_with()
    assert answer.disposition.name == "0"
    assert answer.credential is None


@pytest.mark.parametrize(("said", "must"), [(b'"true"', True), (b"true", True), (b'""', False)])
async def test_a_password_that_must_be_changed_is_said(said: bytes, must: bool) -> None:
    body = b'{"retcode":"0","message":"","result":{"vdnid":1,"isForceChange":%s}}' % said
    assert (await signed_in_with(NEW_GUID, body=body)).must_change_password is must


async def test_a_poll_brings_a_renewed_guid_and_the_cookies_stay() -> None:
    async with talking(http(SUCCESS, NEW_GUID)) as (_, client):
        answer = await client.poll("101", OLD)
    assert answer.credential is not None
    assert (answer.credential.guid, answer.credential.cookie) == (GUID, OLD.cookie)
    assert answer.credential.issued_at != OLD.issued_at


async def test_a_compressed_reply_is_read() -> None:
    body = b'{"retcode":"0","result":{"guid":"%s"}}' % GUID.encode()
    async with talking(http(zlib.compress(body), b"Content-Encoding: deflate")) as (_, client):
        renewed = (await client.renew("101", OLD)).credential
        assert renewed is not None
        assert renewed.guid == GUID


async def test_a_poll_brings_a_cookie_alone() -> None:
    async with talking(http(SUCCESS, b"Set-Cookie: lb=c")) as (_, client):
        answer = await client.poll("101", OLD)
    assert answer.credential is not None
    assert (answer.credential.guid, answer.credential.cookie) == (OLD.guid, "node=first; lb=c")
    assert answer.credential.issued_at == OLD.issued_at


async def test_a_refusal_brings_nothing_else() -> None:
    refused = b'{"retcode":"100-006","message":"agent not login"}'
    async with talking(http(refused, NEW_GUID)) as (_, client):
        answer = await client.poll("101", OLD)
    assert answer.disposition.name == "100-006"
    assert answer.message == "agent not login"
    assert answer.credential is None


@pytest.mark.parametrize(
    "reply",
    [
        http(SUCCESS, NEW_GUID, status=b"401 Unauthorized"),
        http(SUCCESS, NEW_GUID, status=b"502 Bad Gateway"),
        http(b'{"retcode":"100-006","retcode":"0"}', NEW_GUID),
    ],
)
async def test_a_0_that_is_no_clear_success_brings_no_session(reply: Say) -> None:
    """Duplicate keys, or a "0" under another HTTP status than 200."""
    async with talking(reply) as (_, client):
        answers = [await client.sign_in(SIGN_IN), await client.poll("101", OLD)]
        answers += [await client.renew("101", OLD), await client.sign_out("101", OLD)]
    assert {answer.disposition.delivery for answer in answers} == {Delivery.IN_DOUBT}
    assert not any(answer.credential for answer in answers)


def test_what_comes_twice_in_a_body_is_not_read() -> None:
    twice = b'{"result":{"guid":"%s","guid":"%s","isForceChange":"true"}}'
    twice = twice % (GUID.encode(), GUID.encode())
    assert renewed_in(twice) == ""
    assert not must_change_password(twice)


async def test_a_sign_in_that_breaks_off_is_in_doubt_and_not_sent_again() -> None:
    """Aiohttp resends a PUT by itself after a broken connection; a sign-in must not be."""
    async with talking(Say(then=Then.ABORT)) as (gateway, client):
        answer = await client.sign_in(SIGN_IN)
        assert len(gateway.requests) == 1
    assert answer.disposition.delivery is Delivery.IN_DOUBT


async def test_nobody_there_is_never_sent() -> None:
    async with talking() as (gateway, client):
        await gateway.end()
        endpoint = Endpoint(name="g", url="https://localhost:1", ca_pem=ca_pem())
        async with SessionClient(endpoint, SystemClock()) as nobody:
            assert (await nobody.sign_in(SIGN_IN)).disposition.delivery is Delivery.NEVER_SENT
            assert (await nobody.poll("101", OLD, returning=True)).disposition.delivery is (
                Delivery.NEVER_SENT
            )
        assert client is not nobody


async def test_what_the_gateway_repeats_of_secrets_is_not_shown() -> None:
    said = b'{"retcode":"100-004","message":"no %s, no %s"}' % (PASSWORD.encode(), GUID.encode())
    answer = await signed_in_with(body=said)
    assert answer.message == "no (redacted), no (redacted)"
    assert PASSWORD not in repr(answer) + repr(SIGN_IN)


@pytest.mark.parametrize(
    ("set_guid", "guid", "found"),
    [
        (f"JSESSIONID={GUID}", None, GUID),
        (f"JSESSIONID={GUID}; Path=/", "other", GUID),
        (None, GUID, GUID),
        ("JSESSIONID=", GUID, GUID),
        ("JSESSIONID=a b", None, ""),
        ("x" * 5_000, None, ""),
        (None, None, ""),
    ],
)
def test_a_guid_is_read_from_either_header(
    set_guid: str | None, guid: str | None, found: str
) -> None:
    assert guid_of(set_guid, guid) == found


@pytest.mark.parametrize(
    ("before", "cookies", "after"),
    [
        ("", [], ""),
        ("a=1", [], "a=1"),
        ("a=1", ["b=2; Path=/"], "a=1; b=2"),
        ("a=1; b=2", ["a=3"], "a=3; b=2"),
        ("a=1", ["a=; Max-Age=0"], ""),
        ("a=1", ["nonsense"], "a=1"),
        ("a=1", ["b=\x07"], "a=1"),
    ],
)
def test_cookies_are_laid_over_the_earlier_ones(
    before: str, cookies: list[str], after: str
) -> None:
    assert cookies_of(before, cookies) == after
