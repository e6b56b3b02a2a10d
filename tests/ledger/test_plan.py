"""What a plan holds, and that there is none before it is whole."""

from __future__ import annotations

import secrets

import pytest

from bulkagent.errors import LedgerUnavailable, RunNotFound
from bulkagent.ledger import (
    Database,
    Lane,
    Planner,
    RunRecord,
    find_run,
    finish_leg,
    forget_run,
    planned_rows,
)
from bulkagent.ledger import plan as module
from bulkagent.model import Cause, Status
from tests.ledger.ledgers import OFF, ON, TABLES, plan, planner, report, rows_in, statuses


def test_every_kind_of_row_is_in_the_report_as_it_was_planned(database: Database) -> None:
    made = planner(database, extra_columns=("team", "shift"))
    made.assign(2, "1001", "east", ON, ("Cedar", "late"))
    made.reject(
        3, "temp", "east", ON, ("", ""), status=Status.INVALID, reason="'temp' is not an agent ID"
    )
    made.reject(
        4, "1001", "east", ON, ("Elm", ""), status=Status.DUPLICATE, reason="repeats line 2"
    )
    made.reject(6, "", "a gateway?", "", (), status=Status.INVALID, reason="is missing")
    made.planned(1)
    lines, summary = report(database)
    assert [
        (x.row, x.agent_id, x.gateway, x.flag, x.status, x.cause, x.message, x.extra) for x in lines
    ] == [
        (
            2,
            "1001",
            "east",
            "1",
            Status.NOT_ATTEMPTED,
            Cause.INTERRUPTED,
            "",
            ("Cedar", "late"),
        ),
        (
            3,
            "temp",
            "east",
            "1",
            Status.INVALID,
            Cause.BAD_ROW,
            "'temp' is not an agent ID",
            ("", ""),
        ),
        (
            4,
            "1001",
            "east",
            "1",
            Status.DUPLICATE,
            Cause.REPEATED_ROW,
            "repeats line 2",
            ("Elm", ""),
        ),
        (6, "", "a gateway?", "", Status.INVALID, Cause.BAD_ROW, "is missing", ()),
    ]
    assert summary.rows == 4
    assert find_run(database, "last").extra_columns == ("team", "shift")


@pytest.mark.parametrize("between", [0, 1, module._BATCH - 2, module._BATCH, module._BATCH + 5])
def test_a_row_is_taken_back_whether_or_not_it_is_on_disk_yet(
    database: Database, between: int
) -> None:
    made = planner(database, extra_columns=("team",))
    made.assign(2, "1001", "east", ON, ("kept",))
    for row in range(3, 3 + between):
        made.assign(row, str(row), "west", ON, ())
    made.retract(2, "line 9 gives this agent the other flag")
    (lane,) = made.planned(1) or (None,)
    assert lane == (Lane(1, "west", 0, ON, between) if between else None)
    lines, summary = report(database)
    assert (lines[0].status, lines[0].cause) == (Status.INVALID, Cause.BAD_ROW)
    assert lines[0].message == "line 9 gives this agent the other flag"
    assert lines[0].extra == ("kept",)
    assert (summary.totals["invalid"], summary.totals["not_attempted"]) == (1, between)


def test_lanes_come_by_wave_then_as_the_roster_has_them_and_none_is_empty(
    database: Database,
) -> None:
    made = planner(database)
    for row, (gateway, arguments) in enumerate(
        [("east", OFF), ("west", OFF), ("west", ON), ("north", ON), ("east", OFF), ("east", ON)], 2
    ):
        made.assign(row, str(row), gateway, arguments, ())
    made.retract(5, "no")
    lanes = made.planned(1)
    assert [(x.gateway, x.wave, x.arguments, x.assignments) for x in lanes] == [
        ("west", 0, ON, 1),
        ("east", 0, ON, 1),
        ("east", 1, OFF, 2),
        ("west", 1, OFF, 1),
    ]
    recorded = "SELECT lane, gateway, wave, assignments FROM lanes ORDER BY wave, lane"
    assert database.all(recorded) == [(x.lane, x.gateway, x.wave, x.assignments) for x in lanes]


