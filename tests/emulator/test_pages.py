"""Each interface over HTTPS, by the pages that describe it.

Proves guide "See what was done to it".
"""

from __future__ import annotations

import re

import aiohttp
import pytest

from bulkagent.emulator import AgentIds, AgentRules, EmulatedGateway, Scenario, SignInRules
from tests.emulator.wire import (
    JSON_TYPE,
    PREFIX,
    Received,
    ask,
    connected,
    request,
    settalkright,
    sign_in,
    trusting,
)

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.AgentGateway1")


def signed_in(gateway: EmulatedGateway, agent_id: str) -> str:
    guid = gateway.sign_in(agent_id)
    assert guid is not None
    return guid


async def test_page_1223_sets_the_talk_right(gateway: EmulatedGateway) -> None:
    guid = signed_in(gateway, "101")
    # The request of the page's example, byte for byte but for host, agent and GUID.
    received = await ask(
        gateway,
        b"POST /agentgateway/resource/onlineagent/101/settalkright?flag=0 HTTP/1.1\r\n"
        b"Host: localhost\r\n"
        b"Content-Type:application/json; charset=UTF-8\r\n"
        b"Guid: " + guid.encode() + b"\r\n\r\n",
    )
    assert received.status == 200
    assert received.body == b'{"result":{},"message":"success","retcode":"0"}'
    assert received.headers["content-type"] == JSON_TYPE
    assert gateway.agents()[0].talk_right == 0
    assert (await ask(gateway, settalkright("101", guid, "?flag=1"))).retcode == "0"
    assert gateway.agents()[0].talk_right == 1
    assert gateway.agents()[0].times_set == 2


async def test_page_1223_takes_the_guid_header_in_any_case(gateway: EmulatedGateway) -> None:
    guid = signed_in(gateway, "101")
    headers = {"content-type": "application/json", "guid": guid}
    received = await ask(gateway, request("POST", f"{PREFIX}/101/settalkright?flag=0", headers))
    assert received.retcode == "0"


@pytest.mark.parametrize("query", ["", "?", "?flag=", "?flag=2", "?flag=0&flag=1", "?talk=1"])
async def test_page_1223_refuses_a_wrong_flag(gateway: EmulatedGateway, query: str) -> None:
    guid = signed_in(gateway, "101")
    received = await ask(gateway, settalkright("101", guid, query))
    assert (received.status, received.retcode) == (200, "000-002")
    assert gateway.agents()[0].times_set == 0


@pytest.mark.parametrize("agent_id", ["100", "60000", "121", "0101", "x", "%D9%A1"])
async def test_page_1223_refuses_an_agent_who_does_not_exist(
    gateway: EmulatedGateway, agent_id: str
) -> None:
    received = await ask(gateway, settalkright(agent_id, "any"))
    assert (received.status, received.retcode) == (200, "000-002")


@pytest.mark.parametrize("content_type", [{}, {"Content-Type": "text/plain"}])
async def test_page_1223_demands_the_content_type(
    gateway: EmulatedGateway, content_type: dict[str, str]
) -> None:
    guid = signed_in(gateway, "101")
    path = f"{PREFIX}/101/settalkright?flag=0"
    received = await ask(gateway, request("POST", path, {"Guid": guid, **content_type}))
    assert received.retcode == "000-002"


async def test_page_1223_is_the_only_method(gateway: EmulatedGateway) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        received = await ask(gateway, request(method, f"{PREFIX}/101/settalkright?flag=0"))
        assert (received.status, received.headers["allow"]) == (405, "POST")
    assert gateway.stats().requests == 0


async def test_page_1223_ignores_a_body(gateway: EmulatedGateway) -> None:
    guid = signed_in(gateway, "101")
    headers = {"Content-Type": JSON_TYPE, "Guid": guid}
    post = request("POST", f"{PREFIX}/101/settalkright?flag=0", headers, b"{}")
    async with connected(gateway) as wire:
        assert (await wire.exchange(post)).retcode == "0"
        assert (await wire.exchange(post)).retcode == "0"


async def test_page_0005_refuses_a_bad_guid(gateway: EmulatedGateway) -> None:
    never = await ask(gateway, settalkright("101", "any"))
    assert never.json == {"result": {}, "message": "agent not login", "retcode": "100-006"}
    signed_in(gateway, "101")
    other = signed_in(gateway, "102")
    for guid in (None, "", other):
        refused = await ask(gateway, settalkright("101", guid))
        assert refused.retcode == "000-003"
        assert refused.json["message"] == "no right to invite resouce"
    assert gateway.agents()[0].talk_right == 1


async def test_page_1202_signs_in(gateway: EmulatedGateway) -> None:
    received = await ask(gateway, sign_in("101"))
    guid = received.headers["guid"]
    assert GUID.fullmatch(guid)
    assert received.headers["set-guid"] == f"JSESSIONID={guid}"
    assert received.json == {
        "result": {
            "vdnid": 1,
            "workno": "101",
            "mediatype": "TTF",
            "loginTime": "1700000000000",
            "isForceChange": "false",
            "serverName": "emulated",
            "timeRemaining": "",
        },
        "message": "success",
        "retcode": "0",
    }
    assert gateway.agents()[0].signed_in
    assert gateway.agents()[0].talk_right == 1
    assert (await ask(gateway, settalkright("101", guid))).retcode == "0"


