"""A gateway goes on from a snapshot as if nothing had happened since, as often as wanted."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.emulator import (
    AgentIds,
    Capacity,
    Cluster,
    ColdStart,
    Distribution,
    EmulatedGateway,
    FaultKind,
    Latency,
    Outage,
    Scenario,
    ScenarioFault,
    SwitchOver,
)
from bulkagent.emulator.handlers.emulation import Emulation
from bulkagent.emulator.protocol.routes import Call, Interface
from tests.emulator.conftest import FakeTime
from tests.emulator.wire import JSON_TYPE, ask, connected, settalkright
from tests.examples import examples
from tests.waiting import HANG_S

ROUGH = Scenario(
    seed=7,
    latency=Latency(distribution=Distribution.EXPONENTIAL, milliseconds=5),
    cluster=Cluster(nodes=3),
    faults=(
        ScenarioFault(kind=FaultKind.LOST_ANSWER, share=0.3, retcode="000-007"),
        ScenarioFault(kind=FaultKind.TOO_MANY, share=0.2, per_agent=1),
        ScenarioFault(kind=FaultKind.HTML, share=0.5, agents=AgentIds("102"), to_seconds=3),
        ScenarioFault(
            kind=FaultKind.GBK, share=0.2, agents=AgentIds("101,103"), node=2, from_request=4
        ),
    ),
)

EVERYTHING = msgspec.structs.replace(
    ROUGH,
    capacity=Capacity(in_flight=2, refuse_over=1),
    cold_start=ColdStart(seconds=2, factor=3),
    switch_overs=(
        SwitchOver(from_request=5, seconds=1, keeps_talk_rights=False),
        SwitchOver(from_seconds=6, seconds=2),
    ),
    outages=(Outage(from_request=9, seconds=0.5), Outage(from_seconds=4, seconds=1)),
)

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "set", "in", "out", "desk", "wait", "connect", "arrive"]),
        st.sampled_from(["101", "102", "103", "60000"]),
        st.integers(1, 3),
    ),
    max_size=25,
)


class World:
    """An emulation, and what there is to do to it."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.emulation = Emulation(EVERYTHING, range(101, 104), (101, 59999), self.time.clock)

    def do(self, actions: list[tuple[str, str, int]]) -> list[object]:
        """Everything that these actions let anybody see."""
        return [self._do(*action) for action in actions] + [
            self.emulation.agents.records(),
            [(change.agent_id, change.event) for change in self.emulation.agents.history()],
            self.emulation.traffic.stats(),
        ]

    def _do(self, action: str, agent_id: str, number: int) -> object:
        emulation = self.emulation
        guid = emulation.agents.guid(agent_id) or "none"
        headers = {"Content-Type": JSON_TYPE, "Guid": guid}
        seen: object = None
        match action:
            case "set":
                call = Call(Interface.SET_TALK_RIGHT, agent_id, f"flag={number % 2}")
                for _ in range(number):  # as many in flight at once
                    emulation.arrived()
                seen = emulation.set_talk_right(call, headers, number), emulation.outage()
                for _ in range(number):
                    emulation.traffic.left()
            case "in":
                call = Call(Interface.SIGN_IN, agent_id)
                body = b'{"password":"synthetic","phonenum":"70001"}'
                seen = emulation.sign_in(call, headers, body).headers  # its body tells the time
            case "out":
                seen = emulation.answer(Call(Interface.SIGN_OUT, agent_id), headers)
            case "desk":
                seen = emulation.sign_in_at_desktop(agent_id), emulation.stale_guid()
            case "connect":
                seen = emulation.connected()
            case "arrive":
                emulation.arrived()
                emulation.traffic.answered("0")
                emulation.traffic.left()
            case _:
                self.time.now += number / 2
        return seen


@given(before=ACTIONS, after=ACTIONS, detour=ACTIONS)
@settings(max_examples=examples(100))
def test_whatever_happens_after_a_snapshot_happens_again_after_each_restore(
    before: list[tuple[str, str, int]],
    after: list[tuple[str, str, int]],
    detour: list[tuple[str, str, int]],
) -> None:
    world = World()
    world.do(before)
    snapshot = world.emulation.snapshot()
    seen = world.do(after)
    for _ in range(2):
        world.do(detour)
        world.time.now += 100
        world.emulation.restore(snapshot)
        assert world.do(after) == seen


def test_what_is_in_flight_stays_in_flight() -> None:
    world = World()
    traffic = world.emulation.traffic
    for _ in range(3):
        world.emulation.arrived()
    snapshot = world.emulation.snapshot()
    traffic.left()
    world.emulation.restore(snapshot)
    stats = world.emulation.traffic.stats()
    assert (stats.requests, stats.in_flight, stats.peak_in_flight) == (3, 2, 3)


