"""A failover in which the sessions are lost, and one in which polls go on."""

from __future__ import annotations

from bulkagent.emulator import (
    Authentication,
    EmulatedGateway,
    Scenario,
    SessionRules,
    Sessions,
    SwitchOver,
)
from bulkagent.emulator.faults.scenario_file import read_scenario
from tests.emulator.conftest import FakeTime
from tests.emulator.wire import ask, request, settalkright, sign_in

RULES = SessionRules(authentication=Authentication.DYNAMIC)


def emulated(fake_time: FakeTime, switch_over: SwitchOver) -> EmulatedGateway:
    return EmulatedGateway(
        Scenario(switch_overs=(switch_over,)),
        agent_ids=range(101, 104),
        clock=fake_time.clock,
        sleep=fake_time.sleep,
        sessions=RULES,
    )


def heartbeat(agent_id: str, guid: str) -> bytes:
    path = f"/agentgateway/resource/onlineagent/{agent_id}/handshake"
    return request("POST", path, {"Guid": guid})


async def test_page_0580_lost_sessions_are_recovered_by_a_sign_in(fake_time: FakeTime) -> None:
    lost = SwitchOver(from_request=1, seconds=30, sessions=Sessions.LOST)
    async with emulated(fake_time, lost) as gateway:
        guid = (await ask(gateway, sign_in("101"))).headers["guid"]
        gateway.sign_in("102")
        assert (await ask(gateway, settalkright("101", guid))).retcode == "000-004"
        assert (await ask(gateway, heartbeat("101", guid))).retcode == "000-004"
        fake_time.now += 30
        seen = [(await ask(gateway, settalkright("101", guid))).retcode for _ in range(5)]
        assert seen == ["105-001", "105-002", "105-003", "105-006", "105-006"]
        assert (await ask(gateway, heartbeat("102", "any"))).retcode == "105-001"
        assert (await ask(gateway, heartbeat("103", "any"))).retcode == "100-006"
        assert [agent.signed_in for agent in gateway.agents()] == [False] * 3
        assert gateway.live_sessions() == []
        lost_ms = int(fake_time.now * 1000)
        changes = [(each.agent_id, each.event, each.at_ms) for each in gateway.history()[-2:]]
        assert changes == [("101", "session_lost", lost_ms), ("102", "session_lost", lost_ms)]
        guid = (await ask(gateway, sign_in("101"))).headers["guid"]
        assert (await ask(gateway, settalkright("101", guid))).retcode == "0"
        assert gateway.sign_in("102") is not None


async def test_page_1274_a_switch_over_brings_no_new_guid(fake_time: FakeTime) -> None:
    """An agent who polls all the time is not signed out by it, but has a GUID that dies."""
    async with emulated(fake_time, SwitchOver(from_request=1, seconds=130)) as gateway:
        guid = (await ask(gateway, sign_in("101"))).headers["guid"]
        await ask(gateway, settalkright("101", guid))
        for _ in range(12):
            fake_time.now += 10
            received = await ask(gateway, heartbeat("101", guid))
            assert received.retcode == "000-004"
            assert "set-guid" not in received.headers
        assert gateway.agents()[0].heartbeats == 12
        fake_time.now += 10
        assert gateway.agents()[0].signed_in
        assert (await ask(gateway, heartbeat("101", guid))).retcode == "000-003"


def test_a_scenario_file_says_what_becomes_of_sessions() -> None:
    scenario = read_scenario('[[switch_overs]]\nfrom_request = 1\nseconds = 2\nsessions = "lost"\n')
    assert scenario.switch_overs[0].sessions is Sessions.LOST