@pytest.mark.parametrize(
    ("agent_id", "fields", "retcode"),
    [
        ("101", {"phonenum": None}, "100-001"),
        ("101", {"password": "x" * 33}, "100-001"),
        ("101", {"colour": "blue"}, "100-001"),
        ("121", {}, "100-004"),
        ("60000", {}, "000-002"),
        ("x", {}, "000-002"),
    ],
)
async def test_page_1202_refuses(
    gateway: EmulatedGateway, agent_id: str, fields: dict[str, object], retcode: str
) -> None:
    received = await ask(gateway, sign_in(agent_id, **fields))
    assert (received.status, received.retcode) == (200, retcode)
    assert "guid" not in received.headers


async def test_page_1202_demands_the_content_type(gateway: EmulatedGateway) -> None:
    received = await ask(gateway, request("PUT", f"{PREFIX}/101", body=b"{}"))
    assert received.retcode == "000-002"


async def test_page_1202_refuses_a_second_sign_in(gateway: EmulatedGateway) -> None:
    guid = signed_in(gateway, "101")
    assert (await ask(gateway, sign_in("101"))).retcode == "100-002"
    assert gateway.sign_in("101") == guid


async def test_page_1202_refuses_a_wrong_password() -> None:
    scenario = Scenario(sign_in=SignInRules(password="right"))
    async with EmulatedGateway(scenario) as gateway:
        assert (await ask(gateway, sign_in("101"))).retcode == "100-004"
        assert (await ask(gateway, sign_in("101", password="right"))).retcode == "0"


@pytest.mark.parametrize("status", [3, 4, 5])
async def test_page_1222_tells_the_state(gateway: EmulatedGateway, status: int) -> None:
    guid = (await ask(gateway, sign_in("101", status=status))).headers["guid"]
    received = await ask(gateway, request("GET", f"{PREFIX}/101/agentstatus", {"Guid": guid}))
    assert received.json["result"] == {"agentState": status, "isWorking": False}


async def test_page_1222_refuses_a_bad_guid(gateway: EmulatedGateway) -> None:
    async def retcode(agent_id: str) -> object:
        path = f"{PREFIX}/{agent_id}/agentstatus"
        return (await ask(gateway, request("GET", path, {"Guid": "any"}))).retcode

    assert await retcode("101") == "100-006"
    signed_in(gateway, "101")
    assert await retcode("101") == "000-003"
    assert await retcode("121") == "000-002"


async def test_page_1219_signs_out(gateway: EmulatedGateway) -> None:
    async def sign_out(guid: str) -> Received:
        return await ask(gateway, request("DELETE", f"{PREFIX}/101/logout", {"Guid": guid}))

    assert (await sign_out("any")).retcode == "100-006"
    guid = signed_in(gateway, "101")
    assert (await sign_out("any")).retcode == "000-003"
    assert (await sign_out(guid)).retcode == "0"
    assert (await sign_out(guid)).retcode == "100-008"
    assert (await ask(gateway, settalkright("101", guid))).retcode == "100-006"


async def test_an_agent_kept_signed_out_gets_no_session() -> None:
    scenario = Scenario(agents=AgentRules(signed_out=AgentIds("102")))
    async with EmulatedGateway(scenario) as gateway:
        rows = dict(gateway.roster(range(101, 104)))
        assert gateway.sign_in("102") is None
        assert gateway.sign_in("5101") is None
        assert all(GUID.fullmatch(guid) for guid in rows.values())
        answers = [
            (await ask(gateway, settalkright(agent_id, guid))).retcode
            for agent_id, guid in rows.items()
        ]
        assert answers == ["0", "100-006", "0"]
        # The agent's own desktop may still come.
        assert (await ask(gateway, sign_in("102"))).retcode == "0"


async def test_a_path_that_there_is_not_says_so_twice(gateway: EmulatedGateway) -> None:
    received = await ask(gateway, request("POST", f"{PREFIX}/101/settalkwrong?flag=0"))
    assert (received.status, received.retcode) == (404, "000-002")


async def test_the_judges_see_what_happened(gateway: EmulatedGateway) -> None:
    guid = signed_in(gateway, "101")
    await ask(gateway, settalkright("101", guid))
    await ask(gateway, settalkright("102", guid))
    connector = aiohttp.TCPConnector(ssl=trusting(gateway))
    seen = {}
    async with aiohttp.ClientSession(gateway.url, connector=connector) as session:
        for what in ("agents", "stats", "history"):
            async with session.get(f"/emulator/{what}") as response:
                seen[what] = await response.json()
    uncounted = {"polls": 0, "heartbeats": 0, "guid_updates": 0, "syncs": 0}
    assert seen["agents"][:2] == [
        {
            "agent_id": "101",
            "signed_in": True,
            "talk_right": 0,
            "times_set": 1,
            "sign_ins": 1,
            **uncounted,
            "session": {"number": 1, "at_desktop": True, "node": 1, **uncounted},
        },
        {
            "agent_id": "102",
            "signed_in": False,
            "talk_right": None,
            "times_set": 0,
            "sign_ins": 0,
            **uncounted,
            "session": None,
        },
    ]
    assert len(seen["agents"]) == 20
    assert seen["stats"] == {
        "requests": 2,
        "peak_in_flight": 1,
        "in_flight": 0,
        "answered": {"0": 1, "100-006": 1},
        "faults": {},
        "connections": 2,
        "peak_per_second": 2,
    }
    assert seen["history"] == [
        {"at_ms": 1_700_000_000_000, "agent_id": "101", "event": "sign_in"},
        {"at_ms": 1_700_000_000_000, "agent_id": "101", "event": "talk_right", "flag": 0},
    ]
    assert [change.event for change in gateway.history()] == ["sign_in", "talk_right"]


async def test_no_guid_is_in_the_repr(gateway: EmulatedGateway) -> None:
    guid = signed_in(gateway, "101")
    assert guid not in repr(gateway)
    assert "1 signed in" in repr(gateway)
