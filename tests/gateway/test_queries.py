"""Questions about agents: the request to the byte, and what is made of replies."""

from __future__ import annotations

import gzip

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bulkagent.emulator import EmulatedGateway
from bulkagent.gateway.credentials import Credential, CredentialSource, SourceFailed
from bulkagent.gateway.endpoint import Endpoint
from bulkagent.gateway.queries import Queries, Unanswered
from bulkagent.gateway.query_requests import (
    LONGEST_LIST,
    AgentState,
    SkillAgents,
    agents_in,
    state_in,
)
from bulkagent.model import Assignment
from tests.gateway.raw import (
    GUID,
    TO_AGENT_101,
    OneGuid,
    RawGateway,
    Say,
    Then,
    ca_pem,
    http,
    raw_gateway,
)
from tests.reports.lines import PROPERTY


def replied(result: object, retcode: object = "0", message: str = "m") -> bytes:
    return msgspec.json.encode({"message": message, "retcode": retcode, "result": result})


def asking(gateway: RawGateway, credentials: CredentialSource | None = None) -> Queries:
    endpoint = Endpoint(name="g", url=f"{gateway.url}/behind/a/proxy", ca_pem=ca_pem())
    return Queries(endpoint, credentials or OneGuid())


def assert_is_get(request: bytes, gateway: RawGateway, path: bytes) -> None:
    """Request line, exactly four headers, and no body."""
    head, end, body = request.partition(b"\r\n\r\n")
    assert (end, body) == (b"\r\n\r\n", b"")
    line, *headers = head.split(b"\r\n")
    assert line == b"GET " + path + b" HTTP/1.1"
    assert sorted(headers) == [
        b"Accept-Encoding: identity",
        b"Content-Type: application/json; charset=UTF-8",
        b"Guid: " + GUID.encode(),
        b"Host: localhost:%d" % gateway.port,
    ]


PREFIX = b"/behind/a/proxy/agentgateway/resource"


async def test_the_requests_are_the_pages_and_nothing_more() -> None:
    script = (
        http(replied({"agentState": 4, "isWorking": False})),
        http(replied([{"workno": "101", "name": "a"}, {"workno": 102}])),
    )
    async with raw_gateway(*script) as gateway, asking(gateway) as queries:
        assert await queries.agent_state(TO_AGENT_101) is AgentState.IDLE
        listed = await queries.agents_of_skill(TO_AGENT_101, "7")
        assert listed == SkillAgents(frozenset({"101", "102"}))
        state, skill = gateway.requests
        assert_is_get(state, gateway, PREFIX + b"/onlineagent/101/agentstatus")
        assert_is_get(skill, gateway, PREFIX + b"/agentgroup/101/agentbyskill/7")


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (http(replied({}, "100-006", f"no session {GUID}")), "100-006 (no session (redacted))"),
        (http(replied({}, "100-008", "")), "100-008"),
        (http(b"<html>", status=b"503 Service Unavailable"), "HTTP 503 without a retcode"),
        (http(replied({"isWorking": True})), "the reply has no result that can be read"),
        (http(replied({"agentState": 4}), status=b"302 Found"), "0 (m)"),
        (http(replied({"agentState": 4}), status=b"401 Unauthorized"), "0 (m)"),
        (http(b'{"retcode":"100-006","retcode":"0","result":{}}'), "HTTP 200 without a retcode"),
        (
            http(b'{"retcode":"0","result":{"agentState":2,"agentState":4}}'),
            "HTTP 200 without a retcode",
        ),
        (
            http(b"\x8b\x02" * 9, b"Content-Encoding: zstd"),
            "the reply is compressed (zstd) although the request said Accept-Encoding: identity",
        ),
        (Say(then=Then.ABORT), "the connection ended before the reply"),
    ],
)
async def test_what_fails_is_said_without_secrets(say: Say, why: str) -> None:
    async with raw_gateway(say) as gateway, asking(gateway) as queries:
        answer = await queries.ask_state(TO_AGENT_101)
        assert isinstance(answer, Unanswered)
        assert answer.why == why
        assert await queries.agent_state(TO_AGENT_101) is None


async def test_nobody_is_asked_without_a_guid() -> None:
    class Silent(OneGuid):
        async def credential(self, assignment: Assignment) -> Credential | None:
            raise SourceFailed("the GUID service: refused")

    async with raw_gateway() as gateway:
        async with asking(gateway, OneGuid(None)) as queries:
            answer = await queries.agents_of_skill(TO_AGENT_101, "7")
            assert answer == Unanswered("there is no GUID for the agent")
        async with asking(gateway, Silent()) as queries:
            assert await queries.ask_state(TO_AGENT_101) == Unanswered("the GUID service: refused")
        assert gateway.requests == []


