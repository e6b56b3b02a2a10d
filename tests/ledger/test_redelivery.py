"""Outcomes that cannot be relied on any more, because a stray reply came on their connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

import pytest

from bulkagent.ledger import (
    Database,
    FormerOutcome,
    Journal,
    RunRecord,
    begin_leg,
    give_back,
    lanes_set_before,
    leave_to,
)
from bulkagent.model import Assignment, Cause, Outcome, Status
from tests.dispositions import BUSY, DONE, LOST, REFUSED, ended
from tests.ledger.ledgers import history, journal, plan, statuses, took, took_all

Told = list[tuple[int, FormerOutcome]]


async def sent(book: Journal, number: int) -> list[Assignment]:
    items = [await took(book) for _ in range(number)]
    for item in items:
        await book.mark(item, 1)
    return items


def on_disk(database: Database) -> dict[int, str | None]:
    """Statuses as another process would see them."""
    with Database(database.path) as other:
        return dict(other.all("SELECT row, status FROM outcomes"))


async def test_who_was_applied_is_unknown_on_disk_and_is_handed_out_again(
    database: Database,
) -> None:
    made = plan(database, 4)
    outcomes: list[Outcome] = []
    told: Told = []
    async with journal(database, made.run, settled=outcomes.append) as book:
        first, second, third = await sent(book, 3)
        book.settle(first, history(DONE))
        book.settle(second, history(REFUSED))
        book.settle(third, history(DONE))
        await book.flushed()
        assert book.counters.by_status[Status.APPLIED] == 2
        await book.reopen((2, 3, 2), told.extend)
        assert on_disk(database) == {2: "unknown", 3: "unknown", 4: "applied"}
        assert [(lane, former.outcome.status) for lane, former in told] == [
            (0, Status.APPLIED),
            (0, Status.REJECTED),
        ]
        counters = book.counters
        assert (counters.finished, counters.unfinished) == (1, 2)
        assert counters.by_status[Status.APPLIED] == 1
        assert counters.by_cause == {"refused": 0}
        assert await took_all(book) == [first, second, made_item(first, 5)]
        await book.mark(first, 1)
        await book.mark(second, 1)
        assert (counters.requests, counters.retries, counters.unfinished) == (5, 2, 2)
        book.settle(first, history(DONE))
        book.settle(second, history(REFUSED))
        await book.flushed()
        assert (counters.finished, counters.unfinished) == (3, 0)
    # A later refusal speaks for itself alone: the doubt stays.
    assert on_disk(database) == {2: "applied", 3: "unknown", 4: "applied"}
    assert [outcome.row for outcome in outcomes] == [2, 3, 4, 2, 3]
    assert [outcome.attempts for outcome in outcomes] == [1, 1, 1, 2, 2]
    kept = database.all("SELECT row, attempt, disposition FROM attempts ORDER BY row")
    assert kept == [(2, 1, "done"), (3, 1, "refused")]


def made_item(like: Assignment, row: int) -> Assignment:
    return Assignment(row, like.gateway, str(1000 + row), like.operation, like.arguments)


async def test_no_commit_says_applied_once_the_doubt_is_known(database: Database) -> None:
    """What ended in the same turn of the loop, and while another process holds the ledger."""
    made = plan(database, 2)
    seen: list[Sequence[object]] = []
    async with journal(database, made.run) as book:
        first, second = await sent(book, 2)
        book.settle(first, history(DONE))
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            recorded = book.reopen(
                (2, 3), lambda _told: seen.append(tuple(on_disk(database).items()))
            )
            book.settle(second, history(DONE))  # answered before, and recorded after
        await recorded
        assert seen == [((2, "unknown"), (3, "unknown"))] * 2
        assert book.counters.by_status[Status.APPLIED] == 0
        assert await took_all(book) == [first, second]
    assert statuses(database, made.run) == {2: "unknown", 3: "unknown"}


async def test_who_is_not_finished_yet_is_in_doubt_unless_a_later_attempt_succeeds(
    database: Database,
) -> None:
    made = plan(database, 2)
    told: Told = []
    async with journal(database, made.run) as book:
        first, second = await sent(book, 2)
        for item in (first, second):
            book.attempted(item, 1, ended(BUSY))
        await book.reopen((2, 3), told.extend)
        for item in (first, second):
            await book.mark(item, 2)
        book.settle(first, history(BUSY, DONE))
        book.settle(second, history(BUSY, REFUSED))
        await book.flushed()
        assert told == []
        assert book.counters.by_cause == {Cause.BAD_REPLY.value: 1}
    assert statuses(database, made.run) == {2: "applied", 3: "unknown"}


async def test_a_success_that_is_put_in_doubt_before_it_is_recorded_is_none(
    database: Database,
) -> None:
    """A stray reply's true one came between a retry's end and its row's, a turn later."""
    made = plan(database, 1)
    told: Told = []
    async with journal(database, made.run) as book:
        (item,) = await sent(book, 1)
        book.attempted(item, 1, ended(BUSY))
        await book.mark(item, 2)
        await book.reopen((2,), told.extend)
        book.settle(item, history(BUSY, DONE))
        await book.flushed()
        assert on_disk(database) == {2: "unknown"}
        assert [former.outcome.status for _, former in told] == [Status.APPLIED]
        assert await took_all(book) == [item]
        await book.mark(item, 1)
        book.settle(item, history(DONE))
    assert statuses(database, made.run) == {2: "applied"}


