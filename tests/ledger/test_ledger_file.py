"""Hostile ledgers, migrations with their backup copy, and ledgers that can only be read.

README: "The ledger".
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulkagent.errors import LedgerFailed, LedgerUnavailable, RunNotFound
from bulkagent.ledger import (
    Database,
    Planner,
    RunLock,
    RunRecord,
    find_run,
    ledger_file,
    lines,
    list_runs,
    migration,
    open_ledger,
    read_ledger,
)
from bulkagent.ledger.database import format_of
from bulkagent.ledger.formats import MIGRATIONS, VIEWS
from bulkagent.ledger.integrity import OBJECTS, SchemaObject, oddity, statements
from bulkagent.ledger.schema import SCHEMA, VERSION
from bulkagent.model import Cause
from tests.ledger.ledgers import plan, report, rows_in

OLDER = sorted(MIGRATIONS)


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of any other program's."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def made(path: Path, version: int) -> Path:
    """A ledger of an earlier format, as that version wrote it."""
    with raw(path) as connection:
        connection.executescript(Path(__file__).with_name(f"format_{version}.sql").read_text())
        connection.execute("PRAGMA journal_mode=WAL")
    return path


def refusal(how: Callable[[Path], Database], path: Path) -> str:
    """What is said; it names the file and what to do."""
    with pytest.raises(LedgerUnavailable) as refused:
        how(path).close()
    text = str(refused.value)
    assert str(path) in text
    assert "--ledger" in text or "again" in text or "wait" in text or "make room" in text
    return text


# A ledger that was tampered with: triggers, views, indexes, columns, statements.


def _rewritten(name: str, before: str, after: str) -> str:
    change = f"SET sql = replace(sql, '{before}', '{after}') WHERE name = '{name}'"
    return f"PRAGMA writable_schema=ON; UPDATE sqlite_schema {change}; PRAGMA writable_schema=RESET"


HOSTILE = {
    "trigger": (
        (
            "CREATE TRIGGER evil AFTER INSERT ON outcomes BEGIN"
            " UPDATE assignments SET agent_id = '1002' WHERE row = new.row; END"
        ),
        "trigger 'evil'",
    ),
    "trigger with a plain name": (
        "CREATE TRIGGER assignments_by_agent BEFORE UPDATE ON outcomes BEGIN SELECT 1; END",
        "trigger 'assignments_by_agent'",
    ),
    "another view": ("CREATE VIEW more AS SELECT * FROM runs", "view 'more'"),
    "another table": ("CREATE TABLE more (a)", "table 'more'"),
    "an index on an expression": (
        "CREATE INDEX more ON outcomes (abs(row)) WHERE status IS NOT NULL",
        "index 'more'",
    ),
    "a unique index": ("CREATE UNIQUE INDEX more ON assignments (agent_id)", "index 'more'"),
    "a view in the place of ours": (
        (
            "DROP VIEW stories; CREATE VIEW stories AS SELECT run, row, lane, agent_id, gateway,"
            " arguments, extra, 'applied' AS status, NULL AS cause FROM assignments"
        ),
        "view 'stories'",
    ),
    "a view in the place of a table": (
        (
            "PRAGMA legacy_alter_table=ON; ALTER TABLE set_aside RENAME TO hidden;"
            " CREATE VIEW set_aside AS SELECT 1 AS run, 2 AS row, 3 AS by_run"
        ),
        "hidden",
    ),
    "a column more": ("ALTER TABLE legs ADD COLUMN more TEXT DEFAULT 'x'", "table 'legs'"),
    "a generated column": (
        "ALTER TABLE outcomes ADD COLUMN more TEXT AS (upper(status)) VIRTUAL",
        "table 'outcomes'",
    ),
    "a table less": ("DROP TABLE leases", "no table 'leases'"),
    "an index less": ("DROP INDEX assignments_by_agent", "no index 'assignments_by_agent'"),
    "another default": (
        _rewritten(
            "outcomes",
            "absent          INTEGER NOT NULL DEFAULT 0",
            "absent INTEGER NOT NULL DEFAULT 1",
        ),
        "table 'outcomes'",
    ),
    "a check": (
        _rewritten("outcomes", "retcode         TEXT", "retcode TEXT CHECK (retcode <> ''1'')"),
        "table 'outcomes'",
    ),
    "a table without STRICT": (_rewritten("runs", "STRICT", ""), "table 'runs'"),
    "a statement with a word in quotes": (
        _rewritten("stories", "''interrupted''", '"interrupted"'),
        "view 'stories'",
    ),
    "one content for two tables": (
        (
            "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM"
            " sqlite_schema WHERE name = 'set_aside') WHERE name = 'verifications';"
            " PRAGMA writable_schema=RESET;"
        ),
        "one content",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_ledger_with_a_planted_trigger_or_view_is_refused(
    tmp_path: Path, what: str
) -> None:
    """Each way that has the file work behind bulkagent's back, in every way of opening it."""
    path = tmp_path / "ledger.sqlite3"
    open_ledger(path).close()
    statement, named = HOSTILE[what]
    with raw(path) as connection:
        connection.executescript(statement)
    for how in (open_ledger, read_ledger, Database):
        text = refusal(how, path)
        assert named in text
        assert "not used" in text


