from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bulkagent.emulator import EmulatedGateway


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class SteppedTime:
    """A clock that moves when a test says so. A sleeper wakes up when it has moved far enough."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self._sleeping: list[tuple[float, asyncio.Event]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        awake = asyncio.Event()
        self._sleeping.append((self.now + seconds, awake))
        await awake.wait()

    def step(self, seconds: float) -> None:
        self.now += seconds
        for until, awake in self._sleeping:
            if until <= self.now:
                awake.set()


@pytest.fixture
def stepped_time() -> SteppedTime:
    return SteppedTime()


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
async def gateway(fake_time: FakeTime) -> AsyncIterator[EmulatedGateway]:
    """A gateway at its best, with agents 101 to 120."""
    async with EmulatedGateway(
        agent_ids=range(101, 121), clock=fake_time.clock, sleep=fake_time.sleep
    ) as running:
        yield running
