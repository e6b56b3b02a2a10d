"""The request to the byte, and what literal replies make of it."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from pathlib import Path

import msgspec
import pytest

from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.credentials import Credential
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.retcodes import RETCODES
from bulkagent.model import Assignment, Cause, Status
from tests.gateway.raw import (
    GUID,
    SUCCESS,
    TO_AGENT_101,
    OneGuid,
    RawGateway,
    Say,
    Then,
    authority,
    ca_pem,
    client_of,
    http,
    raw_gateway,
    server_context,
)


def assert_is_settalkright(request: bytes, gateway: RawGateway, path: bytes) -> None:
    """Request line, exactly five headers in any order and spelling of names, and no body."""
    head, end, body = request.partition(b"\r\n\r\n")
    assert (end, body) == (b"\r\n\r\n", b"")
    line, *headers = head.split(b"\r\n")
    assert line == b"POST " + path + b" HTTP/1.1"
    assert sorted(headers) == [
        b"Accept-Encoding: identity",
        b"Content-Length: 0",
        b"Content-Type: application/json; charset=UTF-8",
        b"Guid: " + GUID.encode(),
        b"Host: localhost:%d" % gateway.port,
    ]


PATH = b"/agentgateway/resource/onlineagent/101/settalkright?flag=0"


async def test_the_request_is_the_interfaces_and_nothing_more_also_after_a_cookie() -> None:
    cookie = b"Set-Cookie: JSESSIONID=synthetic; Path=/"
    async with (
        raw_gateway(http(SUCCESS, cookie, b"Set-GUID: JSESSIONID=other")) as gateway,
        client_of(gateway) as client,
    ):
        for _ in range(2):
            assert (await client.attempt(TO_AGENT_101)).disposition is RETCODES["0"]
    assert gateway.connections == 1
    assert len(gateway.requests) == 2
    for request in gateway.requests:
        assert_is_settalkright(request, gateway, PATH)
    assert gateway.left_over == b""


@pytest.mark.parametrize(
    ("front", "agent_id", "arguments", "path"),
    [
        ("", "59999", "flag=1", b"/agentgateway/resource/onlineagent/59999/settalkright?flag=1"),
        ("/a%20b/", "101", "flag=0", b"/a%20b" + PATH),
        ("/front/agentgateway/resource", "101", "flag=0", b"/front" + PATH),
    ],
)
async def test_agent_flag_and_the_path_in_front_go_into_the_request_line(
    front: str, agent_id: str, arguments: str, path: bytes
) -> None:
    assignment = msgspec.structs.replace(TO_AGENT_101, agent_id=agent_id, arguments=arguments)
    async with raw_gateway() as gateway:
        endpoint = Endpoint.parse(gateway.url + front, ca_pem=ca_pem())
        async with client_of(endpoint) as client:
            assert (await client.attempt(assignment)).retcode == "0"
    assert_is_settalkright(gateway.requests[0], gateway, path)


async def test_each_request_carries_its_own_agents_guid_and_flag() -> None:
    class ByAgent(OneGuid):
        async def credential(self, assignment: Assignment) -> Credential | None:
            return Credential(f"of-{assignment.agent_id}")

    async with raw_gateway() as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        async with GatewayClient(endpoint, SET_TALK_RIGHT, ByAgent()) as client:
            for agent_id, arguments in (("101", "flag=0"), ("102", "flag=1"), ("103", "flag=0")):
                await client.attempt(
                    msgspec.structs.replace(TO_AGENT_101, agent_id=agent_id, arguments=arguments)
                )
    for request, number, flag in zip(gateway.requests, (101, 102, 103), (0, 1, 0), strict=True):
        assert b"/%d/settalkright?flag=%d HTTP" % (number, flag) in request
        assert b"Guid: of-%d\r\n" % number in request


async def test_proxies_of_the_environment_get_to_see_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with raw_gateway(plain=True) as proxy, raw_gateway() as gateway:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://localhost:{proxy.port}")
        async with client_of(gateway) as client:
            assert (await client.attempt(TO_AGENT_101)).retcode == "0"
    assert proxy.connections == 0


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        http(),
        Say(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(SUCCESS), SUCCESS)),
        Say(CHUNKED + b"5\r\n%b\r\n2a\r\n%b\r\n0\r\n\r\n" % (SUCCESS[:5], SUCCESS[5:])),
        Say(b"HTTP/1.0 200 OK\r\n\r\n" + SUCCESS, Then.CLOSE),
        Say(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + SUCCESS, Then.CLOSE),
        Say(b"HTTP/1.1 100 Continue\r\n\r\n" + http().reply),
        http(SUCCESS, b"Content-Type: text/html"),
        http(SUCCESS, status=b"200 "),
    ],
)
async def test_a_success_arrives_however_it_is_delivered(reply: Say) -> None:
    async with raw_gateway(reply) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is RETCODES["0"]
    assert (attempt.retcode, attempt.message, attempt.detail) == ("0", "success", "")
    assert attempt.http_status == 200
    assert len(gateway.requests) == 1


RAW = zlib.compress(SUCCESS)[2:-4]


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(SUCCESS), b"gzip"),
        (gzip.compress(SUCCESS), b"X-GZIP"),
        (gzip.compress(SUCCESS[:9]) + gzip.compress(SUCCESS[9:]), b"gzip"),
        (zlib.compress(SUCCESS), b"deflate"),
        (RAW, b"deflate"),
        (gzip.compress(RAW), b"deflate, gzip"),
        (gzip.compress(SUCCESS), b"identity,gzip"),
        (SUCCESS, b"br"),
    ],
    ids=lambda value: "" if len(value) > 20 else value.decode(),
)
async def test_a_compressed_reply_is_read_although_accept_encoding_is_identity(
    body: bytes, coding: bytes
) -> None:
    """Gzip and deflate, as a balancer in front of a gateway makes them unasked."""
    reply = http(body, b"Content-Encoding: " + coding)
    async with raw_gateway(reply) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is RETCODES["0"]
    assert b"Accept-Encoding: identity\r\n" in gateway.requests[0]


async def test_another_compression_is_named() -> None:
    reply = http(b"\x8b\x02" * 9, b"Content-Encoding: br")
    async with raw_gateway(reply) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is FAULTS[Fault.NOT_A_GATEWAY]
    assert "compressed (br)" in attempt.detail


async def test_a_success_under_another_status_is_a_doubt_that_shows_what_was_said() -> None:
    reply = http(SUCCESS, status=b"500 Internal Server Error")
    async with raw_gateway(reply) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition == FAULTS[Fault.SERVER_ERROR]
    assert (attempt.retcode, attempt.message, attempt.http_status) == ("0", "success", 500)


BIG = b'{"retcode":"0","padding":"' + b"x" * 70_000 + b'"}'


@pytest.mark.parametrize(
    ("reply", "fault", "http_status"),
    [
        (http(b"OK"), Fault.NOT_A_GATEWAY, 200),
        (http(b""), Fault.NOT_A_GATEWAY, 200),
        (Say(b"HTTP/1.1 204 No Content\r\n\r\n"), Fault.NOT_A_GATEWAY, 204),
        (http(b"<html>", status=b"502 Bad Gateway"), Fault.SERVER_ERROR, 502),
        (http(b"<html>", status=b"503 Service Unavailable"), Fault.UNAVAILABLE, 503),
        (http(b"", status=b"429 Too Many Requests"), Fault.TOO_MANY, 429),
        (http(b"", b"Location: /x", status=b"302 Found"), Fault.REDIRECT, 302),
        (http(BIG), Fault.OVERSIZED, 200),
        (Say(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BIG), BIG)), Fault.OVERSIZED, 200),
        (Say(b"HTTP/1.0 200 OK\r\n\r\n" + BIG, Then.HANG), Fault.OVERSIZED, 200),
        (http(SUCCESS, b"Content-Encoding: gzip"), None, 200),
        (http(gzip.compress(SUCCESS)[:-1], b"Content-Encoding: gzip"), Fault.NOT_A_GATEWAY, 0),
        (http(gzip.compress(BIG), b"Content-Encoding: gzip"), Fault.OVERSIZED, 200),
        (http(b"\x8b\x02" * 9, b"Content-Encoding: br"), Fault.NOT_A_GATEWAY, 0),
        (Say(http(SUCCESS).reply[:-1], Then.CLOSE), Fault.TRUNCATED, 0),
        (Say(http(SUCCESS + b" ").reply[:-1], Then.CLOSE), Fault.TRUNCATED, 0),
        (Say(CHUNKED + b"30\r\n" + SUCCESS, Then.CLOSE), Fault.TRUNCATED, 0),
        (Say(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Then.CLOSE), Fault.NOT_A_GATEWAY, 0),
        (Say(b"HTTP/1.1 OK\r\n\r\n" + SUCCESS, Then.CLOSE), Fault.NOT_A_GATEWAY, 0),
        (http(SUCCESS, b"Content-Length: 3"), Fault.NOT_A_GATEWAY, 0),
        (http(SUCCESS, b"Bad header"), Fault.NOT_A_GATEWAY, 0),
        (http(SUCCESS, b"Long: " + b"x" * 10_000), Fault.NOT_A_GATEWAY, 0),
        (Say(b"", Then.ABORT), Fault.RESET, 0),
        (Say(b"", Then.CLOSE), Fault.RESET, 0),
        (Say(b"HTTP/1.1 200 OK\r\nSet-Coo", Then.CLOSE), Fault.RESET, 0),
    ],
)
async def test_a_reply_that_is_not_the_gateways_is_a_fault(
    reply: Say, fault: Fault | None, http_status: int
) -> None:
    async with raw_gateway(reply) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is (RETCODES["0"] if fault is None else FAULTS[fault])
    assert attempt.http_status == http_status
    assert bool(attempt.detail) is (fault is not None)
    assert len(gateway.requests) == 1


async def test_a_garbled_chunk_is_no_success_wherever_the_reader_was_by_then() -> None:
    garbled = Say(CHUNKED + b"%x\r\n%b\r\nzz\r\n" % (len(SUCCESS), SUCCESS), Then.CLOSE)
    async with raw_gateway(garbled) as gateway, client_of(gateway) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition.cause is Cause.BAD_REPLY


async def test_a_reply_without_end_is_left_after_64_kib() -> None:
    """The connection is closed, because what is still to come would be the next one's reply."""
    endless = Say(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + BIG, Then.HANG)
    async with raw_gateway(endless, http()) as gateway, client_of(gateway) as client:
        assert (await client.attempt(TO_AGENT_101)).disposition is FAULTS[Fault.OVERSIZED]
        assert (await client.attempt(TO_AGENT_101)).disposition is RETCODES["0"]
    assert gateway.connections == 2