@pytest.mark.parametrize("version", OLDER)
def test_a_hostile_ledger_is_refused_before_a_migration_carries_anything_out(
    tmp_path: Path, version: int
) -> None:
    path = made(tmp_path / "ledger.sqlite3", version)
    with raw(path) as connection:
        connection.execute(HOSTILE["trigger"][0])
    for how in (open_ledger, read_ledger):
        assert "trigger 'evil'" in refusal(how, path)
    with raw(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite3"]


def test_what_stands_behind_a_nul_in_a_statement_is_not_taken_for_a_part_of_it(
    tmp_path: Path,
) -> None:
    """SQLite reads up to the NUL, so the rest would be there for the look alone."""
    path = tmp_path / "ledger.sqlite3"
    open_ledger(path).close()
    with raw(path) as connection:
        connection.execute("PRAGMA writable_schema=ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ' AND l.lane = a.lane', ?)"
            " WHERE name = 'stories'",
            ("/* \0 */ AND l.lane = a.lane",),
        )
        connection.commit()
    assert "view 'stories'" in refusal(open_ledger, path)


def test_what_analyze_and_vacuum_leave_is_not_taken_for_tampering(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path) as database:
        plan(database, 3).lock.release()
    with raw(path) as connection:
        connection.executescript("ANALYZE; VACUUM; REINDEX; PRAGMA optimize;")
    for how in (open_ledger, read_ledger, Database):
        with how(path) as database:
            assert rows_in(database)["assignments"] == 3


@pytest.mark.parametrize("first", OLDER)
def test_a_ledger_that_each_later_version_has_brought_up_in_turn_is_known(
    tmp_path: Path, first: int
) -> None:
    """ALTER TABLE appends, so its statements are spelled otherwise than those of a new one."""
    with raw(made(tmp_path / "ledger.sqlite3", first)) as connection:
        for version in range(first, VERSION + 1):
            found = [SchemaObject(*row) for row in connection.execute(OBJECTS)]
            assert not oddity(found, version)
            if version == VERSION:
                break
            for statement in statements(MIGRATIONS[version]):
                connection.execute(statement)
            if version + 1 < VERSION:
                connection.execute("DROP VIEW stories")
                connection.execute(VIEWS[version + 1])


def test_white_space_and_comments_do_not_count_but_what_is_in_quotes_does() -> None:
    def of(sql: str) -> list[SchemaObject]:
        return [
            SchemaObject(kind, name, table, sql if name == "leases" else text, page)
            for kind, name, table, text, page in objects
        ]

    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        for statement in statements(SCHEMA):
            connection.execute(statement)
        objects = connection.execute(OBJECTS).fetchall()
    (text,) = (sql for _, name, _, sql, _ in objects if name == "leases")
    assert not oddity(of(text), VERSION)
    assert not oddity(of(text.replace("(", " /* a */(\n -- b\n\t", 1)), VERSION)
    assert oddity(of(text.replace("lease ", "'lease' ", 1)), VERSION)
    assert oddity(of(text.replace("leases", "LEASES", 1)), VERSION)
    assert oddity(of(text + "'" * 20_001), VERSION), "and is not taken apart for minutes"


# Migrations.


@pytest.mark.parametrize("version", OLDER)
def test_before_a_migration_the_file_is_copied_beside_itself_as_ledger_vn_bak(
    tmp_path: Path, version: int
) -> None:
    path = made(tmp_path / "ledger.sqlite3", version)
    path.chmod(0o640)
    with raw(path) as connection:
        before = list(connection.iterdump())
    told: list[str] = []
    open_ledger(path, tell=told.append).close()
    kept = tmp_path / f"ledger.v{version}.bak"
    assert kept.stat().st_mode & 0o7777 == 0o640
    assert path.stat().st_mode & 0o7777 == 0o640
    with raw(kept) as connection:
        assert list(connection.iterdump()) == before
        assert connection.execute("PRAGMA user_version").fetchone() == (version,)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.sqlite3", kept.name]
    assert len(told) == 1
    assert str(kept) in told[0]


def test_whom_a_run_leaves_for_good_is_told_the_same_after_a_migration(tmp_path: Path) -> None:
    """Up to format 6 an agent was protected where the run that it was left to was its own."""
    path = made(tmp_path / "ledger.sqlite3", 6)
    with raw(path) as connection:
        stories = connection.execute("SELECT * FROM stories ORDER BY run, row").fetchall()
        pulses = connection.execute("SELECT * FROM pulses ORDER BY rowid").fetchall()
    with open_ledger(path) as database:
        assert database.all("SELECT * FROM stories ORDER BY run, row") == stories
        assert database.all("SELECT * FROM limit_changes ORDER BY rowid") == pulses
        assert pulses
        assert database.all("SELECT row, cause, by_run FROM set_aside ORDER BY row") == [
            (12, "protected", None),
            (13, "superseded", 2),
        ]
        causes = {line.row: line.cause for line in lines(RunRecord(database, 1), {}) if line.cause}
        assert (causes[12], causes[13]) == (Cause.PROTECTED, Cause.SUPERSEDED)


def test_a_backup_copy_has_what_is_in_the_write_ahead_log_alone(tmp_path: Path) -> None:
    """The version before was killed: what it committed last is not in the file itself."""
    source = made(tmp_path / "source.sqlite3", 5)
    path = tmp_path / "ledger.sqlite3"
    with raw(source) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("UPDATE runs SET roster = 'late.csv'")
        for end in ("", "-wal"):
            path.with_name(path.name + end).write_bytes(
                source.with_name(source.name + end).read_bytes()
            )
    with open_ledger(path) as database:
        assert database.all("SELECT roster FROM runs") == [("late.csv",)]
    with raw(tmp_path / "ledger.v5.bak") as connection:
        assert connection.execute("SELECT roster FROM runs").fetchall() == [("late.csv",)]


def test_a_backup_copy_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = made(tmp_path / "ledger.sqlite3", 5)
    (tmp_path / "ledger.v5.bak").write_text("of another year")
    (tmp_path / "ledger.v5.bak.2").symlink_to("nowhere")
    told: list[str] = []
    open_ledger(path, tell=told.append).close()
    assert (tmp_path / "ledger.v5.bak").read_text() == "of another year"
    assert not (tmp_path / "nowhere").exists()
    assert "ledger.v5.bak.3" in told[0]


def test_a_backup_copy_is_kept_where_there_are_no_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    path = made(tmp_path / "ledger.sqlite3", 5)
    (tmp_path / "ledger.v5.bak").write_text("of another year")
    open_ledger(path).close()
    assert (tmp_path / "ledger.v5.bak").read_text() == "of another year"
    with raw(tmp_path / "ledger.v5.bak.2") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (5,)


def test_without_room_for_a_backup_copy_an_older_ledger_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migration, "_synced", full)
    path = made(tmp_path / "ledger.sqlite3", 4)
    assert "No space left" in refusal(open_ledger, path)
    with raw(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (4,)
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite3"]


def test_an_older_ledger_is_refused_while_a_run_of_the_older_version_is_at_work(
    tmp_path: Path,
) -> None:
    path = made(tmp_path / "ledger.sqlite3", 5)
    lock = RunLock(path, "20231114T221320.000Z-0002")
    try:
        assert "20231114T221320.000Z-0002" in refusal(open_ledger, path)
        with read_ledger(path) as database:  # looking changes nothing, so it may
            assert list_runs(database, 1)[0].running
    finally:
        lock.release()
    open_ledger(path).close()


def test_an_older_ledger_is_refused_while_another_process_has_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migration, "BUSY_WAIT_S", 0.0)
    path = made(tmp_path / "ledger.sqlite3", 5)
    with raw(path) as other:
        other.execute("SELECT * FROM runs").fetchall()  # idle since, as at a question
        assert "another process has it open" in refusal(open_ledger, path)
        assert other.execute("PRAGMA user_version").fetchone() == (5,)
    open_ledger(path).close()


