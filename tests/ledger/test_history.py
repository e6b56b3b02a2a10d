"""What a ledger answers about a run: names, lines, totals, clusters."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulkagent.errors import BulkagentError, LedgerUnavailable, RunNotFound
from bulkagent.ledger import (
    Database,
    RunRecord,
    find_run,
    lines,
    open_ledger,
    planned_rows,
    prefetch,
    summarise,
)
from bulkagent.ledger import rows as module
from bulkagent.model import Cause, Status
from tests.dispositions import BUSY, DONE, LOST, READY, REFUSED, UNREACHED, ended
from tests.examples import examples
from tests.ledger.ledgers import (
    FLAGS,
    OFF,
    ON,
    history,
    journal,
    plan,
    planner,
    report,
    took,
)


async def worked(database: Database) -> int:
    """A run with a row of every status and kind of end."""
    made = planner(database, extra_columns=("team",))
    for row in range(2, 11):
        made.assign(row, str(1000 + row), "east", ON, (f"team {row}",))
    made.reject(11, "x", "east", ON, ("",), status=Status.INVALID, reason="'x' is none")
    made.reject(12, "1002", "east", ON, ("",), status=Status.DUPLICATE, reason="repeats line 2")
    made.assign(13, "1013", "west", OFF, ("last",))
    made.planned(1)
    async with journal(database, made.run, lanes=(0, 1)) as book:
        items = [await took(book) for _ in range(7)]
        for item in items:
            await book.mark(item, 1)
        book.settle(items[0], history(DONE, message="ok"))
        book.settle(items[1], history(REFUSED, message="no"))
        book.attempted(items[2], 1, ended(BUSY))
        await book.mark(items[2], 2)
        book.settle(items[2], history(BUSY, DONE))
        book.attempted(items[3], 1, ended(LOST))
        await book.mark(items[3], 2)
        book.attempted(items[3], 2, ended(LOST))
        await book.mark(items[3], 3)
        book.settle(items[3], history(LOST, LOST, REFUSED))
        book.settle(items[4], history(UNREACHED))
        book.attempted(items[6], 1, ended(READY))
        await book.mark(items[6], 2)
    return made.run


async def test_every_row_ends_in_exactly_one_status_with_its_cause(database: Database) -> None:
    await worked(database)
    found, _ = report(database)
    assert [(x.row, x.status, x.cause, x.attempts) for x in found] == [
        (2, Status.APPLIED, None, 1),
        (3, Status.REJECTED, Cause.REFUSED, 1),
        (4, Status.APPLIED, None, 2),
        (5, Status.UNKNOWN, Cause.RESET, 3),
        (6, Status.FAILED, Cause.CONNECT, 0),
        (7, Status.UNKNOWN, Cause.INTERRUPTED, 1),
        (8, Status.UNKNOWN, Cause.INTERRUPTED, 2),
        (9, Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 0),
        (10, Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 0),
        (11, Status.INVALID, Cause.BAD_ROW, 0),
        (12, Status.DUPLICATE, Cause.REPEATED_ROW, 0),
        (13, Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 0),
    ]
    assert [x.extra for x in found][:2] == [("team 2",), ("team 3",)]
    assert (found[0].message, found[0].latency_ms, found[0].http_status) == ("ok", 2.0, None)
    # The clock of these tests goes on by a millisecond whenever it is looked at.
    sent_at = [x.first_sent_at for x in found[:7]]
    at = range(1_700_000_000_001, 1_700_000_000_008)
    assert sent_at == [*at[:4], None, *at[5:]], "nothing was ever sent for line 6"
    assert found[0].finished_at == 1_700_000_000_008
    assert (found[5].finished_at, found[5].latency_ms, found[5].retcode) == (None, None, "")
    assert found[7].first_sent_at is None
    assert (found[11].gateway, found[11].flag) == ("west", "0")


async def test_totals_have_every_status_and_add_up_to_the_rows(database: Database) -> None:
    run = await worked(database)
    summary = summarise(RunRecord(database, run))
    assert summary.totals == {
        "applied": 2,
        "rejected": 1,
        "failed": 1,
        "unknown": 3,
        "not_attempted": 3,
        "invalid": 1,
        "duplicate": 1,
    }
    assert list(summary.totals) == [status.value for status in Status]
    assert sum(summary.totals.values()) == summary.rows == 12
    assert (summary.requests, summary.retries, summary.not_sent) == (6 + 4, 4, 1)


async def test_causes_come_with_the_most_frequent_first_then_by_name(database: Database) -> None:
    run = await worked(database)
    assert list(summarise(RunRecord(database, run)).causes.items()) == [
        ("interrupted", 5),
        ("bad_row", 1),
        ("connect", 1),
        ("refused", 1),
        ("repeated_row", 1),
        ("reset", 1),
    ]


async def test_clusters_show_the_first_three_agents_of_each(database: Database) -> None:
    made = plan(database, 9)
    async with journal(database, made.run) as book:
        items = [await took(book) for _ in range(9)]
        for item in items[:7]:
            await book.mark(item, 1)
            book.settle(item, history(UNREACHED if item.row % 2 else DONE))
        await book.mark(items[7], 1)
    assert [
        (x.status, x.cause, x.count, x.agents)
        for x in summarise(RunRecord(database, made.run)).clusters
    ] == [
        (Status.FAILED, Cause.CONNECT, 3, ("1003", "1005", "1007")),
        (Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 1, ("1010",)),
        (Status.UNKNOWN, Cause.INTERRUPTED, 1, ("1009",)),
    ]
    other = plan(database, 500)
    (only,) = summarise(RunRecord(database, other.run)).clusters
    assert (only.count, only.agents) == (500, ("1002", "1003", "1004"))


async def test_why_a_lane_ended_is_the_cause_of_what_it_did_not_attempt(
    database: Database,
) -> None:
    """And of nothing else: what was dispatched was interrupted, whatever ended the lane."""
    made = plan(database, 3)
    database.write(("UPDATE lanes SET cause = ?", [(Cause.OVERLOADED.value,)]))
    async with journal(database, made.run) as book:
        first, second = await took(book), await took(book)
        await book.mark(first, 1)
        await book.mark(second, 1)
        book.settle(second, history(REFUSED))
    found, _ = report(database)
    assert [(x.status, x.cause) for x in found] == [
        (Status.UNKNOWN, Cause.INTERRUPTED),
        (Status.REJECTED, Cause.REFUSED),
        (Status.NOT_ATTEMPTED, Cause.OVERLOADED),
    ]


async def test_an_attempt_more_takes_back_all_that_was_said_of_the_one_before(
    database: Database,
) -> None:
    made = plan(database, 1)
    async with journal(database, made.run) as book:
        item = await took(book)
        await book.mark(item, 1)
        book.settle(item, history(REFUSED, message="not now"))
        await book.flushed()
        (line,), _ = report(database)
        assert (line.status, line.message) == (Status.REJECTED, "not now")
        sent_at = line.first_sent_at
        await book.mark(item, 2)
        (line,), _ = report(database)
    assert (line.status, line.cause, line.attempts) == (Status.UNKNOWN, Cause.INTERRUPTED, 2)
    assert (line.message, line.latency_ms, line.finished_at) == ("", None, None)
    assert line.first_sent_at == sent_at


def test_arguments_without_a_flag_are_shown_as_they_are(database: Database) -> None:
    made = planner(database)
    made.assign(2, "1001", "east", "reason=3", ())
    made.planned(1)
    (line,) = lines(RunRecord(database, made.run), FLAGS)
    assert line.flag == "reason=3"


async def test_lines_are_of_one_moment_while_the_run_goes_on(database: Database) -> None:
    made = plan(database, 5_000)
    async with journal(database, made.run) as book:
        going = lines(RunRecord(database, made.run), FLAGS)
        assert next(going).status is Status.NOT_ATTEMPTED
        for _ in range(5_000):
            item = await took(book)
            if item.row > 4_990:
                await book.mark(item, 1)
        assert {line.status for line in going} == {Status.NOT_ATTEMPTED}
    assert summarise(RunRecord(database, made.run)).totals["unknown"] == 11


# Names of runs.


def test_a_run_is_found_by_its_id_its_beginning_or_as_the_last(database: Database) -> None:
    first = planner(database, now_ms=1_600_000_000_000)
    first.planned(1)
    second = planner(database, now_ms=1_700_000_000_000)
    second.planned(1)
    planner(database, now_ms=1_800_000_000_000)  # never planned
    assert find_run(database, first.run_id).run == first.run
    assert find_run(database, "2020").run == first.run
    assert find_run(database, second.run_id[:-1]).run == second.run
    assert find_run(database, "last").run == second.run


def test_a_beginning_of_several_is_refused(database: Database) -> None:
    for _ in range(3):
        plan(database, 1)
    with pytest.raises(RunNotFound, match=r"begin with '2023': .* roster.csv; give more"):
        find_run(database, "2023")


@pytest.mark.parametrize(
    "name",
    [
        *("", "%", "_", "2023%", "20_3", "*", "2023*", "LAST", " ", "2023 ", "'"),
        *("\0", "2023\0", "\udcff", "\uff12\uff10", "2" * 10_000),
    ],
)
def test_other_names_find_nothing(database: Database, name: str) -> None:
    plan(database, 1)
    with pytest.raises(RunNotFound, match="has no run"):
        find_run(database, name)


def test_a_ledger_without_runs_has_no_last_one(database: Database) -> None:
    with pytest.raises(RunNotFound, match="'last'"):
        find_run(database, "last")


# Damaged and hostile ledgers.


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE assignments SET status = 'splendid'",
        "UPDATE assignments SET status = 'invalid', cause = 'whim'",
        "UPDATE assignments SET extra = '[1, 2'",
        "UPDATE assignments SET extra = '{}'",
    ],
)
def test_rows_that_bulkagent_does_not_write_are_said_to_be_damage(
    database: Database, statement: str
) -> None:
    made = plan(database, 3)
    database.write((statement, [()]))
    with pytest.raises(LedgerUnavailable, match=r"damaged.*--ledger"):
        list(lines(RunRecord(database, made.run), FLAGS))


def test_unknown_words_are_said_to_be_damage_in_summaries_too(database: Database) -> None:
    made = plan(database, 3)
    database.write(("UPDATE assignments SET status = 'splendid', cause = 'whim'", [()]))
    with pytest.raises(LedgerUnavailable, match="damaged"):
        summarise(RunRecord(database, made.run))


@pytest.mark.parametrize("text", ["", "[", "7", "null", '{"a": [}'])
@pytest.mark.parametrize("column", ["extra_columns", "settings"])
def test_facts_that_bulkagent_does_not_write_are_said_to_be_damage(
    database: Database, column: str, text: str
) -> None:
    plan(database, 1)
    database.write((f"UPDATE runs SET {column} = ?", [(text,)]))  # noqa: S608 - of a list above
    with pytest.raises(LedgerUnavailable, match="damaged"):
        find_run(database, "last")


def ask_everything(path: Path) -> None:
    with open_ledger(path) as opened:
        run = find_run(opened, "last").run
        list(lines(RunRecord(opened, run), FLAGS))
        list(planned_rows(RunRecord(opened, run)))
        summarise(RunRecord(opened, run))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole ledger; beside it is room for a damaged one."""
    path = tmp_path_factory.mktemp("whole") / "ledger.sqlite3"
    with open_ledger(path) as opened:
        plan(opened, 300)
    (path.parent / "damaged").mkdir()
    return path