async def test_a_redirect_is_not_followed_and_nobody_else_is_shown_the_guid() -> None:
    for status in (
        b"301 Moved",
        b"302 Found",
        b"303 See Other",
        b"307 Temporary",
        b"308 Permanent",
    ):
        async with raw_gateway() as elsewhere:
            location = b"Location: " + elsewhere.url.encode() + b"/sign-in"
            async with (
                raw_gateway(http(b"", location, status=status)) as gateway,
                client_of(gateway) as client,
            ):
                attempt = await client.attempt(TO_AGENT_101)
        assert attempt.disposition is FAULTS[Fault.REDIRECT]
        assert len(gateway.requests) == 1
        assert elsewhere.connections == 0


async def test_a_connection_that_the_gateway_drops_at_the_next_request_is_in_doubt() -> None:
    """The library must not send it again by itself; whether to is the run's decision."""
    for end in (Then.ABORT, Then.CLOSE):
        async with (
            raw_gateway(http(), Say(then=end), http()) as gateway,
            client_of(gateway) as client,
        ):
            first, second, third = [await client.attempt(TO_AGENT_101) for _ in range(3)]
        assert first.disposition is third.disposition is RETCODES["0"]
        assert second.disposition is FAULTS[Fault.RESET]
        assert len(gateway.requests) == 3
        assert gateway.connections == 2


