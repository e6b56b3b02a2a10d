from __future__ import annotations

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
