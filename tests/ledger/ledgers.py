"""Ledgers as tests make them: a plan of so many agents, a clock that moves when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bulkagent.attempt import Attempt, AttemptHistory
from bulkagent.ledger import (
    Callbacks,
    Database,
    Journal,
    Planner,
    RunRecord,
    begin_leg,
    find_run,
    lines,
    summarise,
)
from bulkagent.ledger.rows import Summary
from bulkagent.model import Assignment, Disposition, Line, Outcome
from tests.dispositions import ended

ON, OFF = "flag=1", "flag=0"
FLAGS = {ON: "1", OFF: "0"}
WAVES = {ON: 0, OFF: 1}
TABLES = ("runs", "lanes", "assignments", "outcomes", "attempts")


class StillClock:
    """A clock on which every waiter waits until the test moves it."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000
        self._moved = asyncio.Event()

    def monotonic(self) -> float:
        return self.ms / 1000

    def busy_s(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        self.ms += 1
        return self.ms

    async def sleep(self, seconds: float) -> None:
        await self._moved.wait()

    def move(self) -> None:
        """Let everyone who waits go on."""
        self._moved.set()
        self._moved = asyncio.Event()


def planner(
    database: Database,
    *,
    roster: str = "roster.csv",
    extra_columns: Sequence[str] = (),
    settings: Mapping[str, object] | None = None,
    now_ms: int = 1_700_000_000_000,
) -> Planner:
    return Planner(
        database,
        operation="settalkright",
        roster=roster,
        extra_columns=extra_columns,
        wave_of=lambda arguments: WAVES.get(arguments, 0),
        settings=settings or {},
        now_ms=now_ms,
    )


def plan(database: Database, agents: int, *, gateway: str = "east") -> Planner:
    """A run with so many agents in one lane, from line 2 on."""
    made = planner(database)
    for row in range(2, agents + 2):
        made.assign(row, str(1000 + row), gateway, ON, ())
    made.planned(1_700_000_000_500)
    begun(database, made, now_ms=1_700_000_000_500)
    return made


def begun(database: Database, made: Planner, *, command: str = "apply", now_ms: int = 1) -> Planner:
    """A planned run that has begun its first leg."""
    begin_leg(RunRecord(database, made.run), command=command, only=(), override="", now_ms=now_ms)
    return made


def journal(
    database: Database,
    run: int,
    *,
    leg: int = 1,
    lanes: Sequence[int] = (0,),
    clock: StillClock | None = None,
    synced: bool = False,
    settled: Callable[[Outcome], None] | None = None,
) -> Journal:
    return Journal(
        RunRecord(database, run),
        leg=leg,
        synced=synced,
        operation="settalkright",
        lanes=lanes,
        clock=clock or StillClock(),
        callbacks=Callbacks(settled=settled),
    )


async def took(source: Journal, lane: int = 0) -> Assignment:
    """The next item, which has to be there."""
    item = await source.take(lane)
    assert item is not None
    return item


async def took_all(source: Journal, lane: int = 0) -> list[Assignment]:
    items: list[Assignment] = []
    while (item := await source.take(lane)) is not None:
        items.append(item)
    return items


def history(*dispositions: Disposition, message: str = "") -> AttemptHistory[Attempt]:
    first, *others = (ended(disposition, message=message) for disposition in dispositions)
    told = AttemptHistory.begin(first)
    for other in others:
        told = told.then(other)
    return told


def statuses(database: Database, run: int) -> dict[int, str]:
    """Every row's status, as a report shows it."""
    return {line.row: line.status.value for line in lines(RunRecord(database, run), FLAGS)}


def report(database: Database, name: str = "last") -> tuple[list[Line], Summary]:
    run = find_run(database, name).run
    return list(lines(RunRecord(database, run), FLAGS)), summarise(RunRecord(database, run))


def rows_in(database: Database) -> dict[str, int]:
    """How many rows each table has."""
    return {table: database.all(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}  # noqa: S608 - of a list above


def marks_on_disk(path: Path) -> dict[int, int]:
    """Row and attempts of every mark that another process would see."""
    with Database(path) as other:
        return dict(other.all("SELECT row, attempts FROM outcomes"))