def test_assignments_are_listed_in_the_rosters_order_without_other_rows(
    database: Database,
) -> None:
    made = planner(database)
    made.assign(2, "1002", "west", OFF, ())
    made.assign(3, "1003", "east", ON, ())
    made.reject(4, "1003", "east", ON, (), status=Status.DUPLICATE, reason="")
    made.assign(5, "1005", "west", OFF, ())
    made.retract(3, "")
    made.planned(1)
    assert list(planned_rows(RunRecord(database, made.run))) == [
        (2, "west", "1002"),
        (5, "west", "1005"),
    ]


def test_no_run_can_be_found_before_its_plan_is_whole(database: Database) -> None:
    made = planner(database)
    for row in range(2, module._BATCH + 50):
        made.assign(row, str(row), "east", ON, ())
    assert rows_in(database)["assignments"] >= module._BATCH
    for name in ("last", made.run_id, made.run_id[:8]):
        with pytest.raises(RunNotFound):
            find_run(database, name)
    made.planned(1_700_000_000_900)
    facts = find_run(database, "last")
    assert (facts.id, facts.state, facts.planned_at) == (made.run_id, "planned", 1_700_000_000_900)
    assert rows_in(database)["assignments"] == module._BATCH + 48


def test_a_plan_without_a_row_is_a_plan(database: Database) -> None:
    assert planner(database).planned(1) == ()
    assert report(database)[1].rows == 0


def test_a_plan_is_in_the_file_itself_before_anything_is_sent(database: Database) -> None:
    """So that a crash of the machine loses at most what came of it."""
    plan(database, 100)
    with Database(database.path) as other:
        ((_, pages, moved),) = other.all("PRAGMA wal_checkpoint(PASSIVE)")
    assert pages == moved
    # The checkpoint above would move them as well: the log alone tells who did.
    copy = database.path.with_name("copy.sqlite3")
    made = plan(database, 100)
    copy.write_bytes(database.path.read_bytes())
    with Database(copy) as alone:
        assert find_run(alone, made.run_id).run == made.run


@pytest.mark.parametrize("rows", [3, 2 * module._BATCH + 1])
def test_forgetting_a_run_leaves_no_row_of_it_and_all_of_others(
    database: Database, rows: int
) -> None:
    other = plan(database, 5)
    before = rows_in(database)
    made = plan(database, rows)
    outcome = "INSERT INTO outcomes (run, row, attempts, first_sent_at) VALUES (?, 2, 1, 1)"
    attempt = "INSERT INTO attempts VALUES (?, 2, 1, 'busy', 1, 1.0, '', '', 0)"
    database.write((outcome, [(made.run,)]), (attempt, [(made.run,)]))
    assert all(rows_in(database)[table] > before[table] for table in TABLES)
    forget_run(RunRecord(database, made.run))
    assert rows_in(database) == before
    assert find_run(database, "last").id == other.run_id