async def test_who_is_put_in_doubt_twice_is_sent_once_more(database: Database) -> None:
    made = plan(database, 1)
    told: Told = []
    async with journal(database, made.run) as book:
        (item,) = await sent(book, 1)
        book.settle(item, history(DONE))
        await book.reopen((2,), told.extend)
        await book.reopen((2,), told.extend)
        assert len(told) == 1
        assert await took_all(book) == [item]


async def test_who_was_sent_once_more_and_is_in_doubt_again_stays_so(database: Database) -> None:
    """A gateway that sends a reply too many each time would be asked for ever."""
    made = plan(database, 1)
    told: Told = []
    outcomes: list[Outcome] = []
    async with journal(database, made.run, settled=outcomes.append) as book:
        (item,) = await sent(book, 1)
        book.settle(item, history(DONE))
        await book.reopen((2,), told.extend)
        assert await took(book) == item
        await book.mark(item, 1)
        book.settle(item, history(DONE))
        await book.reopen((2,), told.extend)
        assert [former.again for _, former in told] == [True, False]
        assert await took_all(book) == []
        assert on_disk(database) == {2: "unknown"}
        await book.leave()
    assert [outcome.status for outcome in outcomes] == ["applied", "applied", "unknown"]
    assert book.counters.by_status[Status.APPLIED] == 0
    assert (book.counters.finished, book.counters.unfinished) == (1, 0)


async def test_who_is_not_sent_again_is_told_as_unknown(database: Database) -> None:
    made = plan(database, 2)
    outcomes: list[Outcome] = []
    async with journal(database, made.run, settled=outcomes.append) as book:
        for item in await sent(book, 2):
            book.settle(item, history(LOST, DONE))
        await book.reopen((2, 3), lambda _told: None)
        assert (await took(book)).row == 2  # and no mark: a stop came first
        await book.leave()
        assert book.counters.by_status[Status.UNKNOWN] == 1
    assert [(outcome.row, outcome.status) for outcome in outcomes[2:]] == [(3, Status.UNKNOWN)]
    assert statuses(database, made.run) == {2: "unknown", 3: "unknown"}


def dispatch(database: Database, run: int, row: int, *, at: int = 5) -> None:
    mark = (run, row, 1, at, at)
    statement = "INSERT INTO outcomes (run, row, attempts, first_sent_at, sent_at)"
    database.write((f"{statement} VALUES (?,?,?,?,?)", [mark]))
    here = [(run, "east", "https://east", "{}")]
    database.write(("INSERT OR REPLACE INTO endpoints VALUES (?,?,?,?)", here))


def another(database: Database, like: int, row: int) -> None:
    """A later run that has dispatched the same agent at the same gateway, and says no more."""
    made = plan(database, 3)
    dispatch(database, made.run, row)
    at = [(like, "east", "https://east", "{}")]
    database.write(("INSERT OR REPLACE INTO endpoints VALUES (?,?,?,?)", at))


