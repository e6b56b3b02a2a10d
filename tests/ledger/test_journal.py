"""What is on disk when, and which rows are handed out."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import anyio
import pytest

from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.ledger import Database, Journal, RunRecord, find_run, prefetch, summarise
from bulkagent.ledger import group_commit as module
from bulkagent.ledger.database import Busy
from bulkagent.model import Assignment, Cause, Outcome, Status
from tests.dispositions import BUSY, DONE, LOST, REFUSED, ended
from tests.ledger.ledgers import (
    OFF,
    ON,
    StillClock,
    history,
    journal,
    marks_on_disk,
    plan,
    planner,
    report,
    statuses,
    took,
    took_all,
)
from tests.waiting import HANG_S


@contextmanager
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process's write lock, held until it rolls back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


class Watched:
    """A journal's writer with a look at each of its transactions."""

    def __init__(self, book: Journal) -> None:
        self.commits = 0
        self.refused = 0
        self.tried = asyncio.Event()
        self._write = book._commits.writer.write
        book._commits.writer._connection.set_trace_callback(self._trace)
        book._commits.writer.write = self._watch  # type: ignore[method-assign] # looked at from outside

    def _trace(self, statement: str) -> None:
        self.commits += statement == "COMMIT"

    def _watch(self, *statements: object) -> None:
        try:
            self._write(*statements)  # type: ignore[arg-type] # passed on as they are
        except Busy:
            self.refused += 1
            self.tried.set()
            self.tried = asyncio.Event()
            raise

    async def refusals(self, more: int) -> None:
        """Wait until so many more commits were refused, because another held the lock."""
        for _ in range(more):
            await self.tried.wait()


def full(book: Journal) -> None:
    """Let the disk have no room for another page."""
    ((pages,),) = book._commits.writer.all("PRAGMA page_count")
    book._commits.writer.all(f"PRAGMA max_page_count={pages}")


def roomy(book: Journal) -> None:
    book._commits.writer.all("PRAGMA max_page_count=1000000")


# Marks.


async def test_a_mark_is_on_disk_before_it_returns(database: Database) -> None:
    made = plan(database, 3)
    async with journal(database, made.run) as book:
        for number in (1, 2, 3):
            item = await took(book)
            await book.mark(item, 1)
            assert marks_on_disk(database.path) == dict.fromkeys(range(2, number + 2), 1)
            assert book.counters.requests == number


async def test_a_retrys_mark_counts_the_attempt_and_keeps_when_the_first_was_sent(
    database: Database,
) -> None:
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        item = await took(book)
        await book.mark(item, 1)
        sent = database.all("SELECT first_sent_at FROM outcomes")
        book.attempted(item, 1, ended(BUSY))
        await book.mark(item, 2)
        assert marks_on_disk(database.path) == {2: 2}
        assert database.all("SELECT first_sent_at FROM outcomes") == sent
        assert (book.counters.requests, book.counters.retries) == (2, 1)


@pytest.mark.parametrize("marked", [1, 2])
async def test_an_outcome_is_not_before_its_attempts_where_the_clock_was_set_back(
    database: Database, marked: int
) -> None:
    """Also where no other attempt has followed the last one, as when a gateway is given up."""
    clock, told = StillClock(), list[Outcome]()
    made = plan(database, 1)
    async with journal(database, made.run, clock=clock, settled=told.append) as book:
        item = await took(book)
        await book.mark(item, 1)
        first_ms = clock.ms
        book.attempted(item, 1, ended(BUSY))
        clock.ms -= 24_800
        if marked > 1:
            await book.mark(item, marked)
            first_ms = clock.ms
            book.attempted(item, marked, ended(BUSY))
            clock.ms -= 10_000
        book.settle(item, history(*[BUSY] * marked))
        await book.flushed()
    (line,), _ = report(database)
    assert (line.first_sent_at, line.finished_at) == (first_ms, first_ms)
    (outcome,) = told
    assert outcome.finished_at == first_ms
    assert (outcome.first_sent_at or 0) <= first_ms