async def test_a_refused_guid_is_replaced_once_where_there_is_a_newer_one() -> None:
    class Renewing(OneGuid):
        async def renewed(self, assignment: Assignment, refused: Credential) -> bool:
            self._guid = "newer"
            return refused.guid == GUID

    refused = http(replied({}, "000-003"))
    for last, expected in (
        (http(replied({"agentState": "7"})), AgentState.TALKING),
        (refused, None),
    ):
        async with (
            raw_gateway(refused, last) as gateway,
            asking(gateway, Renewing()) as queries,
        ):
            assert await queries.agent_state(TO_AGENT_101) is expected
            assert b"Guid: newer\r\n" in gateway.requests[1] + b"\r\n"
            assert len(gateway.requests) == 2


async def test_a_list_of_500_with_all_their_details_is_read() -> None:
    details = {"name": "n" * 200, "skilllist": [1, 2, 3], "currentstatetime": 4}
    agents = [{"workno": str(number), **details} for number in range(1001, 1001 + LONGEST_LIST)]
    async with raw_gateway(http(replied(agents))) as gateway, asking(gateway) as queries:
        listed = await queries.agents_of_skill(TO_AGENT_101, "7")
        assert isinstance(listed, SkillAgents)
        assert listed.full
        assert not SkillAgents(frozenset(listed.ids - {"1001"})).full


async def test_a_compressed_list_is_read() -> None:
    listed = gzip.compress(replied([{"workno": str(number)} for number in range(101, 601)]))
    async with (
        raw_gateway(http(listed, b"Content-Encoding: gzip")) as gateway,
        asking(gateway) as queries,
    ):
        found = await queries.agents_of_skill(TO_AGENT_101, "7")
    assert isinstance(found, SkillAgents)
    assert len(found.ids) == 500


async def test_the_emulated_gateway_understands_both() -> None:
    async with EmulatedGateway(agent_ids=range(101, 104)) as gateway:
        guid = gateway.sign_in("101")
        gateway.sign_in("103")
        endpoint = Endpoint(name="g", url=gateway.url, ca_pem=gateway.ca_pem)
        async with Queries(endpoint, OneGuid(guid)) as queries:
            assert await queries.agent_state(TO_AGENT_101) is AgentState.IDLE
            listed = await queries.agents_of_skill(TO_AGENT_101, "1")
            assert listed == SkillAgents(frozenset({"101", "103"}))
            refused = await queries.agents_of_skill(TO_AGENT_101, "2")
            assert isinstance(refused, Unanswered)
            assert refused.retcode == "100-019"


@pytest.mark.parametrize(
    ("result", "ids"),
    [
        ([], set()),
        (["101", 102, 103.0], {"101", "102", "103"}),
        ([{"workNo": " 0101 "}, {"agentId": 102}, {"agentid": "103"}], {"101", "102", "103"}),
    ],
)
def test_lists_are_read_whatever_their_types(result: object, ids: set[str]) -> None:
    assert agents_in(replied(result)) == SkillAgents(frozenset(ids))


@pytest.mark.parametrize(
    "result", [None, {}, "101", [{"name": "a"}], ["101", "x"], [True], [None], [[101]], [1.5]]
)
def test_a_list_that_cannot_be_read_whole_is_none(result: object) -> None:
    """An agent missing from a list is taken for absent, so none may get lost in reading."""
    assert agents_in(replied(result)) is None


def test_a_result_with_duplicate_keys_is_none() -> None:
    assert state_in(b'{"result":{"agentState":2,"agentState":4}}') is None
    assert agents_in(b'{"result":[{"workno":1,"workno":2}]}') is None
    assert agents_in(b'{"result":[{"workno":1},{"workno":2}]}') == SkillAgents(
        frozenset({"1", "2"})
    )


def test_names_in_gbk_or_with_bare_tabs_lose_nobody() -> None:
    named = '{"retcode":"0","result":[{"workno":"101","name":"座席\t"}]}'
    for encoding in ("utf-8", "gbk"):
        assert agents_in(named.encode(encoding)) == SkillAgents(frozenset({"101"}))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (4, AgentState.IDLE),
        ("5", AgentState.WRAP_UP),
        (7.0, AgentState.TALKING),
        (6, AgentState.UNKNOWN),
        (99, AgentState.UNKNOWN),
        (True, None),
        ("idle", None),
    ],
)
def test_states_are_read_whatever_their_types(state: object, expected: AgentState | None) -> None:
    assert state_in(replied({"agentState": state})) is expected


def test_who_is_available_and_who_is_signed_in() -> None:
    """Page 0581; rest and busy are signed in, but no call comes."""
    assert {state.name for state in AgentState if state.available} == {"IDLE", "WRAP_UP", "TALKING"}
    assert {state.name for state in AgentState if not state.signed_in} == {"UNKNOWN", "SIGNED_OUT"}


@PROPERTY
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=6,
    ).map(replied)
)
def test_nothing_that_comes_back_is_a_defect(body: bytes) -> None:
    listed, state = agents_in(body), state_in(body)
    assert listed is None or all(agent_id.isdigit() for agent_id in listed.ids)
    assert state is None or state in AgentState