@settings(max_examples=examples(150), derandomize=True)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 1 << 20), st.binary(min_size=1, max_size=40)),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_the_damage_it_is_explained(image: Path, changes: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(image.read_bytes())
    for place, content in changes:
        at = place % len(damaged)
        damaged[at : at + len(content)] = content
    folder = image.parent / "damaged"
    for file in folder.iterdir():
        file.unlink()
    path = folder / "ledger.sqlite3"
    path.write_bytes(damaged)
    with contextlib.suppress(BulkagentError):
        ask_everything(path)


# How questions are answered.


# The causes of --only are a short list of their own.
_UNSORTED = ("SEARCH", "CORRELATED", "LIST SUBQUERY", "SCAN json_each")


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (prefetch._NEXT, (1, 0, 0, 1, None, 100, None, "[]")),
        (module._SELECT_LINES, (1,)),
        (module._SELECT_PLANNED, (1,)),
    ],
)
def test_rows_come_by_an_index_and_in_its_order(
    database: Database, sql: str, parameters: tuple[int | str | None, ...]
) -> None:
    """No table is read whole and nothing is sorted, so memory and the first row's time are flat."""
    steps = [detail for *_, detail in database.all(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    assert steps
    assert [step for step in steps if not step.startswith(_UNSORTED)] == []


def test_the_take_query_uses_the_index_by_lane(database: Database) -> None:
    steps = [
        detail
        for *_, detail in database.all(
            f"EXPLAIN QUERY PLAN {prefetch._NEXT}", (1, 0, 0, 1, None, 100, None, "[]")
        )
    ]
    assert any("assignments_by_lane (run=? AND lane=? AND row>?)" in step for step in steps)


def test_what_is_in_the_ledger_is_readable_with_any_sqlite(database: Database) -> None:
    made = plan(database, 2)
    connection = sqlite3.connect(database.path)
    try:
        found = connection.execute(
            "SELECT row, status FROM stories WHERE run = ?", (made.run,)
        ).fetchall()
        (columns,) = connection.execute("SELECT extra_columns FROM runs").fetchone()
    finally:
        connection.close()
    assert found == [(2, "not_attempted"), (3, "not_attempted")]
    assert json.loads(columns) == []
