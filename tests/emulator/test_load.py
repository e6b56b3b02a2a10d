"""Load and cold start over HTTPS: what is in flight at the same time decides.

Proves guide "Load, latency and outages".
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bulkagent.emulator import (
    Capacity,
    EmulatedGateway,
    Latency,
    OverloadRefusal,
    Scenario,
    load_scenario,
)
from tests.emulator.conftest import FakeTime, SteppedTime
from tests.emulator.wire import Received, ask, connected, request, settalkright
from tests.waiting import HANG_S

SAMPLES = Path(__file__).parents[2] / "samples" / "scenarios"

TWO_AT_ONCE = Scenario(
    seed=7,
    latency=Latency(milliseconds=20),
    capacity=Capacity(in_flight=2, refusal=OverloadRefusal.TOO_MANY, retry_after="3"),
)


class Held(SteppedTime):
    """Time that also notes how long each reply is held."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await super().sleep(seconds)


async def send_one_by_one(
    gateway: EmulatedGateway, held: Held, requests: int
) -> list[asyncio.Task[Received]]:
    """Requests of which each arrives while all before it are held."""
    guid = gateway.sign_in("101")
    asking = []
    for number in range(1, requests + 1):
        asking.append(asyncio.create_task(ask(gateway, settalkright("101", guid))))
        async with asyncio.timeout(HANG_S):
            while len(held.slept) < number:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.001)
    return asking


async def test_each_request_more_is_held_longer_and_some_are_refused() -> None:
    held = Held()
    async with EmulatedGateway(TWO_AT_ONCE, clock=held.clock, sleep=held.sleep) as gateway:
        asking = await send_one_by_one(gateway, held, 12)
        # A request that is none for a talk right is no load, and is not held.
        assert (await ask(gateway, request("GET", "/emulator/stats"))).status == 200
        held.step(10)
        received = await asyncio.gather(*asking)
        stats = gateway.stats()
        times_set = gateway.agents()[0].times_set
    refused = [each for each in received if each.status == 429]
    assert 0 < len(refused) < 8
    assert all(each.headers["retry-after"] == "3" for each in refused)
    assert times_set == 12 - len(refused)
    assert stats.faults == {"over_capacity": len(refused)}
    assert (stats.answered, stats.peak_in_flight) == ({"0": times_set}, 12)
    expected = [
        0.005 if each.status == 429 else 0.02 * max(1, in_flight / 2) ** 2
        for in_flight, each in enumerate(received, start=1)
    ]
    assert held.slept == pytest.approx(expected)


async def test_load_is_gone_with_its_requests() -> None:
    held = Held()
    async with EmulatedGateway(TWO_AT_ONCE, clock=held.clock, sleep=held.sleep) as gateway:
        for _ in range(2):
            asking = await send_one_by_one(gateway, held, 4)
            assert held.slept == pytest.approx([0.02, 0.02, 0.045, 0.08])
            held.step(1)
            assert {each.status for each in await asyncio.gather(*asking)} == {200}
            held.slept.clear()


async def test_the_sample_of_a_cold_start_warms_up() -> None:
    fake_time = FakeTime()
    async with EmulatedGateway(
        load_scenario(SAMPLES / "cold_start.toml"), clock=fake_time.clock, sleep=fake_time.sleep
    ) as gateway:
        begin = fake_time.now + 100  # what is before the first request warms nothing
        post = settalkright("101", gateway.sign_in("101"))
        async with connected(gateway) as wire:
            for seconds in (0, 5, 10, 60):
                fake_time.now = begin + seconds
                await wire.exchange(post)
    assert fake_time.slept == pytest.approx([0.2, 0.11, 0.02, 0.02])


def test_the_sample_of_overload_bears_fifty() -> None:
    scenario = load_scenario(SAMPLES / "overload.toml")
    assert scenario.capacity == Capacity(in_flight=50)
    assert scenario.latency == Latency(milliseconds=20)


def test_the_sample_of_throttling_names_a_second() -> None:
    (fault,) = load_scenario(SAMPLES / "throttled.toml").faults
    assert (fault.share, fault.retry_after) == (0.1, "1")
