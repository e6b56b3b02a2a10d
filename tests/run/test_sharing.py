"""The limit and the rate of a gateway, shared by the commands at work on one ledger.

Proves --concurrency, --rate, --burst; guide "Several commands at one gateway".
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import anyio
import pytest

from bulkagent.clock import SystemClock
from bulkagent.emulator import EmulatedGateway, Latency, Scenario
from bulkagent.errors import LedgerFailed
from bulkagent.ledger import Database, open_ledger
from bulkagent.run import Consent, Run
from bulkagent.run.sharing.division import LimitPart, SharedPart
from bulkagent.run.sharing.shared_limits import SharedGateway, Sharing
from bulkagent.run.sharing.shared_time import LimitsShared
from tests.ledger.ledgers import planner
from tests.run.again import MovedClock, Shift

URL = "https://east.example"
LIMIT = LimitPart(16, 100.0)


class Running(SystemClock):
    """A clock on which a second is over as soon as everybody had a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.jumped_ms = 0
        self.monotonic = lambda: self.now

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + round(self.now * 1000) + self.jumped_ms

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class Slots:
    """What a bulkhead is told, and how many slots are said to be in use."""

    def __init__(self) -> None:
        self.in_use = 0
        self.tokens = LIMIT.concurrency
        self.until = math.inf
        self.rate: float | None = LIMIT.per_second
        self.burst = 0

    def resize(self, tokens: int, until: float) -> None:
        self.tokens, self.until = tokens, until

    def pace(self, per_second: float | None, burst: int) -> None:
        self.rate, self.burst = per_second, burst


class Command:
    """One command's share of one gateway."""

    def __init__(self, database: Database, clock: Running, limit: LimitPart = LIMIT) -> None:
        self.made = planner(database)
        self.made.assign(2, "1002", "east", "flag=1", ())
        self.made.planned(1)
        self.slots = Slots()
        self.told: list[SharedPart] = []
        self.doubts = False
        gateway = SharedGateway(self.slots, limit, 4, self.told.append)
        self.sharing = Sharing(
            *(database, self.made.run, self.made.run_id, {URL: gateway}),
            clock=clock,
            in_doubt=lambda: self.doubts,
        )

    async def look(self) -> None:
        await self.sharing._agree()

    async def __aenter__(self) -> Self:
        await self.sharing.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.sharing.__aexit__(None, None, None)
        self.made.lock.release()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_ledger(tmp_path / "ledger.sqlite3") as opened:
        yield opened


def shares(database: Database) -> int:
    return int(database.all("SELECT count(*) FROM shares")[0][0])


async def test_one_that_is_alone_has_its_whole_limit_at_once(database: Database) -> None:
    async with Command(database, Running()) as alone:
        assert (alone.slots.tokens, alone.slots.rate, alone.slots.burst) == (16, 100.0, 4)
        assert shares(database) == 1
    assert shares(database) == 0


async def test_two_share_and_what_one_leaves_is_the_others(database: Database) -> None:
    clock = Running()
    async with Command(database, clock) as first:
        first.slots.in_use = 16
        async with Command(database, clock) as second:
            assert second.slots.tokens == 0, "the first one does not know yet"
            await first.look()
            await first.look()
            await second.look()
            assert (first.slots.tokens, second.slots.tokens) == (8, 0), "sixteen are under way"
            first.slots.in_use = 11
            await first.look()
            await second.look()
            assert second.slots.tokens == 5
            first.slots.in_use = 8
            await first.look()
            await second.look()
            assert (second.slots.tokens, second.slots.rate, second.slots.burst) == (8, 50.0, 2)
            assert second.told[-1] == SharedPart(LimitPart(8, 50.0), 2)
        await first.look()
        assert (first.slots.tokens, first.slots.rate, first.slots.burst) == (16, 100.0, 4)


async def test_limits_that_differ_hold_as_the_smaller_for_both_together(
    database: Database,
) -> None:
    clock = Running()
    small = Command(database, clock, LimitPart(4, math.inf))
    async with Command(database, clock) as first, small as second:
        for _ in range(3):
            await first.look()
            await second.look()
        assert (first.slots.tokens, second.slots.tokens) == (2, 2)
        assert (first.slots.rate, second.slots.rate) == (50.0, 50.0)