# Left by a crash.


def _crashed(tmp_path: Path, *, damaged: bool) -> Path:
    """A ledger beside which its log was left, as by a kill."""
    source, path = tmp_path / "source.sqlite3", tmp_path / "ledger.sqlite3"
    with open_ledger(source) as database:
        plan(database, 2_000).lock.release()
        database.write(("UPDATE runs SET roster = ?", [("late.csv",)]))
        content = bytearray(source.read_bytes())
        if damaged:
            content[-4096 * 3 : -4096 * 2] = b"\x0a" + b"\xff" * 4095
        path.write_bytes(content)
        log = source.with_name("source.sqlite3-wal").read_bytes()
        path.with_name("ledger.sqlite3-wal").write_bytes(log)
    return path


def test_a_ledger_that_was_not_closed_is_looked_through_and_goes_on(tmp_path: Path) -> None:
    path = _crashed(tmp_path, damaged=False)
    with open_ledger(path) as database:
        assert find_run(database, "last").roster == "late.csv"


def test_a_damaged_ledger_that_was_not_closed_is_refused_by_quick_check(tmp_path: Path) -> None:
    path = _crashed(tmp_path, damaged=True)
    assert "damaged" in refusal(open_ledger, path)


def test_a_look_at_a_large_ledger_is_bounded_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_file, "_LARGE_BYTES", 1)
    monkeypatch.setattr(ledger_file, "_LOOK_STEPS", 1)
    monkeypatch.setattr(ledger_file, "_LOOK_S", 0.0)
    told: list[str] = []
    open_ledger(_crashed(tmp_path, damaged=False), tell=told.append).close()
    assert ["was not closed" in told[0], "only a part of the ledger" in told[1]] == [True, True]


