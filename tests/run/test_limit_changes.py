"""What a gateway was granted over time is in the ledger and in reports."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path

from bulkagent.clock import SystemClock
from bulkagent.emulator import FaultKind
from bulkagent.engine.throttle.circuit_breaker import TRANSITIONS
from bulkagent.ledger import RunRecord, find_run, limit_changes_of, open_ledger
from bulkagent.run import Consent, Run
from tests.run.again import fault, shift


class HeldClock(SystemClock):
    """A clock on which nobody's wait is over before `go`, however slow the machine is."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.go.wait()
        await super().sleep(seconds)


async def test_a_breaker_that_trips_and_closes_again_is_remembered(tmp_path: Path) -> None:
    async with shift(tmp_path) as made:
        # Ten in a row trip it, before any of them is tried again.
        made.misbehave(fault(FaultKind.UNAVAILABLE, "101-110"))
        report = tmp_path / "pulses.json"
        asked = made.request(flag=1, reports=(report,), max_attempts=3)
        clock = HeldClock()

        def uniform() -> float:
            if made.requests >= 10:
                clock.go.set()
            return 0.9

        with Run(asked, clock=clock, uniform=uniform) as run:
            result = (await run.prepare().execute(Consent.PROGRAM)).result_or_defect()
        assert result.totals["applied"] == 10
        with open_ledger(made.ledger) as database:
            changes = limit_changes_of(RunRecord(database, find_run(database, "last").run))
        states = [change.breaker for change in changes]
        assert states[:3] == ["closed", "open", "half-open"]
        assert states[-1] == "closed"
        moves = {(before.value, after.value) for (before, _), after in TRANSITIONS.items()}
        assert set(itertools.pairwise(states)) <= moves
        assert len({(change.gateway, change.leg, change.concurrency) for change in changes}) == 1
        assert [change.at for change in changes] == sorted(change.at for change in changes)
        told = json.loads(report.read_text())["run"]["pulses"]
        assert [change["breaker"] for change in told] == [change.breaker for change in changes]
        assert {change["concurrency"] for change in told} == {changes[0].concurrency}
        await made.apply(flag=0)
        with open_ledger(made.ledger) as database:
            quiet = limit_changes_of(RunRecord(database, find_run(database, "last").run))
        assert [change.breaker for change in quiet] == ["closed"], "nothing moved"