@pytest.mark.parametrize("noted", [False, True], ids=["dispatched", "taken"])
async def test_whom_another_run_has_dispatched_since_is_in_doubt_and_not_sent_again(
    database: Database, *, noted: bool
) -> None:
    """The cause is `superseded`, in the same transaction that puts him in doubt."""
    made = plan(database, 2)
    told: Told = []
    outcomes: list[Outcome] = []
    async with journal(database, made.run, settled=outcomes.append) as book:
        for item in await sent(book, 2):
            book.settle(item, history(DONE))
        await book.flushed()
        if noted:
            taken = (
                "INSERT INTO set_aside VALUES (?,?,'superseded',?)",
                [(made.run, 2, made.run + 1)],
            )
            database.write(taken)
        else:
            another(database, made.run, 2)
        await book.reopen((2, 3), told.extend)
        assert [(former.again, former.left) for _, former in told] == [(False, True), (True, False)]
        assert statuses(database, made.run) == {2: "unknown", 3: "unknown"}
        (again,) = await took_all(book)
        assert again.row == 3
        assert await book.mark(again, 1)
        book.settle(again, history(DONE))
        await book.flushed()
        await book.leave()
        assert (book.counters.finished, book.counters.unfinished) == (2, 0)
        assert book.counters.by_cause == {"superseded": 1}
    assert [(outcome.row, outcome.cause) for outcome in outcomes[2:]] == [
        (3, None),
        (2, Cause.SUPERSEDED),
    ]
    assert database.all("SELECT cause FROM stories WHERE run = ? AND row = 2", (made.run,)) == [
        ("superseded",)
    ]


async def test_whom_an_earlier_run_has_dispatched_before_is_sent_again(database: Database) -> None:
    """What came after what is known by the turns of the legs, and not by clocks."""
    earlier = plan(database, 1)
    made = plan(database, 1)
    told: Told = []
    async with journal(database, made.run) as book:
        (item,) = await sent(book, 1)
        book.settle(item, history(DONE))
        await book.flushed()
        another(database, made.run, 3)  # and that one has dispatched somebody else
        dispatch(database, earlier.run, 2, at=1 << 50)
        await book.reopen((2,), told.extend)
        assert [former.again for _, former in told] == [True]


async def test_who_is_taken_after_he_was_handed_out_again_is_told_as_superseded(
    database: Database,
) -> None:
    made = plan(database, 1)
    outcomes: list[Outcome] = []
    async with journal(database, made.run, settled=outcomes.append) as book:
        (item,) = await sent(book, 1)
        book.settle(item, history(DONE))
        await book.reopen((2,), lambda _told: None)
        assert await took(book) == item
        database.write(
            ("INSERT INTO set_aside VALUES (?,?,'superseded',?)", [(made.run, 2, made.run + 1)])
        )
        assert not await book.mark(item, 1)
        await book.leave()
        assert (book.counters.finished, book.counters.unfinished) == (1, 0)
    assert [outcome.cause for outcome in outcomes] == [None, Cause.SUPERSEDED]


@pytest.mark.parametrize("dispatched", [False, True])
def test_what_a_refused_run_gives_back_does_not_undo_an_earlier_correction(
    database: Database, *, dispatched: bool
) -> None:
    """Two corrections one after the other: the second leaves all, and the first one stands."""
    made = plan(database, 1)
    if dispatched:
        another(database, made.run, 2)
    second = plan(database, 1).run
    database.write(("INSERT INTO set_aside VALUES (?,?,'superseded',?)", [(made.run, 2, second)]))
    give_back(RunRecord(database, second), made.run)
    left = database.all("SELECT row FROM set_aside WHERE run = ?", (made.run,))
    assert left == ([(2,)] if dispatched else [])


def test_a_run_that_goes_on_leaves_a_later_one_also_whom_it_has_set(database: Database) -> None:
    """So that no switch-over has it send to them once more beside that one."""
    made = plan(database, 1)
    dispatch(database, made.run, 2)
    database.write(("UPDATE outcomes SET status = 'applied' WHERE run = ?", [(made.run,)]))
    begin_leg(RunRecord(database, made.run), command="resume", only=(), override="", now_ms=5)
    later = plan(database, 1).run
    at = [(later, "east", "https://east", "{}")]
    switched = [(made.run, "east", 10, 2)]
    database.write(
        ("INSERT OR REPLACE INTO endpoints VALUES (?,?,?,?)", at),
        ("INSERT INTO switch_overs VALUES (?,?,?,?)", switched),
    )
    assert len(lanes_set_before(RunRecord(database, made.run))) == 1
    leave_to(RunRecord(database, made.run), later)
    assert lanes_set_before(RunRecord(database, made.run)) == ()
