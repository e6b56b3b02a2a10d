"""Each interface of sessions over HTTPS, by the pages that describe it; dynamic authentication."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest

from bulkagent.emulator import (
    AgentIds,
    AgentRules,
    Authentication,
    EmulatedGateway,
    EventType,
    Scenario,
    SessionRules,
    SignInRules,
)
from tests.emulator.conftest import SteppedTime
from tests.emulator.wire import (
    JSON_TYPE,
    PREFIX,
    Received,
    ask,
    connected,
    request,
    settalkright,
    sign_in,
)
from tests.waiting import HANG_S

RULES = SessionRules(authentication=Authentication.DYNAMIC)
RESOURCE = "/agentgateway/resource"
BEGIN_MS = 1_700_000_000_000


@pytest.fixture
async def dynamic(stepped_time: SteppedTime) -> AsyncIterator[EmulatedGateway]:
    async with emulated(stepped_time) as running:
        yield running


def emulated(
    time: SteppedTime, scenario: Scenario | None = None, rules: SessionRules = RULES
) -> EmulatedGateway:
    return EmulatedGateway(
        scenario,
        agent_ids=range(101, 121),
        clock=time.clock,
        sleep=time.sleep,
        sessions=rules,
    )


async def signed_in(gateway: EmulatedGateway, agent_id: str = "101", **fields: object) -> str:
    """The GUID of a client that has signed in and taken its events."""
    received = await ask(gateway, sign_in(agent_id, **fields))
    assert received.retcode == "0", received
    guid = received.headers["guid"]
    if not fields:
        assert [await event_of(gateway, agent_id, guid) for _ in range(2)] == [
            "AgentOther_InService",
            "AgentState_Ready",
        ]
    return guid


def poll(agent_id: str, guid: str, query: str = "") -> bytes:
    return request("GET", f"{RESOURCE}/agentevent/{agent_id}{query}", {"Guid": guid})


def on_agent(method: str, agent_id: str, tail: str, guid: str, **headers: str) -> bytes:
    return request(method, f"{PREFIX}/{agent_id}/{tail}", {"Guid": guid, **headers})


async def event_of(gateway: EmulatedGateway, agent_id: str, guid: str) -> object:
    return (await ask(gateway, poll(agent_id, guid))).json["event"]["eventType"]


async def held(
    gateway: EmulatedGateway, raw: bytes, agent_id: str = "101"
) -> asyncio.Task[Received]:
    """A poll that has come in and waits."""
    polls = sum(agent.polls for agent in gateway.agents())
    asking = asyncio.create_task(ask(gateway, raw))
    async with asyncio.timeout(HANG_S):
        while (  # noqa: ASYNC110 - the gateway has no event for it
            sum(agent.polls for agent in gateway.agents()) == polls
            or agent_id not in gateway._server.long_polls
        ):
            await asyncio.sleep(0.001)
    return asking


async def answered(time: SteppedTime, asking: asyncio.Task[Received], seconds: float) -> Received:
    """What a poll gets when its time is over."""
    await asyncio.sleep(0)  # the keeper of the time begins to sleep
    time.step(seconds)
    async with asyncio.timeout(HANG_S):
        return await asking


async def test_page_1274_brings_one_event_for_each_poll(dynamic: EmulatedGateway) -> None:
    guid = (await ask(dynamic, sign_in("101"))).headers["guid"]
    received = await ask(
        dynamic,
        b"GET /agentgateway/resource/agentevent/101?calldata=abc HTTP/1.1\r\n"
        b"Host: localhost\r\n"
        b"Guid: " + guid.encode() + b"\r\n\r\n",
    )
    assert received.status == 200
    assert received.headers["content-type"] == JSON_TYPE
    assert received.body == (
        b'{"message":"","retcode":"0","event":{"eventType":"AgentOther_InService",'
        b'"workNo":"101","content":null,"eventGenTime":1700000000000}}'
    )
    assert "set-guid" not in received.headers
    assert await event_of(dynamic, "101", guid) == "AgentState_Ready"


@pytest.mark.parametrize(
    ("status", "last"),
    [(3, "AgentState_SetNotReady_Success"), (4, "AgentState_Ready"), (5, "AgentState_Work")],
)
async def test_page_1224_names_the_events_of_a_sign_in(
    dynamic: EmulatedGateway, status: int, last: str
) -> None:
    guid = await signed_in(dynamic, status=status)
    seen = [await event_of(dynamic, "101", guid) for _ in range(2 if status == 4 else 3)]
    assert seen[:2] == ["AgentOther_InService", "AgentState_Ready"]
    assert seen[-1] == last


async def test_page_1274_waits_ten_seconds_for_an_event(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = await signed_in(dynamic)
    asking = await held(dynamic, poll("101", guid))
    stepped_time.step(9.75)
    await asyncio.sleep(0)
    assert not asking.done()
    received = await answered(stepped_time, asking, 0.25)
    assert received.body == b'{"message":"","retcode":"0"}'


async def test_page_1274_answers_at_once_when_an_event_comes(dynamic: EmulatedGateway) -> None:
    guid = await signed_in(dynamic)
    asking = await held(dynamic, poll("101", guid))
    assert dynamic.raise_event("101", EventType.WORK)
    async with asyncio.timeout(HANG_S):
        assert (await asking).json["event"]["eventType"] == "AgentState_Work"
    assert not dynamic.raise_event("102", EventType.WORK)


async def test_page_1274_of_two_polls_the_later_waits(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = await signed_in(dynamic)
    stepped_time.step(60)
    first = await held(dynamic, poll("101", guid))
    second = await held(dynamic, poll("101", guid))
    async with asyncio.timeout(HANG_S):
        replaced = await first
    assert replaced.body == b'{"message":"","retcode":"0"}'
    assert "set-guid" not in replaced.headers  # the one that is still there gets it
    dynamic.raise_event("101", EventType.READY)
    async with asyncio.timeout(HANG_S):
        received = await second
    assert received.json["event"]["eventType"] == "AgentState_Ready"
    assert received.headers["set-guid"] == f"JSESSIONID={dynamic.guid('101')}"


async def test_page_0005_a_poll_brings_a_new_guid_once_after_the_interval(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    first = await signed_in(dynamic)
    stepped_time.step(59)
    received = await answered(stepped_time, await held(dynamic, poll("101", first)), 10)
    # Due while it was held: the answer is the first after the change.
    second = received.headers["set-guid"].removeprefix("JSESSIONID=")
    assert second not in ("", first)
    assert "guid" not in received.headers
    assert dynamic.guid("101") == second
    received = await answered(stepped_time, await held(dynamic, poll("101", second)), 10)
    assert "set-guid" not in received.headers
    # Both are alive: each lives for the timeout from its issue.
    for guid in (first, second):
        assert (await ask(dynamic, settalkright("101", guid))).retcode == "0"
    stepped_time.step(41)  # 120 seconds after the sign-in
    assert (await ask(dynamic, settalkright("101", first))).retcode == "000-003"
    assert (await ask(dynamic, poll("101", first))).retcode == "000-003"
    assert (await ask(dynamic, settalkright("101", second))).retcode == "0"


async def test_page_0005_only_polls_and_heartbeats_bring_a_guid(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = await signed_in(dynamic)
    stepped_time.step(61)
    for raw in (
        settalkright("101", guid),
        on_agent("GET", "101", "agentstatus", guid),
        on_agent("POST", "101", "syncagentinfo", guid),
    ):
        received = await ask(dynamic, raw)
        assert received.retcode == "0"
        assert "set-guid" not in received.headers
    # A client that comes with the old one again has not heard of the new one (inferred).
    received = await ask(dynamic, on_agent("POST", "101", "handshake", guid))
    new = dynamic.guid("101")
    assert new != guid
    assert received.headers["set-guid"] == f"JSESSIONID={new}"
    received = await ask(dynamic, on_agent("POST", "101", "handshake", new or ""))
    assert "set-guid" not in received.headers


async def test_page_0005_a_poll_with_the_old_guid_is_told_the_new_one_again(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    """Inferred: else a lost answer would cost the session, although both GUIDs live."""
    guid = await signed_in(dynamic)
    stepped_time.step(60)
    first = await answered(stepped_time, await held(dynamic, poll("101", guid)), 10)
    new = dynamic.guid("101")
    again = await answered(stepped_time, await held(dynamic, poll("101", guid)), 10)
    for received in (first, again):
        assert received.headers["set-guid"] == f"JSESSIONID={new}"
    received = await answered(stepped_time, await held(dynamic, poll("101", new or "")), 10)
    assert "set-guid" not in received.headers


async def test_page_1202_nobody_who_does_not_poll_stays(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = await signed_in(dynamic)
    dynamic.sign_in("102")
    stepped_time.step(119)
    assert (await ask(dynamic, settalkright("101", guid))).retcode == "0"
    stepped_time.step(1)  # that was no poll
    assert (await ask(dynamic, settalkright("101", guid))).retcode == "100-006"
    assert (await ask(dynamic, poll("101", guid))).retcode == "100-006"
    assert (await ask(dynamic, on_agent("DELETE", "101", "logout", guid))).retcode == "100-008"
    change = dynamic.history()[-1]
    assert (change.agent_id, change.event, change.at_ms) == ("101", "timed_out", BEGIN_MS + 120_000)
    assert [agent.signed_in for agent in dynamic.agents()[:2]] == [False, True]


async def test_page_1202_a_poll_that_is_held_keeps_its_session(stepped_time: SteppedTime) -> None:
    rules = SessionRules(poll_wait_ms=60_000, poll_timeout_ms=1_000)
    async with emulated(stepped_time, rules=rules) as gateway:
        guid = await signed_in(gateway)
        asking = await held(gateway, poll("101", guid))
        assert (await answered(stepped_time, asking, 60)).retcode == "0"
        async with connected(gateway) as wire:
            await wire.send(poll("101", guid))
            async with asyncio.timeout(HANG_S):
                while "101" not in gateway._server.long_polls:  # noqa: ASYNC110 - as in `held`
                    await asyncio.sleep(0.001)
        async with asyncio.timeout(HANG_S):
            while "101" in gateway._server.long_polls:  # noqa: ASYNC110 - the client hung up
                await asyncio.sleep(0.001)
        stepped_time.step(1)
        assert not gateway.agents()[0].signed_in


async def test_page_1204_a_heartbeat_keeps_the_session(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = await signed_in(dynamic)
    for _ in range(5):
        stepped_time.step(30)
        received = await ask(
            dynamic,
            b"POST /agentgateway/resource/onlineagent/101/handshake HTTP/1.1\r\n"
            b"Host: localhost\r\nContent-Length: 0\r\nservice_token: abc-1.2_3\r\n"
            b"Guid: " + guid.encode() + b"\r\n\r\n",
        )
        assert received.body == b'{"result":{},"message":"success","retcode":"0"}'
        guid = received.headers.get("set-guid", guid).removeprefix("JSESSIONID=")
    assert dynamic.agents()[0].heartbeats == 5


@pytest.mark.parametrize("token", ["a" * 51, "a b", "<script>", "a/b"])
async def test_page_1204_refuses_special_characters(dynamic: EmulatedGateway, token: str) -> None:
    guid = await signed_in(dynamic)
    raw = on_agent("POST", "101", "handshake", guid, service_token=token)
    assert (await ask(dynamic, raw)).retcode == "100-001"


async def test_page_1225_gives_another_guid(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    first = await signed_in(dynamic)
    stepped_time.step(5)
    received = await ask(
        dynamic,
        b"PUT /agentgateway/resource/onlineagent/101/updateGuid HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Length: 0\r\nGuid: " + first.encode() + b"\r\n\r\n",
    )
    second = received.json["result"]["guid"]
    assert received.json == {"result": {"guid": second}, "message": "success", "retcode": "0"}
    assert second != first
    assert "set-guid" not in received.headers
    # The current one is needed; what is refused gets 100-006, which is all that the page lists.
    for wrong in (first, "any"):
        refused = await ask(dynamic, on_agent("PUT", "101", "updateGuid", wrong))
        assert refused.retcode == "100-006"
    for guid in (first, second):
        assert (await ask(dynamic, settalkright("101", guid))).retcode == "0"
    # The polling client was not told yet.
    received = await answered(stepped_time, await held(dynamic, poll("101", first)), 10)
    assert received.headers["set-guid"] == f"JSESSIONID={second}"


async def test_page_1225_under_static_authentication_there_is_no_other(
    gateway: EmulatedGateway,
) -> None:
    guid = gateway.sign_in("101") or ""
    received = await ask(gateway, on_agent("PUT", "101", "updateGuid", guid))
    assert received.json["result"] == {"guid": guid}


async def test_page_0359_clears_the_events(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = (await ask(dynamic, sign_in("101"))).headers["guid"]
    received = await ask(
        dynamic,
        b"POST /agentgateway/resource/onlineagent/101/syncagentinfo HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Length: 0\r\nGuid: " + guid.encode() + b"\r\n\r\n",
    )
    assert received.body == b'{"result":{},"message":"success","retcode":"0"}'
    received = await answered(stepped_time, await held(dynamic, poll("101", guid)), 10)
    assert "event" not in received.json


async def test_page_0450_with_both_fields_events_are_not_polled_for(
    dynamic: EmulatedGateway,
) -> None:
    both = {"callBackUri": "https://desk.example/events", "serviceToken": "abc"}
    guid = await signed_in(dynamic, "101", **both)
    assert (await ask(dynamic, poll("101", guid))).retcode == "000-001"
    assert (await ask(dynamic, on_agent("POST", "101", "handshake", guid))).retcode == "0"
    guid = await signed_in(dynamic, "102", callBackUri="https://desk.example/events")
    assert (await ask(dynamic, poll("102", guid))).retcode == "0"


async def test_page_1203_evicts_the_other_client(dynamic: EmulatedGateway) -> None:
    first = await signed_in(dynamic)
    assert (await ask(dynamic, settalkright("101", first))).retcode == "0"
    asking = await held(dynamic, poll("101", first))
    assert (await ask(dynamic, sign_in("101"))).retcode == "100-002"
    assert not asking.done()
    body = json.dumps({"password": "synthetic", "phonenum": "70001"}).encode()
    received = await ask(
        dynamic,
        b"PUT /agentgateway/resource/onlineagent/101/forcelogin HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Type: application/json; charset=UTF-8\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body,
    )
    assert received.json["retcode"] == "0"
    assert received.json["result"]["workno"] == "101"
    second = received.headers["guid"]
    assert received.headers["set-guid"] == f"JSESSIONID={second}"
    async with asyncio.timeout(HANG_S):
        assert (await asking).retcode == "100-006"
    # The evicted client hears that it is over; to everybody else, its GUID is another one.
    assert (await ask(dynamic, poll("101", first))).retcode == "100-006"
    assert (await ask(dynamic, on_agent("POST", "101", "handshake", first))).retcode == "100-006"
    assert (await ask(dynamic, settalkright("101", first))).retcode == "000-003"
    assert (await ask(dynamic, settalkright("101", second))).retcode == "0"
    events = [change.event for change in dynamic.history()]
    assert events == ["sign_in", "talk_right", "evicted", "forced_sign_in", "talk_right"]
    record = dynamic.agents()[0]
    assert (record.sign_ins, record.polls) == (2, 4)
    assert record.session is not None
    assert (record.session.number, record.session.polls) == (2, 0)


async def test_page_1203_signs_in_who_is_not(dynamic: EmulatedGateway) -> None:
    body = json.dumps({"password": "synthetic", "phonenum": "70001"}).encode()
    raw = request("PUT", f"{PREFIX}/101/forcelogin", {"Content-Type": JSON_TYPE}, body)
    assert (await ask(dynamic, raw)).retcode == "0"
    assert [change.event for change in dynamic.history()] == ["forced_sign_in"]


async def test_page_0580_some_cannot_be_forced_out(stepped_time: SteppedTime) -> None:
    scenario = Scenario(agents=AgentRules(not_forceable=AgentIds("101")))
    async with emulated(stepped_time, scenario) as gateway:
        guid = await signed_in(gateway)
        body = json.dumps({"password": "synthetic", "phonenum": "70001"}).encode()
        raw = request("PUT", f"{PREFIX}/101/forcelogin", {"Content-Type": JSON_TYPE}, body)
        assert (await ask(gateway, raw)).retcode == "100-015"
        assert gateway.guid("101") == guid


async def test_a_person_at_the_desk_evicts_a_client(dynamic: EmulatedGateway) -> None:
    guid = await signed_in(dynamic)
    asking = await held(dynamic, poll("101", guid))
    assert dynamic.sign_in("101") == guid
    taken = dynamic.sign_in("101", force=True)
    assert taken not in (None, guid)
    async with asyncio.timeout(HANG_S):
        assert (await asking).retcode == "100-006"
    record = dynamic.agents()[0]
    assert record.session is not None
    assert record.session.at_desktop


async def test_page_1224_signs_in_for_voice_alone(dynamic: EmulatedGateway) -> None:
    received = await ask(
        dynamic,
        b"PUT /agentgateway/resource/onlineagent/101/loginex HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n"
        b'{"password":"synthetic"}',
    )
    assert received.json["retcode"] == "0"
    assert received.json["result"]["mediatype"] == "TFF"
    assert re.fullmatch(r"JSESSIONID=[0-9a-f-]{36}\.AgentGateway1", received.headers["set-guid"])


@pytest.mark.parametrize(
    ("fields", "retcode"),
    [
        ({"phonenum": "desk"}, "100-013"),
        ({"phonenum": "+4970*1#"}, "0"),
        ({"ip": "10.0.0.256"}, "100-016"),
        ({"ip": ""}, "100-016"),
        ({"ip": "10.0.0.255"}, "0"),
    ],
)
async def test_page_0580_refuses_phones_and_addresses(
    dynamic: EmulatedGateway, fields: dict[str, object], retcode: str
) -> None:
    assert (await ask(dynamic, sign_in("101", **fields))).retcode == retcode


async def test_page_0580_wrong_passwords_in_a_row_lock_the_account(
    stepped_time: SteppedTime,
) -> None:
    scenario = Scenario(sign_in=SignInRules(password="right", lock_after=3))
    async with emulated(stepped_time, scenario) as gateway:

        async def codes(*passwords: str) -> list[object]:
            return [
                (await ask(gateway, sign_in("101", password=each))).retcode for each in passwords
            ]

        assert await codes("x", "y", "right") == ["100-004", "100-004", "0"]
        gateway.sign_in("102")
        before = gateway.snapshot()
        assert await codes("x", "y", "z", "right") == ["100-004"] * 3 + ["110-016"]
        assert (await ask(gateway, sign_in("103", password="right"))).retcode == "0"
        gateway.restore(before)
        assert await codes("x", "right") == ["100-004", "100-002"]


async def test_page_1202_must_not_be_repeated_before_it_has_answered(
    stepped_time: SteppedTime,
) -> None:
    scenario = Scenario(sign_in=SignInRules(milliseconds=500))
    async with emulated(stepped_time, scenario) as gateway:
        first = asyncio.create_task(ask(gateway, sign_in("101")))
        async with asyncio.timeout(HANG_S):
            while not gateway.agents()[0].signed_in:  # noqa: ASYNC110 - as in `held`
                await asyncio.sleep(0.001)
        guid = gateway.guid("101") or ""
        assert (await ask(gateway, sign_in("101"))).retcode == "100-021"
        assert (await ask(gateway, on_agent("DELETE", "101", "logout", guid))).retcode == "100-021"
        assert not first.done()
        stepped_time.step(0.5)
        async with asyncio.timeout(HANG_S):
            assert (await first).retcode == "0"
        assert (await ask(gateway, on_agent("DELETE", "101", "logout", guid))).retcode == "0"


async def test_page_1219_an_agent_in_a_call_is_not_signed_out(stepped_time: SteppedTime) -> None:
    scenario = Scenario(agents=AgentRules(in_call=AgentIds("101")))
    async with emulated(stepped_time, scenario) as gateway:
        guid = await signed_in(gateway)
        status = await ask(gateway, on_agent("GET", "101", "agentstatus", guid))
        assert status.json["result"] == {"agentState": 7, "isWorking": True}
        assert (await ask(gateway, on_agent("DELETE", "101", "logout", "any"))).retcode == "000-003"
        assert (await ask(gateway, on_agent("DELETE", "101", "logout", guid))).retcode == "100-010"
        assert gateway.agents()[0].signed_in
        # Page 1220 does it all the same.
        received = await ask(gateway, on_agent("DELETE", "101", "forcelogout", guid))
        assert received.body == b'{"result":{},"message":"success","retcode":"0"}'
        change = gateway.history()[-1]
        assert (change.event, change.by, change.reason) == ("forced_out", "101", None)


async def test_page_1219_ends_a_poll_that_waits(dynamic: EmulatedGateway) -> None:
    guid = await signed_in(dynamic)
    asking = await held(dynamic, poll("101", guid))
    assert (await ask(dynamic, on_agent("DELETE", "101", "logout", guid))).retcode == "0"
    async with asyncio.timeout(HANG_S):
        assert (await asking).retcode == "100-006"
    assert (await ask(dynamic, settalkright("101", guid))).retcode == "100-006"
    assert dynamic.history()[-1].event == "sign_out"


@pytest.mark.parametrize("tail", ["forcelogout", "forcelogoutwithreason/1"])
async def test_page_1220_refuses_as_page_1219_does(dynamic: EmulatedGateway, tail: str) -> None:
    async def code(guid: str) -> object:
        return (await ask(dynamic, on_agent("DELETE", "101", tail, guid))).retcode

    assert await code("any") == "100-006"
    guid = await signed_in(dynamic)
    assert [await code("any"), await code(guid), await code(guid)] == ["000-003", "0", "100-008"]


@pytest.mark.parametrize(
    ("reason", "retcode"),
    [
        ("1", "0"),
        ("255", "0"),
        ("0", "100-005"),
        ("256", "100-005"),
        ("x", "100-005"),
        ("", "100-005"),
    ],
)
async def test_page_1221_takes_a_reason(
    dynamic: EmulatedGateway, reason: str, retcode: str
) -> None:
    guid = await signed_in(dynamic)
    raw = on_agent("DELETE", "101", f"forcelogoutwithreason/{reason}", guid)
    assert (await ask(dynamic, raw)).retcode == retcode
    change = dynamic.history()[-1]
    if retcode == "0":
        assert (change.event, change.by, change.reason) == ("forced_out", "101", int(reason))
    else:
        assert change.event == "sign_in"


async def test_page_2407_an_inspector_signs_an_agent_out(dynamic: EmulatedGateway) -> None:
    def inspect(inspector: str, victim: str, guid: str) -> bytes:
        path = f"{RESOURCE}/qualitycontrol/{inspector}/forcelogout/{victim}"
        return request("POST", path, {"Guid": guid})

    guid = await signed_in(dynamic)
    asking = await held(dynamic, poll("101", guid))
    assert (await ask(dynamic, inspect("110", "101", "any"))).retcode == "100-006"
    inspector = dynamic.sign_in("110") or ""
    assert (await ask(dynamic, inspect("110", "101", guid))).retcode == "000-003"
    assert (await ask(dynamic, inspect("110", "60000", inspector))).retcode == "000-002"
    assert (await ask(dynamic, inspect("110", "110", inspector))).retcode == "000-005"
    assert (await ask(dynamic, inspect("110", "102", inspector))).retcode == "100-006"
    assert not asking.done()
    received = await ask(
        dynamic,
        b"POST /agentgateway/resource/qualitycontrol/110/forcelogout/101 HTTP/1.1\r\n"
        b"Host: localhost\r\nContent-Length: 0\r\nGuid: " + inspector.encode() + b"\r\n\r\n",
    )
    assert received.body == b'{"result":{},"message":"success","retcode":"0"}'
    async with asyncio.timeout(HANG_S):
        assert (await asking).retcode == "100-006"
    change = dynamic.history()[-1]
    assert (change.agent_id, change.event, change.by) == ("101", "forced_out", "110")


async def test_desktops_live_and_their_guids_are_renewed(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    first = dynamic.sign_in("101") or ""
    stepped_time.step(60)
    second = dynamic.guid("101") or ""
    assert second != first
    assert (await ask(dynamic, settalkright("101", first))).retcode == "0"
    stepped_time.step(3_590)
    assert (await ask(dynamic, settalkright("101", second))).retcode == "000-003"
    third = dynamic.guid("101") or ""
    assert (await ask(dynamic, settalkright("101", third))).retcode == "0"
    assert dynamic.sign_in("101") == third
    (live,) = dynamic.live_sessions()
    assert (live.agent_id, live.guid, live.cookie) == ("101", third, "")
    assert live.issued_ms == BEGIN_MS + 3_600_000
    record = dynamic.agents()[0]
    assert (record.polls, record.sign_ins) == (0, 1)
    assert third not in repr(live)


async def test_whoever_polls_for_a_desktop_is_counted(
    dynamic: EmulatedGateway, stepped_time: SteppedTime
) -> None:
    guid = dynamic.sign_in("101") or ""
    await answered(stepped_time, await held(dynamic, poll("101", guid)), 10)
    for tail, method in (("handshake", "POST"), ("syncagentinfo", "POST"), ("updateGuid", "PUT")):
        assert (await ask(dynamic, on_agent(method, "101", tail, guid))).retcode == "0"
    assert (await ask(dynamic, poll("101", "any"))).retcode == "000-003"
    record = dynamic.agents()[0]
    assert (record.polls, record.heartbeats, record.guid_updates, record.syncs) == (2, 1, 1, 1)
    session = record.session
    assert session is not None
    assert session.at_desktop
    assert (session.polls, session.heartbeats, session.guid_updates, session.syncs) == (1, 1, 1, 1)


@pytest.mark.parametrize("agent_id", ["60000", "121", "x"])
async def test_nobody_is_counted_who_does_not_exist(
    dynamic: EmulatedGateway, agent_id: str
) -> None:
    assert (await ask(dynamic, poll(agent_id, "any"))).retcode == "000-002"
    assert sum(agent.polls for agent in dynamic.agents()) == 0