async def test_a_connection_that_the_gateway_closed_while_idle_is_no_crash() -> None:
    for end in (Then.ABORT, Then.CLOSE):
        async with raw_gateway(http(then=end)) as gateway, client_of(gateway) as client:
            first, second = [await client.attempt(TO_AGENT_101) for _ in range(2)]
        assert first.disposition is RETCODES["0"]
        assert second.disposition in (RETCODES["0"], FAULTS[Fault.RESET])
        assert len(gateway.requests) == 1 + (second.disposition is RETCODES["0"])


async def test_many_attempts_at_once_get_each_its_own_answer() -> None:
    """The server puts the agent's ID of each request in the place of {ID}."""
    agents = [msgspec.structs.replace(TO_AGENT_101, agent_id=str(n)) for n in range(1001, 1041)]
    echo = http(b'{"retcode":"999-{ID}","message":"of {ID}"}')
    async with raw_gateway(echo) as gateway, client_of(gateway) as client:
        attempts = await asyncio.gather(*map(client.attempt, agents))
    assert len(gateway.requests) == 40
    assert [attempt.message for attempt in attempts] == [f"of {n}" for n in range(1001, 1041)]
    assert [attempt.retcode for attempt in attempts] == [f"999-{n}" for n in range(1001, 1041)]