async def test_all_of_one_turn_of_the_loop_is_one_transaction(database: Database) -> None:
    made = plan(database, 100)
    async with journal(database, made.run) as book:
        items = await took_all(book)
        watched = Watched(book)
        await asyncio.gather(*(book.mark(item, 1) for item in items[:60]))
        assert watched.commits == 1

        async def work(before: Assignment, after: Assignment) -> None:
            if before.row % 2:
                book.settle(before, history(DONE))
            else:
                book.attempted(before, 1, ended(BUSY))
            await book.mark(after, 1)

        await asyncio.gather(*map(work, items[:40], items[60:]))
        assert watched.commits == 2
        await book.flushed()
        assert watched.commits == 2
        assert (book.counters.finished, book.counters.requests) == (20, 100)


async def test_a_turn_in_which_nothing_happens_writes_nothing(database: Database) -> None:
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        watched = Watched(book)
        for _ in range(5):
            await asyncio.sleep(0)
        await book.flushed()
        assert watched.commits == 0


# Outcomes.


async def test_an_outcome_is_on_disk_before_it_is_counted_or_told(database: Database) -> None:
    made = plan(database, 50)
    told: list[Outcome] = []

    def settled(outcome: Outcome) -> None:
        with Database(database.path) as other:
            assert other.all(
                "SELECT status, attempts, finished_at FROM outcomes WHERE row = ?", (outcome.row,)
            ) == [(outcome.status.value, outcome.attempts, outcome.finished_at)]
        told.append(outcome)

    async with journal(database, made.run, settled=settled) as book:
        write, counted = book._commits.writer.write, list[tuple[int, int]]()

        def watch(*statements: object) -> None:
            before = (book.counters.finished, book.counters.requests)
            write(*statements)  # type: ignore[arg-type] # passed on as they are
            assert (book.counters.finished, book.counters.requests) == before
            counted.append(before)

        book._commits.writer.write = watch  # type: ignore[method-assign] # looked at from outside
        for item in await took_all(book):
            await book.mark(item, 1)
            book.settle(item, history(DONE if item.row % 2 else REFUSED))
            assert book.counters.finished == len(told) < 50
        await book.flushed()
        assert len(counted) == 51
        assert book.counters.by_status[Status.APPLIED] == 25
        assert book.counters.by_status[Status.REJECTED] == 25
        assert book.counters.finished == 50
    assert [outcome.row for outcome in told] == list(range(2, 52))


async def test_a_retry_that_never_came_is_not_counted_as_one(database: Database) -> None:
    """A run that is stopped ends the rows that wait for a retry."""
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        item = await took(book)
        await book.mark(item, 1)
        book.attempted(item, 1, ended(BUSY))
        book.settle(item, history(BUSY))
        await book.flushed()
        counted = book.counters
    summary = summarise(RunRecord(database, made.run))
    assert (counted.requests, counted.retries) == (summary.requests, summary.retries) == (1, 0)


async def test_attempts_between_are_kept_with_what_was_said(database: Database) -> None:
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        item = await took(book)
        await book.mark(item, 1)
        book.attempted(item, 1, ended(BUSY, retcode="100-1", message="later"))
        await book.mark(item, 2)
        book.attempted(item, 2, ended(LOST))
        await book.flushed()
    kept = "SELECT row, attempt, disposition, retcode, message FROM attempts ORDER BY attempt"
    assert database.all(kept) == [(2, 1, "busy", "100-1", "later"), (2, 2, "lost", "", "")]


async def test_leaving_writes_all_that_was_recorded(database: Database) -> None:
    made = plan(database, 2)
    async with journal(database, made.run) as book:
        first, second = await took(book), await took(book)
        await book.mark(first, 1)
        await book.mark(second, 1)
        book.settle(first, history(DONE))
        book.attempted(second, 1, ended(BUSY))
    assert statuses(database, made.run) == {2: "applied", 3: "unknown"}
    assert database.all("SELECT count(*) FROM attempts") == [(1,)]


