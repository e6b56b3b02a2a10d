"""Switch-overs over HTTPS: nobody can be set, and what is left of the talk rights."""

from __future__ import annotations

import json
from pathlib import Path

from bulkagent.emulator import (
    AgentChange,
    ChangeKind,
    EmulatedGateway,
    Scenario,
    SwitchOver,
    load_scenario,
)
from tests.emulator.conftest import FakeTime
from tests.emulator.wire import ask, connected, request, settalkright, sign_in

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"

AGENT_IDS = ("101", "102", "103")

LOSING = SwitchOver(from_request=3, seconds=30, keeps_talk_rights=False)


def emulated(fake_time: FakeTime, *switch_overs: SwitchOver) -> EmulatedGateway:
    return EmulatedGateway(
        Scenario(switch_overs=switch_overs),
        agent_ids=range(101, 104),
        clock=fake_time.clock,
        sleep=fake_time.sleep,
    )


async def set_all(gateway: EmulatedGateway) -> list[object]:
    """The result codes of setting 101 to 103 to 0; those who are signed out get 100-006."""
    guids = {agent_id: gateway._emulation.agents.guid(agent_id) for agent_id in AGENT_IDS}
    return [(await ask(gateway, settalkright(*row))).retcode for row in guids.items()]


def sign_in_all(gateway: EmulatedGateway) -> None:
    for agent_id in AGENT_IDS:
        gateway.sign_in(agent_id)


async def test_every_request_of_the_time_is_refused_and_not_processed(fake_time: FakeTime) -> None:
    async with emulated(fake_time, SwitchOver(from_seconds=2, seconds=30)) as gateway:
        sign_in_all(gateway)
        assert await set_all(gateway) == ["0", "0", "0"]
        fake_time.now += 2
        received = await ask(gateway, settalkright("101", "wrong"))
        assert received.status == 200
        assert received.json == {
            "result": {},
            "message": "agent is being switched over",
            "retcode": "000-004",
        }
        assert await set_all(gateway) == ["000-004"] * 3
        fake_time.now += 29.75
        assert await set_all(gateway) == ["000-004"] * 3
        assert [record.times_set for record in gateway.agents()] == [1, 1, 1]
        stats = gateway.stats()
        assert stats.answered == {"0": 3, "000-004": 7}
        assert stats.faults == {"switch_over": 7}
        fake_time.now += 0.25
        assert await set_all(gateway) == ["0", "0", "0"]
        assert ChangeKind.TALK_RIGHT_LOST not in [change.event for change in gateway.history()]


async def test_a_request_that_names_no_agent_is_told_so(fake_time: FakeTime) -> None:
    async with emulated(fake_time, SwitchOver(from_seconds=0, seconds=30)) as gateway:
        assert (await ask(gateway, settalkright("60000", "any"))).retcode == "000-002"


async def test_the_first_request_of_one_is_in_it(fake_time: FakeTime) -> None:
    async with emulated(fake_time, LOSING) as gateway:
        sign_in_all(gateway)
        assert await set_all(gateway) == ["0", "0", "000-004"]
        assert await set_all(gateway) == ["000-004"] * 3
        fake_time.now += 30
        assert await set_all(gateway) == ["0", "0", "0"]


async def test_talk_rights_that_are_lost_are_lost_at_its_end(fake_time: FakeTime) -> None:
    begin_ms = int(fake_time.now * 1000)
    async with emulated(fake_time, LOSING) as gateway:
        gateway.sign_in("101")
        gateway.sign_in("102")
        await set_all(gateway)  # the one of 103, who is signed out, begins it
        fake_time.now += 29.75
        assert [record.talk_right for record in gateway.agents()] == [0, 0, None]
        await ask(gateway, sign_in("103"))
        before = gateway.history()
        fake_time.now += 60
        judged = json.loads((await ask(gateway, request("GET", "/emulator/agents"))).body)
        assert [record["talk_right"] for record in judged] == [1, 1, 1]
        assert [record["times_set"] for record in judged] == [1, 1, 0]
        lost = [
            AgentChange(begin_ms + 30_000, agent_id, ChangeKind.TALK_RIGHT_LOST, 1)
            for agent_id in AGENT_IDS
        ]
        assert gateway.history() == before + lost
        assert await set_all(gateway) == ["0", "0", "0"]
        assert [record.talk_right for record in gateway.agents()] == [0, 0, 0]


async def test_whoever_asks_first_sees_the_loss(fake_time: FakeTime) -> None:
    async with emulated(fake_time, LOSING) as gateway:
        sign_in_all(gateway)
        await set_all(gateway)
        fake_time.now += 30
        judged = json.loads((await ask(gateway, request("GET", "/emulator/history"))).body)
        assert [change["event"] for change in judged[-3:]] == ["talk_right_lost"] * 3
        assert judged[-1]["flag"] == 1
        # Set anew afterwards, so that the loss of before does not come over it.
        assert await set_all(gateway) == ["0"] * 3
        fake_time.now += 30
        assert [record.talk_right for record in gateway.agents()] == [0, 0, 0]


async def test_a_request_after_the_end_comes_after_the_loss(fake_time: FakeTime) -> None:
    async with emulated(fake_time, LOSING) as gateway:
        sign_in_all(gateway)
        await set_all(gateway)
        fake_time.now += 31
        assert await set_all(gateway) == ["0"] * 3
        events = [change.event for change in gateway.history()][-6:]
        assert events == [ChangeKind.TALK_RIGHT_LOST] * 3 + [ChangeKind.TALK_RIGHT] * 3
        assert [record.talk_right for record in gateway.agents()] == [0, 0, 0]


async def test_a_snapshot_knows_how_far_a_switch_over_is(fake_time: FakeTime) -> None:
    async with emulated(fake_time, LOSING) as gateway:
        sign_in_all(gateway)
        await set_all(gateway)
        fake_time.now += 20
        during = gateway.snapshot()
        fake_time.now += 10
        end_ms = int(fake_time.now * 1000)
        after = gateway.snapshot()
        for _ in range(2):
            fake_time.now += 1000
            gateway.restore(during)
            assert await set_all(gateway) == ["000-004"] * 3
            assert [record.talk_right for record in gateway.agents()] == [0, 0, 1]
            fake_time.now += 10
            assert [record.talk_right for record in gateway.agents()] == [1, 1, 1]
        gateway.restore(after)
        assert {change.at_ms for change in gateway.history()[-3:]} == {end_ms}
        fake_time.now += 1000
        assert [change.at_ms for change in gateway.history()].count(end_ms) == 3
        assert await set_all(gateway) == ["0"] * 3


async def test_the_sample_begins_with_the_hundredth_request() -> None:
    fake_time = FakeTime()
    async with EmulatedGateway(
        load_scenario(SAMPLES / "switch_over.toml"), clock=fake_time.clock, sleep=fake_time.sleep
    ) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as wire:
            seen = [(await wire.exchange(post)).retcode for _ in range(101)]
            assert seen == ["0"] * 99 + ["000-004"] * 2
            assert set(fake_time.slept) == {0.02}
            fake_time.now += 30
            assert (await wire.exchange(post)).retcode == "0"