def test_more_in_flight_than_ever_before_the_snapshot_is_a_peak() -> None:
    world = World()
    snapshot = world.emulation.snapshot()
    world.emulation.arrived()
    world.emulation.restore(snapshot)
    stats = world.emulation.traffic.stats()
    assert (stats.requests, stats.in_flight, stats.peak_in_flight) == (0, 1, 1)


async def test_one_snapshot_is_restored_several_times() -> None:
    fake_time = FakeTime()
    async with EmulatedGateway(
        ROUGH, agent_ids=range(101, 104), clock=fake_time.clock, sleep=fake_time.sleep
    ) as gateway:
        posts = [settalkright(*row) for row in gateway.roster()] * 4
        for post in posts:
            await ask(gateway, post)
        where = (gateway.ca_pem, gateway.url)
        snapshot, then = gateway.snapshot(), gateway.stats()
        runs = []
        for _ in range(3):
            gateway.restore(snapshot)
            assert gateway.stats() == then
            received = [await ask(gateway, post) for post in posts]
            runs.append([(reply.status, reply.body) for reply in received])
            assert gateway.stats().requests == 2 * len(posts)
        assert (gateway.ca_pem, gateway.url) == where
    assert runs[0] == runs[1] == runs[2]
    assert len(set(runs[0])) > 2


async def test_seconds_count_on_from_where_they_were() -> None:
    fake_time = FakeTime()
    fault = ScenarioFault(kind=FaultKind.TOO_MANY, share=1, to_seconds=2)
    async with EmulatedGateway(Scenario(faults=(fault,)), clock=fake_time.clock) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        untouched = gateway.snapshot()
        assert (await ask(gateway, post)).status == 429
        fake_time.now += 1
        snapshot = gateway.snapshot()
        for _ in range(2):
            fake_time.now += 100
            assert (await ask(gateway, post)).status == 200
            gateway.restore(snapshot)
            assert (await ask(gateway, post)).status == 429
            fake_time.now += 1
            assert (await ask(gateway, post)).status == 200
        gateway.restore(untouched)
        fake_time.now += 100
        assert (await ask(gateway, settalkright("101", gateway.sign_in("101")))).status == 429


async def test_an_open_connection_keeps_its_node_and_turns_go_back() -> None:
    bad = ScenarioFault(kind=FaultKind.UNAVAILABLE, share=1, node=2)
    scenario = Scenario(cluster=Cluster(nodes=2), faults=(bad,))
    async with EmulatedGateway(scenario) as gateway:
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as first, connected(gateway) as second:
            assert (await first.exchange(post)).status == 200
            snapshot = gateway.snapshot()
            assert (await second.exchange(post)).status == 503
            gateway.restore(snapshot)
            assert [(await wire.exchange(post)).status for wire in (first, second)] == [200, 503]
            assert (await ask(gateway, post)).status == 503
            assert (await ask(gateway, post)).status == 200


async def test_a_reply_that_is_held_over_a_restore_is_sent_and_counted() -> None:
    released, holding = asyncio.Event(), asyncio.Event()

    async def hold(_seconds: float) -> None:
        holding.set()
        await released.wait()

    async with (
        EmulatedGateway(Scenario(latency=Latency(milliseconds=1)), sleep=hold) as gateway,
        connected(gateway) as wire,
    ):
        post = settalkright("101", gateway.sign_in("101"))
        before = gateway.snapshot()
        await wire.send(post)
        async with asyncio.timeout(HANG_S):
            await holding.wait()
        during = gateway.snapshot()
        gateway.restore(before)
        # As if it had never come, but for the reply that its connection waits for.
        assert gateway.agents()[0].times_set == 0
        assert (gateway.stats().requests, gateway.stats().in_flight) == (0, 1)
        released.set()
        assert (await wire.receive()).retcode == "0"
        assert (gateway.stats().answered, gateway.stats().in_flight) == ({"0": 1}, 0)
        gateway.restore(during)
        assert gateway.agents()[0].times_set == 1
        stats = gateway.stats()
        assert (stats.requests, stats.answered, stats.in_flight) == (1, {}, 0)


@pytest.mark.parametrize("seed", [None, 7])
async def test_no_guid_is_in_the_repr_of_a_snapshot(seed: int | None) -> None:
    gateway = EmulatedGateway(Scenario(seed=seed))
    guid = gateway.sign_in("101")
    assert guid is not None
    snapshot = gateway.snapshot()
    assert guid not in repr(snapshot)
    assert "1 signed in" in repr(snapshot)
    gateway.restore(snapshot)
    assert gateway.sign_in("101") == guid