def test_a_run_that_is_half_forgotten_is_no_run(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(database, 3 * module._BATCH)
    deleting = database.write
    times = 0

    def fails_later(*statements: object) -> None:
        nonlocal times
        times += 1
        if times == 3:
            raise KeyboardInterrupt
        deleting(*statements)  # type: ignore[arg-type] # passed on as they are

    monkeypatch.setattr(database, "write", fails_later)
    with pytest.raises(KeyboardInterrupt):
        forget_run(RunRecord(database, made.run))
    assert 0 < rows_in(database)["assignments"] < 3 * module._BATCH
    with pytest.raises(RunNotFound):
        find_run(database, made.run_id)


def test_run_ids_sort_by_time(database: Database) -> None:
    times = [0, 999, 1_000, 1_001, 59_999, 60_000, 86_400_000, 1_699_999_999_999, 1_700_000_000_000]
    ids = [planner(database, now_ms=now_ms).run_id for now_ms in times]
    assert ids == sorted(ids)
    assert ids[-1].startswith("20231114T221320.000Z-")


def test_run_ids_are_unique_even_where_chance_repeats_itself(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["aaaa", "aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(drawn))
    first, second = planner(database), planner(database)
    assert first.run_id[:-4] == second.run_id[:-4]
    assert (first.run_id[-4:], second.run_id[-4:]) == ("aaaa", "bbbb")
    assert first.run != second.run
    assert rows_in(database)["runs"] == 2


def test_the_last_run_is_the_one_begun_last_even_if_the_clock_was_set_back(
    database: Database,
) -> None:
    plan(database, 1)
    later = planner(database, now_ms=1_600_000_000_000)
    later.planned(1_600_000_000_000)
    assert find_run(database, "last").id == later.run_id


def test_no_column_is_for_a_secret(database: Database) -> None:
    plan(database, 1)
    columns = {
        name
        for table in TABLES
        for (name,) in database.all("SELECT name FROM pragma_table_info(?)", (table,))
    }
    assert {"agent_id", "retcode", "settings"} <= columns
    assert not {c for c in columns if any(s in c for s in ("guid", "cookie", "pass", "token"))}


def test_what_the_rows_refer_to_cannot_go_missing(database: Database) -> None:
    made = plan(database, 1)
    with pytest.raises(Exception, match="FOREIGN KEY"):
        database.write(("UPDATE assignments SET run = ?", [(made.run + 1,)]))


@pytest.mark.parametrize(
    "text", ["Zoë 孫", "nul\0inside", "\x1b[31m", "'; DROP TABLE runs; --", ""]
)
def test_any_text_comes_back_as_it_went_in(database: Database, text: str) -> None:
    columns = (text, "shift")
    made = planner(database, roster=text, extra_columns=columns, settings={"gateway": text})
    made.assign(2, "1001", text, ON, (text, text))
    made.reject(3, text, text, text, (text,), status=Status.INVALID, reason=text)
    made.planned(1)
    facts = find_run(database, made.run_id)
    assert (facts.roster, facts.extra_columns, facts.settings) == (text, columns, {"gateway": text})
    (valid, invalid), _ = report(database)
    assert (valid.gateway, valid.extra) == (text, (text, text))
    assert (invalid.agent_id, invalid.message, invalid.extra) == (text, text, (text,))


def test_a_path_that_is_no_text_is_spelled_out(database: Database) -> None:
    planner(database, roster="shift-\udcff.csv").planned(1)
    assert find_run(database, "last").roster == "shift-\\udcff.csv"


def test_a_ledger_that_takes_no_more_says_that_nothing_was_sent(database: Database) -> None:
    made = planner(database)
    ((pages,),) = database.all("PRAGMA page_count")
    database.all(f"PRAGMA max_page_count={pages}")

    def too_much() -> None:
        for row in range(2, 10 * module._BATCH):
            made.assign(row, str(row), "east", ON, ())

    with pytest.raises(LedgerUnavailable, match=r"full.*nothing was sent"):
        too_much()


def test_a_runs_end_is_recorded(database: Database) -> None:
    made = plan(database, 1)
    finish_leg(
        RunRecord(database, made.run),
        1,
        state="interrupted",
        exit_code=130,
        reason="",
        not_attempted={},
        now_ms=7,
    )
    facts = find_run(database, made.run_id)
    assert (facts.state, facts.exit_code, facts.finished_at) == ("interrupted", 130, 7)


def test_two_plans_written_at_once_do_not_mix(database: Database) -> None:
    with Database(database.path) as other:
        plans: list[Planner] = [planner(database), planner(other)]
        for row in range(2, module._BATCH + 100):
            for number, made in enumerate(plans):
                made.assign(row, str(number), "east", ON, ())
        for made in plans:
            made.planned(1)
    for made in plans:
        assert len(statuses(database, made.run)) == module._BATCH + 98
    agents = database.all("SELECT DISTINCT run, agent_id FROM assignments ORDER BY 1")
    assert agents == [(plans[0].run, "0"), (plans[1].run, "1")]
