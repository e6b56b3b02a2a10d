"""The site's own GUID service: what it is asked, and whatever it may answer."""

from __future__ import annotations

import gzip
import ssl

import msgspec
import pytest

from bulkagent.errors import SettingsRefused
from bulkagent.gateway.credentials import Credential, SourceFailed
from bulkagent.gateway.credentials_from_http import GuidServiceAddress, HttpCredentials
from bulkagent.gateway.transport import HttpTransport
from tests.gateway.raw import GUID, TO_AGENT_101, RawGateway, Say, Then, ca_pem, http, raw_gateway

AGENT = msgspec.structs.replace(TO_AGENT_101, gateway="east 1", agent_id="101")
ANSWER = b'{"guid":"%s","cookie":"node=1","issued_at":"2026-01-31T06:00:00Z"}' % GUID.encode()
SAID = Credential(GUID, "node=1", 1_769_839_200_000)
OTHER = b'{"guid":"another"}'


def text(body: bytes, kind: bytes = b"text/plain; charset=utf-8") -> Say:
    return Say(http(body).reply.replace(b"\r\n\r\n", b"\r\nContent-Type: " + kind + b"\r\n\r\n", 1))


def broker_of(service: RawGateway, *, header: str = "", query: str = "") -> HttpCredentials:
    template = f"https://localhost:{service.port}/guids/{{gateway}}/{{agentid}}{query}"
    context = ssl.create_default_context(cadata=ca_pem().decode("ascii"))
    connections = HttpTransport(context, connect_timeout_s=5.0, timeout_s=10.0)
    return HttpCredentials(GuidServiceAddress.parse(template, header), connections)


async def test_the_question_to_the_byte() -> None:
    async with raw_gateway(http(ANSWER)) as service:
        guid_service = broker_of(
            service, header="Authorization: Bearer synthetic", query="?site=a%20b"
        )
        async with guid_service:
            assert await guid_service.credential(AGENT) == SAID
    line, *headers = service.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")
    assert line == b"GET /guids/east%201/101?site=a%20b HTTP/1.1"
    assert sorted(headers) == [
        b"Accept-Encoding: identity",
        b"Accept: application/json, text/plain",
        b"Authorization: Bearer synthetic",
        b"Host: localhost:%d" % service.port,
    ]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (http(ANSWER), SAID),
        (http(b'"JSESSIONID=%s"' % GUID.encode()), Credential(GUID)),
        (text(GUID.encode() + b"\n"), Credential(GUID)),
        (text(ANSWER, b"application/json"), SAID),
        (http(gzip.compress(ANSWER), b"Content-Encoding: gzip"), SAID),
        (http(b"null"), None),
        (http(b"{}"), None),
        (http(b'{"guid":null}'), None),
        (text(b""), None),
        (text(ANSWER), SAID),
        (http(GUID.encode()), Credential(GUID)),
        (http(b"who?", status=b"404 Not Found"), None),
    ],
)
async def test_what_it_may_say(reply: Say, said: Credential | None) -> None:
    async with raw_gateway(reply) as service, broker_of(service) as guid_service:
        assert await guid_service.credential(AGENT) == said


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (http(ANSWER, status=b"500 Internal Server Error"), "HTTP 500"),
        (http(ANSWER, status=b"403 Forbidden"), "HTTP 403"),
        (http(ANSWER, b"Location: https://elsewhere/", status=b"302 Found"), "HTTP 302"),
        (http(b"<html>"), "no GUID"),
        (http(b"\x8b\x02", b"Content-Encoding: br"), "not_a_gateway"),
        (http(b'{"guid":7}'), "no GUID"),
        (http(b'{"guid":"a b"}'), "may not stand in a header"),
        (text(b"a\r\nHost: evil"), "no GUID"),
        (text(b"\xc3\xa9"), "no GUID"),
        (text(b"\xff\xfe"), "no GUID"),
        (http(b'{"guid":"a","guid":"b"}'), "no GUID"),
        (http(b'{"guid":null,"more":{"a":1,"a":2}}'), "no GUID"),
        (Say(b"HTTP/1.1 200 OK\r\n", then=Then.ABORT), "reset"),
    ],
)
async def test_what_it_may_not_say_is_its_own_fault(reply: Say, why: str) -> None:
    async with raw_gateway(reply) as service, broker_of(service) as guid_service:
        with pytest.raises(SourceFailed, match=why) as failed:
            await guid_service.credential(AGENT)
    assert GUID not in str(failed.value)