# For reading alone.


def test_reading_a_ledger_makes_none_and_changes_none(tmp_path: Path) -> None:
    path = tmp_path / "none" / "ledger.sqlite3"
    with read_ledger(path) as database:
        assert list_runs(database, 5) == []
        with pytest.raises(RunNotFound, match="no run 'last'"):
            find_run(database, "last")
    assert not list(tmp_path.iterdir())
    empty = tmp_path / "empty.sqlite3"
    empty.touch()
    with read_ledger(empty) as database:
        assert list_runs(database, 5) == []
    assert empty.stat().st_size == 0


def test_reading_a_ledger_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path) as database:
        plan(database, 3).lock.release()
    before = path.read_bytes()
    with read_ledger(path) as database:
        assert rows_in(database)["assignments"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite3"]
    assert path.read_bytes() == before


def test_a_ledger_that_is_read_takes_no_records(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    open_ledger(path).close()
    with read_ledger(path) as database, pytest.raises(LedgerFailed, match="readonly"):
        database.write(("DELETE FROM runs", [()]))


@pytest.mark.parametrize("version", OLDER)
def test_an_older_ledger_is_read_without_a_migration(tmp_path: Path, version: int) -> None:
    path = made(tmp_path / "ledger.sqlite3", version)
    before = path.read_bytes()
    with read_ledger(path) as database:
        assert find_run(database, "last").planned_at
        assert report(database)[1].rows
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.bak"))


@pytest.mark.parametrize("log", ["none", "with its memory", "alone"])
def test_a_ledger_on_a_read_only_file_system_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str
) -> None:
    """Also one that was killed before the file system became read-only."""
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "ledger.sqlite3"
    if log == "none":
        with open_ledger(path) as database:
            plan(database, 2).lock.release()
    else:
        _crashed(tmp_path, damaged=False)
        for end in ("", "-wal"):
            (tmp_path / f"ledger.sqlite3{end}").rename(folder / f"ledger.sqlite3{end}")
        if log == "with its memory":
            (folder / "ledger.sqlite3-shm").write_bytes(bytes(32768))
    asked = os.access
    monkeypatch.setattr(
        os, "access", lambda at, how: asked(at, how) and not (how == os.W_OK and at == folder)
    )
    with read_ledger(path) as database:
        assert find_run(database, "last").roster == ("late.csv" if log != "none" else "roster.csv")


def test_a_newer_ledger_is_refused_for_reading_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    open_ledger(path).close()
    with raw(path) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    for how in (read_ledger, open_ledger, Database):
        assert f"has format {VERSION + 1}" in refusal(how, path)


def test_opening_a_ledger_a_second_time_leaves_its_locks(tmp_path: Path) -> None:
    """Closing a file by any other way than SQLite's takes away this process's locks on it."""
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path) as database:
        database.define("CREATE TEMP TABLE held (a)")
        rows_in(database)
        open_ledger(path).close()
        with read_ledger(path):
            pass
        program = (
            "import sqlite3, sys;"
            "c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0);"
            "c.execute('PRAGMA locking_mode=EXCLUSIVE'); c.execute('BEGIN EXCLUSIVE')"
        )
        other = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
        )
    assert "locked" in other.stderr


