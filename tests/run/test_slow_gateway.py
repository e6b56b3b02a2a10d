"""--concurrency at a gateway slower than --timeout, counted by the gateway, over HTTPS (A3).

README: No more requests are in flight at one gateway than `--concurrency` says.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bulkagent.emulator import EmulatedGateway, Latency, Scenario
from bulkagent.model import Outcome, Status
from bulkagent.run import Consent, Run, RunResult
from bulkagent.units import Adaptive
from tests.run.again import Shift

LIMIT = 4
ROUNDS = range(101, 101 + 2 * LIMIT)
# Longer than the time-out, and so much less than twice that, which is how long a slot stays taken,
# that a busy machine, whose handshakes count in it, does not make it more.
SLOW = Scenario(seed=1, latency=Latency(milliseconds=1_150))
IMPATIENT: dict[str, Any] = {
    "timeout_s": 1.0,
    "connect_timeout_s": 0.5,
    "concurrency": LIMIT,
    "max_attempts": 3,
    "grace_s": 0.05,
}


class Slow(Shift):
    """One gateway that takes longer than the time-out; runs follow each other at once."""

    def __init__(self, folder: Path, gateway: EmulatedGateway) -> None:
        folder.mkdir()
        super().__init__(folder, gateway)
        self.roster = self.write(ROUNDS)
        self.clock.ahead_ms = 0

    async def carried_out(self, asked: Any, **more: Any) -> RunResult:
        self.clock.ahead_ms -= 21_000  # what the one before has left counts
        return await super().carried_out(asked, **more)


def emulated() -> EmulatedGateway:
    return EmulatedGateway(SLOW, agent_ids=range(101, 121), agent_id_range=(101, 120))


async def sent(folder: Path, **more: Any) -> None:
    async with emulated() as gateway:
        made = Slow(folder, gateway)
        result = await made.apply(**{**IMPATIENT, **more})
        assert result.totals["applied"] == len(ROUNDS), "a late answer settles its attempt"
        assert gateway.stats().peak_in_flight <= LIMIT


async def stopped_and_resumed(folder: Path) -> None:
    async with emulated() as gateway:
        made = Slow(folder, gateway)
        outcomes: list[Outcome] = []
        request = made.request(**IMPATIENT)
        with Run(request, clock=made.clock, settled=outcomes.append) as run:
            prepared = await asyncio.to_thread(run.prepare)
            running = asyncio.create_task(prepared.execute(Consent.PROGRAM))
            while not gateway.stats().in_flight and not running.done():  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.001)
            prepared.stop(15)
            assert (await running).result_or_defect().exit_code == 143
        assert all(outcome.status is not Status.REJECTED for outcome in outcomes)
        assert (await made.resume(explicit=IMPATIENT)).exit_code == 0
        assert gateway.stats().peak_in_flight <= LIMIT, "what was cut off is at work still"


@pytest.mark.matrix
async def test_the_peak_at_a_gateway_slower_than_the_timeout_is_at_most_the_limit(
    tmp_path: Path,
) -> None:
    await asyncio.gather(
        sent(tmp_path / "fixed"),
        sent(tmp_path / "auto", concurrency=Adaptive(2, LIMIT)),
        stopped_and_resumed(tmp_path / "stopped"),
    )