async def test_the_share_of_a_killed_command_returns(database: Database) -> None:
    """Its lock is free, whatever clocks say; what it sent a moment ago may still be worked at."""
    clock = Running()
    async with Command(database, clock) as first:
        killed = Command(database, clock)
        await killed.sharing.__aenter__()
        for _ in range(3):
            await first.look()
            await killed.look()
        assert killed.slots.tokens == 8
        killed.made.lock.release()
        clock.jumped_ms = -3_600_000
        await first.look()
        assert first.slots.tokens == 8
        clock.now += 3.0
        await first.look()
        assert (first.slots.tokens, shares(database)) == (16, 1)
        killed.sharing._database.close()  # type: ignore[union-attr]


async def test_a_command_that_is_stopped_gives_its_share_and_waits_when_it_is_let_go_on(
    database: Database,
) -> None:
    """SIGSTOP and SIGCONT: it may start nothing by itself until the others have given way."""
    clock = Running()
    async with Command(database, clock) as first, Command(database, clock) as stopped:
        for _ in range(3):
            await first.look()
            await stopped.look()
        assert stopped.slots.until <= clock.now + 3.0
        for _ in range(6):
            clock.now += 1.0
            await first.look()
        assert first.slots.tokens == 16
        assert stopped.slots.until < clock.now
        await stopped.look()
        assert stopped.slots.tokens == 0
        await first.look()
        await first.look()
        await stopped.look()
        assert (first.slots.tokens, stopped.slots.tokens) == (8, 8)


async def test_one_that_was_taken_for_dead_asks_anew(database: Database) -> None:
    clock = Running()
    async with Command(database, clock) as first, Command(database, clock) as second:
        database.write(("DELETE FROM shares WHERE run = ?", [(second.made.run,)]))
        await second.look()
        assert second.slots.tokens == 0
        for _ in range(3):
            await first.look()
            await second.look()
        assert (first.slots.tokens, second.slots.tokens) == (8, 8)


async def test_a_leg_that_leaves_requests_in_doubt_leaves_its_share_behind(
    database: Database,
) -> None:
    async with Command(database, Running()) as cut_off:
        cut_off.doubts = True
    assert shares(database) == 1


async def test_the_loop_looks_about_once_a_second_and_sooner_where_somebody_waits(
    database: Database,
) -> None:
    clock = Running()
    async with (
        Command(database, clock) as first,
        Command(database, clock) as second,
        anyio.create_task_group() as tasks,
    ):
        second.sharing._gateways[URL]._told = lambda shared: (
            tasks.cancel_scope.cancel() if shared.part == LimitPart(8, 50.0) else None
        )
        tasks.start_soon(first.sharing.run)
        tasks.start_soon(second.sharing.run)
    assert second.slots.tokens == 8


async def test_a_ledger_that_takes_no_more_ends_the_sending(database: Database) -> None:
    async with Command(database, Running()) as command:
        command.sharing._database.all("PRAGMA query_only=ON")  # type: ignore[union-attr]
        with pytest.raises(LedgerFailed, match="sending has stopped"):
            await command.look()


class QuickTicks(MovedClock):
    """A clock on which nobody has to wait for a second."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.02))


async def test_two_runs_at_once_stay_within_one_limit_as_the_gateway_counts(
    tmp_path: Path,
) -> None:
    """Limit and rate are the gateway's, not each command's: `--concurrency`, by its own record."""
    slow = Scenario(latency=Latency(milliseconds=20))
    async with EmulatedGateway(slow, agent_ids=range(101, 301)) as gateway:
        made = Shift(tmp_path, gateway)
        made.clock = QuickTicks()
        rosters = [made.write(range(at, at + 60), name=f"{at}.csv") for at in (101, 161, 221)]

        async def applied(roster: Path) -> None:
            asked = made.request(roster, concurrency=6)
            with Run(asked, clock=made.clock) as run:
                prepared = await anyio.to_thread.run_sync(run.prepare)
                finished = await prepared.execute(Consent.PROGRAM)
                result = finished.result_or_defect()
                assert (result.exit_code, result.totals["applied"]) == (0, 60)
                told.extend(finished.shared)

        told: list[LimitsShared] = []
        async with anyio.create_task_group() as tasks:
            for roster in rosters:
                tasks.start_soon(applied, roster)
        stats = gateway.stats()
    assert stats.requests == 180
    assert stats.peak_in_flight <= 6
    assert told
    assert {each.others for each in told} <= {1, 2}
    assert all(each.seconds > 0 for each in told)