def test_what_format_of_says_of_an_empty_database_is_zero(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        assert format_of(connection, tmp_path) == 0


def test_the_format_of_a_ledger_is_of_one_moment_while_another_process_makes_it(
    tmp_path: Path,
) -> None:
    """Else it would be taken for one that was tampered with."""
    path = tmp_path / "ledger.sqlite3"
    path.touch()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:

        def meanwhile(statement: str) -> None:
            if "application_id" in statement:
                connection.set_trace_callback(None)
                with contextlib.suppress(LedgerUnavailable):
                    open_ledger(path).close()

        connection.execute("PRAGMA journal_mode=WAL")
        connection.set_trace_callback(meanwhile)
        assert format_of(connection, path) == 0
        assert format_of(connection, path) == VERSION


def test_a_ledger_that_another_process_makes_at_the_same_moment_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two `apply --or-resume` at once on a fresh ledger: the other run may be at work by now."""
    path = tmp_path / "ledger.sqlite3"
    log_ahead = ledger_file._log_ahead

    def late(connection: sqlite3.Connection, named: Path) -> None:
        monkeypatch.setattr(ledger_file, "_log_ahead", log_ahead)
        log_ahead(connection, named)
        first.append(open_ledger(path))
        runs.append(plan(first[0], 2))

    first: list[Database] = []
    runs: list[Planner] = []
    monkeypatch.setattr(ledger_file, "_log_ahead", late)
    with open_ledger(path) as second, first[0]:
        assert find_run(second, "last").id == runs[0].run_id
        runs[0].lock.release()