async def test_leaving_closes_both_connections_and_ends_the_thread(database: Database) -> None:
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        assert (await took(book)).row == 2
    for connection in (book._commits.writer, book._reader):
        with pytest.raises(LedgerUnavailable, match="closed"):
            connection.all("SELECT 1")
    assert not [t for t in threading.enumerate() if t.name.startswith("bulkagent-ledger")]


@pytest.mark.parametrize("how", ["scope", "task"])
async def test_a_cancelled_run_keeps_its_last_outcomes(database: Database, how: str) -> None:
    made = plan(database, 1)

    async def work() -> None:
        with anyio.CancelScope() as scope:
            async with journal(database, made.run) as book:
                item = await took(book)
                await book.mark(item, 1)
                book.settle(item, history(DONE))
                if how == "scope":
                    scope.cancel()
                else:
                    asyncio.get_running_loop().call_soon(task.cancel)
                await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.wait((task,))
    assert task.cancelled() == (how == "task")
    assert statuses(database, made.run) == {2: "applied"}


async def test_a_cancelled_run_waits_until_its_last_outcomes_can_be_written(
    database: Database,
) -> None:
    made = plan(database, 1)
    with locked(database.path) as other:

        async def work() -> None:
            with anyio.CancelScope() as scope:
                async with journal(database, made.run) as book:
                    item = await took(book)
                    other.execute("ROLLBACK")
                    await book.mark(item, 1)
                    other.execute("BEGIN IMMEDIATE")
                    begun.set_result(Watched(book))
                    book.settle(item, history(DONE))
                    scope.cancel()
                    await asyncio.Event().wait()

        begun: asyncio.Future[Watched] = asyncio.get_running_loop().create_future()
        working = asyncio.create_task(work())
        await asyncio.wait_for((await begun).refusals(3), HANG_S)
        assert not working.done()
        other.execute("ROLLBACK")
        await working
    assert statuses(database, made.run) == {2: "applied"}


async def test_what_ended_the_run_is_not_hidden_by_a_ledger_that_failed(
    database: Database,
) -> None:
    made = plan(database, 5_000)

    async def work() -> None:
        async with journal(database, made.run) as book:
            items = await took_all(book)
            full(book)
            with pytest.raises(LedgerFailed):
                await asyncio.gather(*(book.mark(item, 1) for item in items))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()


async def test_text_that_is_none_is_recorded_spelled_out(database: Database) -> None:
    made = plan(database, 2)
    async with journal(database, made.run) as book:
        first, second = await took(book), await took(book)
        await book.mark(first, 1)
        await book.mark(second, 1)
        book.attempted(first, 1, ended(BUSY, message="half a \udcff character"))
        book.settle(second, history(REFUSED, message="\ud800"))
        await book.flushed()
        await book.mark(first, 2)
    assert database.all("SELECT message FROM attempts") == [("half a \\udcff character",)]
    assert database.all("SELECT message FROM outcomes WHERE row = 3") == [("\\ud800",)]


# Another process that writes.


async def test_waits_for_another_writer_and_what_is_recorded_meanwhile_joins(
    database: Database,
) -> None:
    made = plan(database, 30)
    told: list[int] = []
    async with journal(database, made.run, settled=lambda o: told.append(o.row)) as book:
        items = await took_all(book)
        await book.mark(items[0], 1)
        watched = Watched(book)
        with locked(database.path) as other:
            marks = [asyncio.create_task(book.mark(item, 1)) for item in items[1:10]]
            await watched.refusals(2)
            book.settle(items[0], history(DONE))
            marks += [asyncio.create_task(book.mark(item, 1)) for item in items[10:]]
            await watched.refusals(2)
            assert not any(mark.done() for mark in marks)
            assert (told, book.counters.requests, book.counters.finished) == ([], 1, 0)
            other.execute("ROLLBACK")
            await asyncio.gather(*marks)
        assert watched.commits == 1
        assert (told, book.counters.requests, book.counters.finished) == ([2], 30, 1)
        assert len(marks_on_disk(database.path)) == 30


