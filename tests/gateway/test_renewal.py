"""Asking once more for a GUID that was refused, and what goes with a GUID.

README: A GUID is asked for just before each request.
"""

from __future__ import annotations

import pytest

from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.credentials import Credential, SourceFailed
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.faults import FAULTS, Fault
from bulkagent.gateway.operations import SET_TALK_RIGHT
from bulkagent.gateway.retcodes import RETCODES, WITH_A_NEWER_GUID
from bulkagent.model import Assignment, Evidence, RetryCharge, Status
from tests.gateway.raw import GUID, SUCCESS, TO_AGENT_101, RawGateway, ca_pem, http, raw_gateway

OTHER = GUID.replace("0", "1")


class Scripted:
    """Says one credential after the other, and newer ones where it has any left."""

    def __init__(self, *credentials: Credential | None) -> None:
        self.left = list(credentials)
        self.refused: list[Credential] = []

    async def credential(self, _assignment: Assignment) -> Credential | None:
        return self.left[0]

    async def renewed(self, _assignment: Assignment, refused: Credential) -> bool:
        self.refused.append(refused)
        if len(self.left) == 1:
            return False
        self.left.pop(0)
        return True

    def fresh(self, _credential: Credential) -> bool:
        return False


def client_of(gateway: RawGateway, source: Scripted) -> GatewayClient:
    endpoint = Endpoint(name="g", url=gateway.url, ca_pem=ca_pem())
    return GatewayClient(endpoint, SET_TALK_RIGHT, source)


def refusal(code: str) -> bytes:
    return b'{"retcode":"%s","message":"refused"}' % code.encode()


@pytest.mark.parametrize("code", sorted(WITH_A_NEWER_GUID))
async def test_a_refused_guid_is_asked_for_once_more(code: str) -> None:
    source = Scripted(Credential(GUID), Credential(OTHER))
    async with (
        raw_gateway(http(refusal(code)), http(SUCCESS)) as gateway,
        client_of(gateway, source) as client,
    ):
        first = await client.attempt(TO_AGENT_101)
        second = await client.attempt(TO_AGENT_101)
    assert first.disposition is WITH_A_NEWER_GUID[code]
    assert second.disposition is RETCODES["0"]
    assert source.refused == [Credential(GUID)]
    assert b"\r\nGuid: " + GUID.encode() + b"\r\n" in gateway.requests[0]
    assert b"\r\nGuid: " + OTHER.encode() + b"\r\n" in gateway.requests[1]


@pytest.mark.parametrize("code", sorted(WITH_A_NEWER_GUID))
async def test_where_there_is_no_newer_one_the_refusal_stands(code: str) -> None:
    source = Scripted(Credential(GUID))
    async with (
        raw_gateway(http(refusal(code))) as gateway,
        client_of(gateway, source) as client,
    ):
        assert (await client.attempt(TO_AGENT_101)).disposition is RETCODES[code]
    assert len(source.refused) == 1


@pytest.mark.parametrize("code", ["100-007", "100-008", "000-002", "000-004", "0"])
async def test_other_answers_ask_for_nothing(code: str) -> None:
    source = Scripted(Credential(GUID), Credential(OTHER))
    async with (
        raw_gateway(http(refusal(code))) as gateway,
        client_of(gateway, source) as client,
    ):
        assert (await client.attempt(TO_AGENT_101)).disposition is RETCODES[code]
    assert source.refused == []


@pytest.mark.parametrize("code", sorted(WITH_A_NEWER_GUID))
def test_making_good_is_at_once_for_one_time_and_no_retry(code: str) -> None:
    plain, again = RETCODES[code], WITH_A_NEWER_GUID[code]
    assert (again.retries, again.at_once, again.charge) == (1, True, RetryCharge.NOTHING)
    assert (again.status, again.cause, again.evidence) == (
        plain.status,
        plain.cause,
        plain.evidence,
    )
    assert plain.charge is RetryCharge.RETRIES


async def test_the_cookie_that_came_with_a_guid_goes_with_it() -> None:
    source = Scripted(Credential(GUID, "node=3; lb=synthetic"))
    async with raw_gateway() as gateway, client_of(gateway, source) as client:
        await client.attempt(TO_AGENT_101)
    head = gateway.requests[0].split(b"\r\n")
    assert b"Cookie: node=3; lb=synthetic" in head
    assert len([line for line in head if line.lower().startswith(b"cookie")]) == 1


async def test_nothing_that_goes_with_a_guid_comes_back_in_an_attempt() -> None:
    cookie = "node=secret-affinity; lb=other-secret"
    words = f"no {GUID} and no secret-affinity and no {cookie}"
    reply = b'{"retcode":"100-009","message":"%s"}' % words.encode()
    source = Scripted(Credential(GUID, cookie))
    async with raw_gateway(http(reply)) as gateway, client_of(gateway, source) as client:
        attempt = await client.attempt(TO_AGENT_101)
    for secret in (GUID, "secret-affinity", "other-secret"):
        assert secret not in attempt.message


async def test_a_source_that_fails_is_a_fault_of_the_source_and_nothing_is_sent() -> None:
    class Failing(Scripted):
        async def credential(self, _assignment: Assignment) -> Credential | None:
            raise SourceFailed("the GUID service answered HTTP 500")

    async with raw_gateway() as gateway, client_of(gateway, Failing()) as client:
        attempt = await client.attempt(TO_AGENT_101)
    assert attempt.disposition is FAULTS[Fault.GUID_SOURCE]
    assert attempt.disposition.status is Status.FAILED
    assert attempt.disposition.evidence is Evidence.ORDINARY
    assert attempt.detail == "the GUID service answered HTTP 500"
    assert (gateway.requests, gateway.connections) == ([], 0)


def test_a_credential_shows_nothing() -> None:
    credential = Credential(GUID, "node=secret")
    assert repr(credential) == str(credential) == "<Credential>"
    assert set(credential.secrets) == {GUID, "node=secret", "secret"}
    assert Credential(GUID).secrets == (GUID,)