async def test_an_answer_is_kept_until_it_is_refused() -> None:
    async with (
        raw_gateway(http(ANSWER), http(ANSWER), http(OTHER)) as service,
        broker_of(service) as guid_service,
    ):
        assert [await guid_service.credential(AGENT) for _ in range(3)] == [SAID] * 3
        assert len(service.requests) == 1
        assert not await guid_service.renewed(AGENT, SAID), "it says the same again"
        assert await guid_service.renewed(AGENT, SAID)
        assert await guid_service.credential(AGENT) == Credential("another")
        assert len(service.requests) == 3


async def test_a_failure_is_not_kept() -> None:
    failure = http(b"", status=b"503 Service Unavailable")
    async with (
        raw_gateway(failure, http(ANSWER), failure, http(OTHER)) as service,
        broker_of(service) as guid_service,
    ):
        with pytest.raises(SourceFailed):
            await guid_service.credential(AGENT)
        assert await guid_service.credential(AGENT) == SAID
        # Whether there is a newer one is not known, so the next attempt has to ask.
        assert await guid_service.renewed(AGENT, SAID)
        assert await guid_service.credential(AGENT) == Credential("another")


async def test_whose_session_is_gone_has_nothing_newer() -> None:
    gone = http(b"", status=b"404 Not Found")
    async with raw_gateway(http(ANSWER), gone) as service, broker_of(service) as guid_service:
        assert await guid_service.credential(AGENT) == SAID
        assert not await guid_service.renewed(AGENT, SAID)
        assert await guid_service.credential(AGENT) is None


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("https://guids/{agentid}?x={gateway}", ""),
        ("http://localhost:8080/{agentid}", ""),
        ("http://127.0.0.1/{agentid}", ""),
        ("http://[::1]:81/{agentid}", ""),
        ("http://guids/{agentid}", "https alone"),
        ("http://localhost.example/{agentid}", "https alone"),
        ("ftp://guids/{agentid}", "not the address"),
        ("guids/{agentid}", "not the address"),
        ("https:///{agentid}", "not the address"),
        ("https://user:secret@guids/{agentid}", "BULKAGENT_GUID_HEADER"),
        ("https://{agentid}.guids/", "host may not depend"),
        ("https://guids/", "must have {agentid}"),
        ("https://guids/{agentid}/{site}", "must have {agentid}"),
        ("https://guids/{agentid}/{}", "must have {agentid}"),
        ("https://guids:x/{agentid}", "host or port"),
        ("https://guids/ {agentid}", "spaces"),
        ("https://guids/\u00e9{agentid}", "spaces"),
    ],
)
def test_an_address_is_checked_before_anything_connects(template: str, why: str) -> None:
    if not why:
        assert GuidServiceAddress.parse(template).template == template
        return
    with pytest.raises(SettingsRefused) as refused:
        GuidServiceAddress.parse(template)
    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("header", ["secret", ": secret", "A b: secret", "A: sec\nret: x", "A:"])
def test_a_header_that_is_none_is_refused_and_not_quoted(header: str) -> None:
    with pytest.raises(SettingsRefused, match="NAME: VALUE") as refused:
        GuidServiceAddress.parse("https://guids/{agentid}", header)
    assert "secret" not in str(refused.value)


async def test_nothing_shows_what_it_knows() -> None:
    async with (
        raw_gateway(http(ANSWER)) as service,
        broker_of(service, header="X-Token: synthetic") as guid_service,
    ):
        await guid_service.credential(AGENT)
        shown = repr(guid_service) + repr(guid_service._address)
    assert GUID not in shown
    assert "synthetic" not in shown


@pytest.mark.parametrize(
    "body", [b'{"guid":"caf\xe9"}', b"caf\xe9", b"\xff\xfe\x00", b'{"caf\xe9":1}']
)
async def test_bytes_that_are_no_utf_8_are_a_fault_of_that_answer_alone(body: bytes) -> None:
    """They ended the whole run as a defect."""
    async with raw_gateway(text(body), text(ANSWER)) as service, broker_of(service) as guid_service:
        with pytest.raises(SourceFailed, match="something that is no GUID"):
            await guid_service.credential(AGENT)
        other = msgspec.structs.replace(AGENT, agent_id="102")
        assert await guid_service.credential(other) == SAID