class TestSecrets:
    OTHER = "plain-Secret-of-an-odd-shape-" * 2

    @pytest.mark.parametrize("guid", [GUID, OTHER])
    @pytest.mark.parametrize(
        "template",
        [
            http(b'{"retcode":"100-006","message":"bad GUID"}'),
            http(b'{"retcode":"GUID","message":"no"}'),
            http(b'{"retcode":"xxxxxxxxxxGUID"}'),
            http(b'{"retcode":"1","message":"' + b"-" * 480 + b'GUID"}'),
            http(b'{"retcode":"1","message":{"guid":["GUID"]}}'),
            http(b'{"retcode":"1","msg":"GUID"}', status=b"429 Too Many Requests"),
            http(b'{"retcode":"1","msg":"GUID"}', status=b"302 Found"),
            http(b"GUID", b"Set-GUID: JSESSIONID=GUID"),
            Say(b"HTTP/1.1 200 GUID\r\nSet-Cookie: s=GUID\r\n", Then.CLOSE),
            Say(b"GUID\r\n\r\n", Then.CLOSE),
            Say(b"HTTP/1.1 200 OK\r\nGUID\r\n\r\n", Then.CLOSE),
            Say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nGuid: GUID\r\n\r\nGUID", Then.CLOSE),
            Say(CHUNKED + b"GUID\r\n", Then.CLOSE),
        ],
    )
    async def test_a_guid_that_the_server_repeats_is_in_no_part_of_the_attempt(
        self, guid: str, template: Say
    ) -> None:
        head, _, body = template.reply.replace(b"GUID", guid.encode()).partition(b"\r\n\r\n")
        if template.then is Then.KEEP:
            lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
            head = b"\r\n".join([*lines, b"Content-Length: %d" % len(body)])
        ending = b"\r\n\r\n" if b"\r\n\r\n" in template.reply else b""
        async with (
            raw_gateway(Say(head + ending + body, template.then)) as gateway,
            client_of(gateway, guid) as client,
        ):
            attempt = await client.attempt(TO_AGENT_101)
            assert guid not in repr(client)
        assert gateway.requests
        shown = repr(attempt) + repr(attempt.disposition)
        assert not any(guid[n : n + 10] in shown for n in range(len(guid) - 9))

    async def test_a_cookie_in_a_reply_that_breaks_off_is_in_no_part_of_the_attempt(self) -> None:
        broken = Say(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=synthetic\r\n", Then.CLOSE)
        async with raw_gateway(broken) as gateway, client_of(gateway) as client:
            attempt = await client.attempt(TO_AGENT_101)
        assert attempt.disposition is FAULTS[Fault.RESET]
        assert "synthetic" not in repr(attempt)

    async def test_a_guid_is_in_no_log(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        async with (
            raw_gateway(Say(b"", Then.ABORT), http()) as gateway,
            client_of(gateway) as client,
        ):
            for _ in range(2):
                await client.attempt(TO_AGENT_101)
        assert GUID not in caplog.text


async def test_without_a_guid_nothing_is_sent() -> None:
    async with raw_gateway() as gateway, client_of(gateway, None) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is FAULTS[Fault.NO_GUID]
    assert attempt.latency_ms == 0.0
    assert gateway.connections == 0


async def test_times_come_from_the_clock_that_was_given() -> None:
    class Counting:
        def __init__(self) -> None:
            self.now = 10.0

        def monotonic(self) -> float:
            self.now += 0.25
            return self.now

        def busy_s(self) -> float:
            return 0.0

        def wall_ms(self) -> int:
            return 1_700_000_000_123

        async def sleep(self, seconds: float) -> None:
            raise AssertionError(seconds)

    async with (
        raw_gateway(http(), Say(then=Then.ABORT)) as gateway,
        client_of(gateway, clock=Counting()) as client,
    ):
        attempts = [await client.attempt(TO_AGENT_101) for _ in range(2)]
    assert [attempt.sent_at for attempt in attempts] == [1_700_000_000_123] * 2
    assert [attempt.latency_ms for attempt in attempts] == [250.0] * 2


async def test_a_client_attempts_only_while_it_is_entered() -> None:
    async with raw_gateway() as gateway:
        client = client_of(gateway)
        with pytest.raises(RuntimeError, match="async with"):
            await client.attempt(TO_AGENT_101)
        async with client:
            assert (await client.attempt(TO_AGENT_101)).disposition.status is Status.APPLIED
        with pytest.raises(RuntimeError, match="async with"):
            await client.attempt(TO_AGENT_101)


async def test_a_client_certificate_is_presented_to_a_gateway_that_asks(tmp_path: Path) -> None:
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    authority().configure_trust(context)
    ours = tmp_path / "client.pem"
    authority().issue_cert("ops@example.org").private_key_and_cert_chain_pem.write_to_path(
        str(ours)
    )
    async with raw_gateway(context=context) as gateway:
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
        async with client_of(endpoint) as client:
            refused = await client.attempt(TO_AGENT_101)
        assert gateway.requests == []
        endpoint = msgspec.structs.replace(endpoint, client_cert=ours)
        async with client_of(endpoint) as client:
            assert (await client.attempt(TO_AGENT_101)).retcode == "0"
    # A server of asyncio's closes the connection without a word; one that says why, see
    # test_handshakes.py.
    assert refused.disposition in (FAULTS[Fault.RESET], FAULTS[Fault.TLS])
