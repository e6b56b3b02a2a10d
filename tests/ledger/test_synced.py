"""With `--durability full` the disk has it before anybody is told, and the loop does not wait.

Proves --durability; guide "The ledger".
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from bulkagent.errors import LedgerFailed
from bulkagent.ledger import Database, Journal
from bulkagent.model import Outcome, Status
from tests.dispositions import DONE, LOST
from tests.ledger.ledgers import history, journal, marks_on_disk, plan, statuses, took
from tests.waiting import HANG_S

FULL = 2  # sqlite.org/pragma.html#pragma_synchronous


class Held:
    """The writer's transactions, each held until the test lets it go, whatever its thread."""

    def __init__(self, book: Journal) -> None:
        self.begun = asyncio.Event()
        self.threads: set[int] = set()
        self._go_on = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._write = book._commits.writer.write
        book._commits.writer.write = self._hold  # type: ignore[method-assign] # held up on purpose

    def _hold(self, *statements: Any) -> None:
        self.threads.add(threading.get_ident())
        self._loop.call_soon_threadsafe(self.begun.set)
        assert self._go_on.wait(HANG_S)
        self._write(*statements)

    def go_on(self) -> None:
        self._go_on.set()


@pytest.mark.parametrize(("synced", "level"), [(False, 1), (True, FULL)])
async def test_the_writer_syncs_where_it_was_asked_to(
    database: Database, synced: bool, level: int
) -> None:
    made = plan(database, 1)
    async with journal(database, made.run, synced=synced) as book:
        assert book._commits.writer.all("PRAGMA synchronous") == [(level,)]


async def test_a_mark_returns_when_it_is_on_disk_and_the_loop_goes_on_meanwhile(
    database: Database,
) -> None:
    made = plan(database, 3)
    async with journal(database, made.run, synced=True) as book:
        held = Held(book)
        first, second = await took(book), await took(book)
        marking = asyncio.create_task(book.mark(first, 1))
        await held.begun.wait()
        assert not marking.done()
        assert marks_on_disk(database.path) == {}
        # What is recorded while the disk is busy is the next commit.
        later = asyncio.create_task(book.mark(second, 1))
        held.go_on()
        await asyncio.gather(marking, later)
        assert marks_on_disk(database.path) == {2: 1, 3: 1}
        book.settle(first, history(DONE))
        book.settle(second, history(LOST))
    assert threading.get_ident() not in held.threads
    assert statuses(database, made.run) == {2: "applied", 3: "unknown", 4: "not_attempted"}
    assert book.counters.finished == 2


async def test_outcomes_are_told_on_the_loop_once_they_are_on_disk(database: Database) -> None:
    made = plan(database, 20)
    told: list[tuple[int, Status]] = []

    def settled(outcome: Outcome) -> None:
        asyncio.get_running_loop()
        assert statuses(database, made.run)[outcome.row] == outcome.status
        told.append((outcome.row, outcome.status))

    async with journal(database, made.run, synced=True, settled=settled) as book:

        async def work() -> None:
            while (item := await book.take(0)) is not None:
                await book.mark(item, 1)
                book.settle(item, history(DONE))

        await asyncio.gather(*(work() for _ in range(4)))
    assert sorted(told) == [(row, Status.APPLIED) for row in range(2, 22)]


async def test_a_disk_that_takes_no_more_fails_every_mark_from_then_on(
    database: Database,
) -> None:
    made = plan(database, 3)

    async def work() -> None:
        async with journal(database, made.run, synced=True) as book:
            first, second = await took(book), await took(book)
            await book.mark(first, 1)
            book._commits.writer.write = _refuse  # type: ignore[method-assign] # broken on purpose
            with pytest.raises(LedgerFailed, match="no more records"):
                await book.mark(second, 1)
            with pytest.raises(LedgerFailed, match="no more records"):
                await book.mark(second, 1)
            assert marks_on_disk(database.path) == {2: 1}

    with pytest.raises(LedgerFailed, match=r"no more records.*sending has stopped"):
        await work()


def _refuse(*statements: Any) -> None:
    raise LedgerFailed("the ledger takes no more records (database or disk is full)")


async def test_outcomes_of_requests_in_flight_at_the_failure_are_tried_once_more(
    database: Database,
) -> None:
    made = plan(database, 2)

    async def work() -> None:
        async with journal(database, made.run, synced=True) as book:
            first, second = await took(book), await took(book)
            await book.mark(first, 1)
            write = book._commits.writer.write
            book._commits.writer.write = _refuse  # type: ignore[method-assign] # for a while
            with pytest.raises(LedgerFailed):
                await book.mark(second, 1)
            book._commits.writer.write = write  # type: ignore[method-assign] # there is room again
            book.settle(first, history(DONE))

    with pytest.raises(LedgerFailed):
        await work()
    assert statuses(database, made.run) == {2: "applied", 3: "not_attempted"}