async def test_another_writer_that_never_ends_ends_the_run(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BUSY_LIMIT", 3)
    made = plan(database, 2)
    with locked(database.path) as other:

        async def work() -> None:
            async with journal(database, made.run) as book:
                first, second = await took(book), await took(book)
                watched = Watched(book)
                with pytest.raises(LedgerFailed, match="another process"):
                    await book.mark(first, 1)
                assert watched.refused == 3
                with pytest.raises(LedgerFailed, match="another process"):
                    await book.mark(second, 1)
                assert watched.refused == 3

        with pytest.raises(LedgerFailed, match=r"another process.*sending has stopped"):
            await asyncio.wait_for(work(), HANG_S)
        other.execute("ROLLBACK")
    assert statuses(database, made.run) == {2: "not_attempted", 3: "not_attempted"}


async def test_cancelling_one_mark_disturbs_no_other_and_says_nothing_of_its_own(
    database: Database,
) -> None:
    made = plan(database, 3)
    async with journal(database, made.run) as book:
        items = await took_all(book)
        watched = Watched(book)
        with locked(database.path) as other:
            marks = [asyncio.create_task(book.mark(item, 1)) for item in items]
            await watched.refusals(1)
            marks[1].cancel()
            await asyncio.wait((marks[1],))
            assert marks[1].cancelled()
            other.execute("ROLLBACK")
            await asyncio.gather(marks[0], marks[2])
        assert marks_on_disk(database.path) == {2: 1, 4: 1}
        assert book.counters.requests == 2
    assert statuses(database, made.run)[3] == "not_attempted"


async def test_a_mark_cancelled_after_its_commit_stays(database: Database) -> None:
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        item = await took(book)
        mark = asyncio.create_task(book.mark(item, 1))
        write = book._commits.writer.write

        def cancels(*statements: object) -> None:
            write(*statements)  # type: ignore[arg-type] # passed on as they are
            mark.cancel()

        book._commits.writer.write = cancels  # type: ignore[method-assign] # looked at from outside
        await asyncio.wait((mark,))
        assert mark.cancelled()
    assert statuses(database, made.run) == {2: "unknown"}


# A ledger that fails.


async def test_after_a_failed_commit_every_mark_fails_and_nobody_waits(
    database: Database,
) -> None:
    made = plan(database, 5_000)

    async def work() -> None:
        async with journal(database, made.run) as book:
            items = await took_all(book)
            await book.mark(items[0], 1)
            full(book)
            ends = await asyncio.gather(
                *(book.mark(item, 1) for item in items[1:4_000]), return_exceptions=True
            )
            assert {type(end) for end in ends} == {LedgerFailed}
            assert "sending has stopped" in str(ends[0])
            roomy(book)
            for item in items[4_000:4_010]:
                with pytest.raises(LedgerFailed, match="full"):
                    await book.mark(item, 1)
            with pytest.raises(LedgerFailed, match="full"):
                await book.flushed()
            assert book.counters.requests == 1

    with pytest.raises(LedgerFailed, match="full"):
        await asyncio.wait_for(work(), HANG_S)
    assert summarise(RunRecord(database, made.run)).totals["unknown"] == 1
    assert summarise(RunRecord(database, made.run)).totals["not_attempted"] == 4_999


async def test_a_failure_is_told_also_where_nothing_more_is_marked(database: Database) -> None:
    """A gate waits for outcomes on disk, and marks nothing meanwhile: it has to be told."""
    made = plan(database, 2_000)

    async def work() -> None:
        told = asyncio.Event()
        async with journal(database, made.run) as book:
            book.tell(told.set)
            items = await took_all(book)
            await asyncio.gather(*(book.mark(item, 1) for item in items))
            full(book)
            for item in items:
                book.settle(item, history(DONE))
            await told.wait()

    with pytest.raises(LedgerFailed, match="full"):
        await asyncio.wait_for(work(), HANG_S)


async def test_outcomes_of_requests_made_before_a_failure_get_a_last_chance(
    database: Database,
) -> None:
    made = plan(database, 5_000)
    told: list[int] = []

    async def work() -> None:
        async with journal(database, made.run, settled=lambda o: told.append(o.row)) as book:
            items = await took_all(book)
            await book.mark(items[0], 1)
            await book.mark(items[1], 1)
            full(book)

            async def go_on(after: Assignment) -> None:
                if after is items[2]:
                    book.settle(items[0], history(DONE))
                await book.mark(after, 1)

            with pytest.raises(LedgerFailed):
                await asyncio.gather(*map(go_on, items[2:]))
            book.settle(items[1], history(REFUSED))
            assert (told, book.counters.finished) == ([], 0)
            roomy(book)

    with pytest.raises(LedgerFailed, match="full"):
        await work()
    assert told == [2, 3]
    totals = summarise(RunRecord(database, made.run)).totals
    assert (totals["applied"], totals["rejected"], totals["not_attempted"]) == (1, 1, 4_998)


async def test_a_listener_that_raises_ends_the_run_and_loses_nothing(database: Database) -> None:
    made = plan(database, 4)

    def settled(_: Outcome) -> None:
        raise ZeroDivisionError("the listener's own")

    async def work() -> None:
        async with journal(database, made.run, settled=settled) as book:
            items = await took_all(book)
            await book.mark(items[0], 1)
            await book.mark(items[1], 1)
            book.settle(items[0], history(DONE))
            # In the same transaction, which is good: its request may leave.
            await book.mark(items[2], 1)
            with pytest.raises(ZeroDivisionError):
                await book.mark(items[3], 1)
            book.settle(items[1], history(REFUSED))

    with pytest.raises(ZeroDivisionError, match="the listener's own"):
        await asyncio.wait_for(work(), HANG_S)
    assert statuses(database, made.run) == {
        2: "applied",
        3: "rejected",
        4: "unknown",
        5: "not_attempted",
    }


async def test_a_listener_that_raises_at_the_very_end_is_heard(database: Database) -> None:
    made = plan(database, 1)

    def settled(_: Outcome) -> None:
        raise ZeroDivisionError

    async def work() -> None:
        async with journal(database, made.run, settled=settled) as book:
            item = await took(book)
            await book.mark(item, 1)
            book.settle(item, history(DONE))

    with pytest.raises(ZeroDivisionError):
        await work()
    assert statuses(database, made.run) == {2: "applied"}


async def test_a_defect_while_writing_leaves_nobody_waiting(database: Database) -> None:
    made = plan(database, 2)

    async def work() -> None:
        async with journal(database, made.run) as book:
            first, second = await took(book), await took(book)

            def broken(*_: object) -> None:
                raise ZeroDivisionError

            book._commits.writer.write = broken  # type: ignore[method-assign] # broken on purpose
            for item in (first, second):
                with pytest.raises(ZeroDivisionError):
                    await book.mark(item, 1)

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(work(), HANG_S)


def test_a_ledger_that_is_gone_is_said_to_be(database: Database) -> None:
    made = plan(database, 1)
    database.path.rename(database.path.with_name("elsewhere"))
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        journal(database, made.run)
    database.path.with_name("elsewhere").rename(database.path)


# Rows that are left.


async def test_many_takers_get_every_row_once_and_in_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_CHUNK", 7)
    monkeypatch.setattr(prefetch, "_LEAST_CHUNK", 3)
    made = plan(database, 100)
    taken: list[int] = []
    async with journal(database, made.run) as book:

        async def taker() -> None:
            while (item := await book.take(0)) is not None:
                taken.append(item.row)
                await asyncio.sleep(0)

        await asyncio.gather(*(taker() for _ in range(20)))
        assert await book.take(0) is None
    assert taken == list(range(2, 102))


@pytest.mark.parametrize("rows", [0, 1, 6, 7, 8, 14, 15])
@pytest.mark.parametrize("chunk", [3, 7])
async def test_no_row_is_lost_at_the_border_of_two_chunks(
    database: Database, monkeypatch: pytest.MonkeyPatch, rows: int, chunk: int
) -> None:
    monkeypatch.setattr(prefetch, "_CHUNK", chunk)
    monkeypatch.setattr(prefetch, "_LEAST_CHUNK", chunk)
    made = plan(database, rows)
    async with journal(database, made.run) as book:
        assert [item.row for item in await took_all(book)] == list(range(2, rows + 2))


async def test_chunks_as_they_really_are(database: Database) -> None:
    rows = 2 * prefetch._CHUNK + 1
    made = plan(database, rows)
    async with journal(database, made.run) as book:
        items = await took_all(book)
    assert [item.row for item in items] == list(range(2, rows + 2))
    assert items[0] == Assignment(2, "east", "1002", "settalkright", ON)


async def test_lanes_share_nothing_and_only_assignments_are_handed_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_CHUNK", 4)
    monkeypatch.setattr(prefetch, "_LEAST_CHUNK", 4)
    made = planner(database)
    for row in range(2, 62):
        gateway, arguments = ("east", ON) if row % 3 else ("west", OFF)
        if row % 5 == 0:
            made.reject(row, "1", gateway, arguments, (), status=Status.DUPLICATE, reason="")
        else:
            made.assign(row, str(row), gateway, arguments, ())
    made.retract(3, "")
    made.retract(4, "")
    made.planned(1)
    async with journal(database, made.run, lanes=(0, 1)) as book:
        east, west = await asyncio.gather(took_all(book, 0), took_all(book, 1))
    whole = {row for row in range(2, 62) if row % 5 and row > 4} | {2}
    assert [item.row for item in east] == sorted(row for row in whole if row % 3)
    assert [item.row for item in west] == sorted(row for row in whole if not row % 3)
    assert {(item.gateway, item.arguments) for item in west} == {("west", OFF)}


async def test_rows_of_another_run_and_rows_with_a_mark_are_not_handed_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_CHUNK", 5)
    monkeypatch.setattr(prefetch, "_LEAST_CHUNK", 5)
    plan(database, 30)
    made = plan(database, 30)
    async with journal(database, made.run) as book:
        for item in await took_all(book):
            if item.row % 4 == 0:
                await book.mark(item, 1)
            if item.row % 8 == 0:
                book.settle(item, history(DONE))
    async with journal(database, made.run) as book:
        left = [item.row for item in await took_all(book)]
    assert left == [row for row in range(2, 32) if row % 4]


async def test_taking_waits_for_rows_without_holding_up_the_loop(database: Database) -> None:
    made = plan(database, 10)
    begun, go_on = threading.Event(), threading.Event()
    async with journal(database, made.run) as book:
        read = book._prefetch._read

        def slow(lane: int, after: int) -> list[prefetch.Item]:
            begun.set()
            assert go_on.wait(HANG_S)
            return read(lane, after)

        book._prefetch._read = slow  # type: ignore[method-assign] # held up on purpose
        takers = [asyncio.create_task(book.take(0)) for _ in range(5)]
        assert await asyncio.to_thread(begun.wait, 30)
        takers[2].cancel()
        await asyncio.wait((takers[2],))
        assert [taker.done() for taker in takers] == [False, False, True, False, False]
        go_on.set()
        rest = await asyncio.gather(*takers[:2], *takers[3:])
        assert [item.row for item in rest if item] == [2, 3, 4, 5]
        assert (await took(book)).row == 6


async def test_a_ledger_that_cannot_be_read_fails_every_taker_once_the_shelf_is_empty(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_CHUNK", 5)
    monkeypatch.setattr(prefetch, "_LEAST_CHUNK", 5)
    made = plan(database, 20)
    async with journal(database, made.run) as book:
        first = await took(book)
        database.write(
            ("DROP VIEW stories", [()]), ("ALTER TABLE assignments RENAME TO gone", [()])
        )
        ends = await asyncio.gather(*(book.take(0) for _ in range(10)), return_exceptions=True)
        assert [end.row for end in ends if isinstance(end, Assignment)] == [3, 4, 5, 6]
        # Not `LedgerUnavailable`, which would say that nothing was sent.
        failed = [end for end in ends if not isinstance(end, Assignment)]
        assert [type(end) for end in failed] == [LedgerFailed] * 6
        assert "sending has stopped" in str(failed[0])
        await book.mark(first, 1)
    assert database.all("SELECT row, attempts FROM outcomes") == [(2, 1)]


# Checkpoints.


async def test_checkpoints_are_made_in_a_thread_and_by_the_clock(database: Database) -> None:
    made = plan(database, 200)
    clock, threads = StillClock(), list[int]()
    over = threading.Event()
    async with journal(database, made.run, clock=clock) as book:
        checkpoint = book._reader.checkpoint

        def watched() -> None:
            threads.append(threading.get_ident())
            checkpoint()
            over.set()

        book._reader.checkpoint = watched  # type: ignore[method-assign] # looked at from outside
        items = await took_all(book)
        await asyncio.gather(*(book.mark(item, 1) for item in items))
        assert threads == []
        before = database.path.read_bytes()
        clock.move()
        assert await asyncio.to_thread(over.wait, 30)
        assert len(threads) == 1
        assert threads[0] != threading.get_ident()
        assert database.path.read_bytes() != before
    assert len(threads) == 2, "and once more at the end"


async def test_the_log_is_moved_into_the_file_at_the_end(database: Database) -> None:
    made = plan(database, 500)
    async with journal(database, made.run) as book:
        items = await took_all(book)
        await asyncio.gather(*(book.mark(item, 1) for item in items))
    copy = database.path.with_name("copy.sqlite3")
    copy.write_bytes(database.path.read_bytes())
    with Database(copy) as alone:
        assert summarise(RunRecord(alone, find_run(alone, "last").run)).totals["unknown"] == 500


# What another run takes.


@pytest.mark.parametrize("synced", [False, True])
async def test_the_mark_of_a_row_that_another_run_has_taken_is_refused(
    database: Database, *, synced: bool
) -> None:
    """In the mark's own commit: also of a row that was read ahead, or that is tried again."""
    made, other = plan(database, 4), plan(database, 1)
    async with journal(database, made.run, synced=synced) as book:
        first, again, taken, last = await took_all(book)
        assert await book.mark(first, 1)
        assert await book.mark(again, 1)
        book.attempted(again, 1, ended(BUSY))
        await book.flushed()
        rows = [(made.run, item.row, other.run) for item in (again, taken)]
        database.write(("INSERT INTO set_aside VALUES (?,?,'superseded',?)", rows))
        asked = ((again, 2), (taken, 1), (last, 1))
        marks = await asyncio.gather(*(book.mark(item, attempt) for item, attempt in asked))
        assert marks == [False, False, True]
        book.settle(again, history(BUSY))
        assert not await book.mark(taken, 1), "it stays so"
        assert (book.counters.requests, book.counters.retries) == (3, 0)
    assert marks_on_disk(database.path) == {first.row: 1, again.row: 1, last.row: 1}
    causes = {line.row: line.cause for line in report(database, made.run_id)[0]}
    assert causes[taken.row] is causes[again.row] is Cause.SUPERSEDED
    assert statuses(database, made.run)[taken.row] == "not_attempted"
