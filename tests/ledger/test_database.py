"""Which files are ledgers, where they may be, and what one transaction promises."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from bulkagent.errors import LedgerFailed, LedgerUnavailable, RunNotFound
from bulkagent.ledger import (
    Database,
    RunRecord,
    default_path,
    filesystems,
    find_run,
    ledger_file,
    open_ledger,
    probe,
    read_ledger,
)
from bulkagent.ledger import database as module
from bulkagent.ledger.database import Busy
from bulkagent.ledger.failovers import lanes_set_before
from bulkagent.ledger.filesystems import FileSystemKind, kind_of
from bulkagent.ledger.ledger_file import _log_ahead
from bulkagent.ledger.location import _filesystem_of
from bulkagent.ledger.schema import APPLICATION_ID, VERSION
from bulkagent.model import Cause, Status
from tests.ledger.ledgers import TABLES, plan, planner, report, rows_in


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of any other program's."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def refusal(path: Path) -> str:
    """What is said where a file is refused; it names the file and what to do."""
    with pytest.raises(LedgerUnavailable) as refused:
        open_ledger(path).close()
    text = str(refused.value)
    assert str(path) in text
    assert "--ledger" in text or "try again" in text
    return text


def test_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "made" / "ledger.sqlite3"
    before = os.umask(0)
    try:
        with open_ledger(path) as database:
            plan(database, 1)
            made = {file.name: mode(file) for file in path.parent.iterdir()}
            assert mode(path.parent) == 0o700
    finally:
        os.umask(before)
    files = ("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm")
    assert made == {**dict.fromkeys(files, 0o600), "ledger.sqlite3-runs": 0o700}


def test_an_existing_ledger_keeps_what_is_in_it_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path) as database:
        run_id = plan(database, 3).run_id
    path.chmod(0o640)
    with open_ledger(path) as database:
        assert find_run(database, "last").id == run_id
    assert mode(path) == 0o640


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.touch()
    with open_ledger(path) as database:
        assert rows_in(database) == dict.fromkeys(TABLES, 0)


def test_a_closed_ledger_is_one_file(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger.sqlite3") as database:
        plan(database, 10).lock.release()
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.sqlite3"]


def test_an_older_format_is_made_the_present_one_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with raw(path) as connection:
        connection.executescript(Path(__file__).with_name("format_1.sql").read_text())
    with open_ledger(path) as database:
        assert database.all("PRAGMA user_version") == [(VERSION,)]
        assert database.all("PRAGMA foreign_key_check") == []
        new = open_ledger(tmp_path / "new.sqlite3")
        columns = "SELECT name FROM pragma_table_info(?) ORDER BY name"
        for table in (*TABLES, "legs", "endpoints", "superseded", "stories"):
            assert database.all(columns, (table,)) == new.all(columns, (table,))
        new.close()
        found, summary = report(database)
        assert [(line.row, line.status, line.cause, line.attempts) for line in found] == [
            (2, Status.APPLIED, None, 1),
            (3, Status.FAILED, Cause.SWITCH_OVER, 2),
            (4, Status.UNKNOWN, Cause.INTERRUPTED, 1),
            (5, Status.NOT_ATTEMPTED, Cause.INTERRUPTED, 0),
            (6, Status.INVALID, Cause.BAD_ROW, 0),
        ]
        assert summary.rows == 5
        facts = find_run(database, "last")
        assert not facts.running
        assert not facts.fingerprint, "nobody can tell its roster again, so it is not resumed"
        assert plan(database, 3).run == 2
    with open_ledger(path) as database:
        assert find_run(database, "20231114T221320.000Z-0001").run == 1


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_ledger_of_an_earlier_format_is_gone_on_with(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.sqlite3"
    with raw(path) as connection:
        connection.executescript(Path(__file__).with_name(f"format_{version}.sql").read_text())
    with open_ledger(path) as database:
        assert database.all("PRAGMA user_version") == [(VERSION,)]
        assert database.all("PRAGMA foreign_key_check") == []
        new = open_ledger(tmp_path / "new.sqlite3")
        listed = "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY name"
        assert database.all(listed) == new.all(listed)
        columns = "SELECT * FROM pragma_table_info(?) ORDER BY cid"
        for kind, name, _ in database.all(listed):
            if kind in {"table", "view"}:
                assert database.all(columns, (name,)) == new.all(columns, (name,))
        new.close()
        found, _ = report(database)
        assert [(line.row, line.status, line.cause) for line in found] == [
            (2, Status.APPLIED, None),
            (3, Status.FAILED, Cause.SWITCH_OVER),
        ]
        assert lanes_set_before(RunRecord(database, 1)) == ()


def test_settings_that_durability_rests_on_are_really_set(database: Database) -> None:
    with Database(database.path, busy_wait_s=0.0) as another:
        for connection in (database, another):
            found = [
                connection.all(f"PRAGMA {name}")[0][0]
                for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "foreign_keys")
            ]
            assert found == ["wal", 1, 0, 1]
        assert another.all("PRAGMA busy_timeout") == [(0,)]
    assert database.all("PRAGMA busy_timeout") == [(10_000,)]


def test_the_folder_of_the_moment_does_not_move_a_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with open_ledger(Path("ledger.sqlite3")) as database:
        plan(database, 1)
        monkeypatch.chdir(tmp_path / "elsewhere")
        with Database(database.path) as again:
            assert rows_in(again)["runs"] == 1
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("name", [":memory:", "file:x?mode=memory", "a b#c%41?d.sqlite3"])
def test_a_name_is_a_name_and_nothing_that_sqlite_makes_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with open_ledger(Path(name)) as database:
        plan(database, 1)
    with open_ledger(tmp_path / name) as database:
        assert rows_in(database)["runs"] == 1


def test_a_connection_never_creates_the_file(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match="unable to open"):
        Database(tmp_path / "gone.sqlite3")
    assert not list(tmp_path.iterdir())


def test_the_default_is_in_the_platforms_folder_for_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/state")
    assert default_path().parts[-2:] == ("bulkagent", "ledger.sqlite3")


# Refused: what is something else.


def test_refuses_what_is_no_database_and_leaves_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("agent_id,flag\n1001,1\n" * 100)
    before = path.read_bytes()
    assert "not a database" in refusal(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["roster.csv"]


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE t (a)", "PRAGMA application_id=7", "PRAGMA user_version=3"]
)
def test_refuses_another_applications_database_without_changing_a_byte(
    tmp_path: Path, statement: str
) -> None:
    path = tmp_path / "other.db"
    with raw(path) as connection:
        connection.execute(statement)
    before = path.read_bytes()
    assert "not a bulkagent ledger" in refusal(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["other.db"]


@pytest.mark.parametrize("version", [0, VERSION + 1, -1])
def test_refuses_another_format(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.sqlite3"
    open_ledger(path).close()
    with raw(path) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    assert f"has format {version}" in refusal(path)


def test_refuses_a_folder(tmp_path: Path) -> None:
    assert "directory" in refusal(tmp_path)


def test_refuses_what_is_not_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert "is not a file" in refusal(path)


def test_refuses_a_place_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be opened" in refusal(tmp_path / "file" / "ledger.sqlite3")
    assert "cannot be opened" in refusal(tmp_path / "nul\0" / "ledger.sqlite3")


def test_refuses_a_place_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "cannot be opened: Permission denied" in refusal(tmp_path / "ledger.sqlite3")


def test_refuses_a_filesystem_without_shared_memory() -> None:
    with (
        contextlib.closing(sqlite3.connect(":memory:")) as connection,
        pytest.raises(LedgerUnavailable, match=r"shared memory.*--ledger"),
    ):
        _log_ahead(connection, Path("ledger.sqlite3"))


# Refused: filesystems that are not of this machine.

TABLE = [
    ("/", "ext4"),
    ("/home", "nfs4"),
    ("/home/ann/local", "xfs"),
    ("/data", "nfs"),
    ("/data", "ext4"),
    ("/srv", "ext4"),
    ("/srv", "cifs"),
    ("/bind", "nfs"),  # as a bind mount of a folder of a network filesystem is listed
    ("/mnt/ssh", "fuse.sshfs"),
]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/ledger.sqlite3", ""),
        ("/home/ann/ledger.sqlite3", "nfs4"),
        ("/home/ann/local/ledger.sqlite3", ""),
        ("/home/ann/locally/ledger.sqlite3", "nfs4"),
        ("/homes/ann/ledger.sqlite3", ""),
        ("/data/ledger.sqlite3", ""),
        ("/srv/ledger.sqlite3", "cifs"),
        ("/bind/ledger.sqlite3", "nfs"),
        ("/mnt/ssh/deep/er/ledger.sqlite3", "fuse.sshfs"),
        ("/mnt/ledger.sqlite3", ""),
    ],
)
def test_a_network_filesystem_is_known_by_the_mount_that_covers_the_path(
    path: str, kind: str
) -> None:
    """The longest point counts, a later mount hides an earlier one on the same point."""
    found = _filesystem_of(Path(path), TABLE)
    assert (found if kind_of(found) is FileSystemKind.NETWORK else "") == kind


def test_a_root_on_a_network_and_a_table_without_mounts() -> None:
    assert _filesystem_of(Path("/var/x"), [("/", "nfs")]) == "nfs"
    assert _filesystem_of(Path("/var/x"), []) == ""


def mounted(monkeypatch: pytest.MonkeyPatch, folder: Path, kind: str) -> None:
    table = [
        SimpleNamespace(mountpoint="/", fstype="ext4"),
        SimpleNamespace(mountpoint=str(folder.resolve()), fstype=kind),
    ]
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: table)


def test_refuses_a_network_filesystem_before_anything_is_made_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    mounted(monkeypatch, remote, "nfs4")
    assert "network filesystem (nfs4)" in refusal(remote / "state" / "ledger.sqlite3")
    assert not list(remote.iterdir())


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(
            (name, FileSystemKind.NETWORK)
            for name in (
                *("virtiofs", "9p", "drvfs", "shfs", "fuse.shfs", "fuse.grpcfuse", "grpcfuse"),
                *("fuse.ceph", "fuse.ceph-fuse", "ceph", "fuse.juicefs", "fuse.seaweedfs"),
                *("fuse.mfs", "fuse.moosefs", "fuse.s3fs", "fuse.rclone", "fuse.sshfs", "nfs4"),
                *("glusterfs", "fuse.glusterfs", "lustre", "beegfs", "cifs", "smb3", "afs"),
                *("NFS4", "fakeowner", "fuse.JuiceFS"),
            )
        ),
        *((name, FileSystemKind.UNKNOWN) for name in ("fuse", "fuse.mergerfs", "fuse.of-somebody")),
        *(
            (name, FileSystemKind.LOCAL)
            for name in ("ext4", "xfs", "btrfs", "zfs", "overlay", "tmpfs", "apfs", "fuseblk", "")
        ),
    ],
)
def test_network_filesystems_by_name_virtiofs_drvfs_and_their_like(
    name: str, kind: FileSystemKind
) -> None:
    assert kind_of(name) is kind


def test_an_unknown_filesystem_is_tried_by_two_processes_that_share_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here it is a local one by another name, which gives both: memory and locks."""
    mounted(monkeypatch, tmp_path, "fuse.of-somebody")
    open_ledger(tmp_path / "made" / "ledger.sqlite3").close()
    assert [file.name for file in tmp_path.iterdir()] == ["made"]
    monkeypatch.setattr(filesystems, "_OTHER", "import sys; sys.exit(0)")  # sees nothing of it
    assert "share no memory" in refusal(tmp_path / "made" / "ledger.sqlite3")
    with read_ledger(tmp_path / "made" / "ledger.sqlite3") as database:
        assert rows_in(database)["runs"] == 0


def test_a_link_to_a_network_filesystem_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    (tmp_path / "local").symlink_to(remote)
    mounted(monkeypatch, remote, "cifs")
    assert "cifs" in refusal(tmp_path / "local" / "ledger.sqlite3")


def test_where_no_mounts_are_known_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(**_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "/proc/filesystems")

    monkeypatch.setattr(psutil, "disk_partitions", hidden)
    probe(tmp_path / "ledger.sqlite3")


# Damaged and hostile files.


def test_a_ledger_without_its_tables_is_said_to_be_unusable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with raw(path) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")
    assert "it has no table 'runs'" in refusal(path)


@pytest.mark.parametrize("kept", [50, 100, 1000, 4096, 5000])
def test_a_truncated_ledger_is_said_to_be_unusable(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "ledger.sqlite3"
    with open_ledger(path) as database:
        plan(database, 500)
    os.truncate(path, kept)

    def look() -> None:
        with open_ledger(path) as database:
            find_run(database, "last")

    with pytest.raises(LedgerUnavailable, match=r"malformed|not a database|no such table|disk"):
        look()


def test_text_that_is_none_is_said_to_be_unusable(database: Database) -> None:
    made = plan(database, 1)
    with raw(database.path) as connection:
        connection.execute("UPDATE runs SET roster = CAST(x'ff00fe' AS TEXT)")
    with pytest.raises(LedgerUnavailable, match="UTF-8"):
        find_run(database, made.run_id)


# Several at once.


def _opens(folder: str, rounds: int, barrier: Barrier) -> None:
    try:
        for number in range(rounds):
            barrier.wait()
            with open_ledger(Path(folder) / str(number) / "ledger.sqlite3") as database:
                planner(database).planned(1)
    except BaseException:
        barrier.abort()  # nobody else waits for this one
        raise


def test_processes_that_create_the_same_ledger_at_once_share_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes, rounds = 3, 15
    barrier = context.Barrier(processes, timeout=60)
    started = [
        context.Process(target=_opens, args=(str(tmp_path), rounds, barrier))
        for _ in range(processes)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0] * processes
    for number in range(rounds):
        with open_ledger(tmp_path / str(number) / "ledger.sqlite3") as database:
            assert rows_in(database)["runs"] == processes


def test_waits_for_another_that_is_about_to_create_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite itself does not wait for the lock under which it begins to log ahead."""
    path = tmp_path / "ledger.sqlite3"
    waits = 0
    with raw(path) as other:
        other.execute("BEGIN IMMEDIATE")

        def release(_: float) -> None:
            nonlocal waits
            waits += 1
            other.execute("COMMIT")

        monkeypatch.setattr(time, "sleep", release)
        with open_ledger(path) as database:
            assert rows_in(database)["runs"] == 0
    assert waits == 1


def test_does_not_wait_for_ever_for_another_that_is_about_to_create_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.sqlite3"
    now = iter(range(0, 1000, 4))
    monkeypatch.setattr(ledger_file, "monotonic", lambda: next(now))
    monkeypatch.setattr(ledger_file, "pause", lambda _: None)
    with raw(path) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another process" in refusal(path)


def test_a_locked_ledger_can_be_opened_and_read(database: Database) -> None:
    with raw(database.path) as other:
        other.execute("BEGIN IMMEDIATE")
        with open_ledger(database.path) as again:
            assert rows_in(again)["runs"] == 0


def test_a_writer_that_does_not_wait_says_busy(database: Database) -> None:
    with raw(database.path) as other, Database(database.path, busy_wait_s=0.0) as writer:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="another process"):
            writer.write(("DELETE FROM runs", [()]))
        other.execute("ROLLBACK")
        writer.write(("DELETE FROM runs", [()]))


def test_a_planner_that_waited_in_vain_says_that_nothing_was_sent(database: Database) -> None:
    with raw(database.path) as other, Database(database.path, busy_wait_s=0.01) as writer:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match=r"another process.*nothing was sent"):
            planner(writer)


# Transactions.

_INSERT = "INSERT INTO lanes (run, lane, gateway, wave, assignments) VALUES (?, ?, 'east', 0, 1)"


def test_a_failed_transaction_leaves_nothing_and_the_next_one_works(database: Database) -> None:
    run = planner(database).run
    with pytest.raises(LedgerFailed, match="takes no more records"):
        database.write((_INSERT, [(run, 0), (run, 1)]), (_INSERT, [(run, 2), (run, 0)]))
    assert rows_in(database)["lanes"] == 0
    database.write((_INSERT, [(run, 0)]))
    assert rows_in(database)["lanes"] == 1


def test_rows_that_raise_leave_nothing_and_their_error_is_their_own(database: Database) -> None:
    run = planner(database).run

    def rows() -> Iterator[tuple[int, int]]:
        yield run, 0
        raise RunNotFound("the rows' own")

    with pytest.raises(RunNotFound, match="the rows' own"):
        database.write((_INSERT, rows()))
    assert rows_in(database)["lanes"] == 0
    database.write((_INSERT, [(run, 0)]))


def test_a_full_disk_is_said_to_be_one(database: Database) -> None:
    run = planner(database).run
    ((pages,),) = database.all("PRAGMA page_count")
    database.all(f"PRAGMA max_page_count={pages}")
    with pytest.raises(LedgerFailed, match=r"full.*free space"):
        database.write((_INSERT, [(run, lane) for lane in range(10_000)]))
    assert rows_in(database)["lanes"] == 0


def test_a_closed_database_is_said_to_be_unusable(database: Database) -> None:
    database.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        database.all("SELECT 1")
    with pytest.raises(LedgerFailed, match="closed"):
        database.write(("SELECT 1", [()]))
    database.checkpoint()


def test_rows_are_of_the_moment_at_which_they_were_asked_for(database: Database) -> None:
    run = planner(database).run
    database.write((_INSERT, [(run, lane) for lane in range(3_000)]))
    with Database(database.path) as other:
        found = other.query("SELECT lane FROM lanes ORDER BY lane")
        assert next(found) == (0,)
        database.write(("DELETE FROM lanes", [()]))
        assert sum(1 for _ in found) == 2_999
        assert rows_in(other)["lanes"] == 0


def test_all_questions_within_a_snapshot_are_of_one_moment(database: Database) -> None:
    with Database(database.path) as other:
        with other.snapshot():
            assert rows_in(other)["runs"] == 0
            planner(database)
            assert rows_in(other)["runs"] == 0
        assert rows_in(other)["runs"] == 1
        other.write(("DELETE FROM runs", [()]))


# Checkpoints.


def log_of(database: Database) -> Path:
    return database.path.with_name(database.path.name + "-wal")


def test_without_a_checkpoint_nothing_moves_by_itself(database: Database) -> None:
    before = database.path.stat().st_size
    plan_rows = [(1, lane) for lane in range(50_000)]
    planner(database)
    database.write((_INSERT, plan_rows))
    assert database.path.stat().st_size == before
    database.checkpoint()
    assert database.path.stat().st_size > before + 50_000


def test_the_log_stays_short_while_another_commits_without_a_pause(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONG_LOG_PAGES", 100)
    run = planner(database).run
    database.write((_INSERT, [(run, lane) for lane in range(2_000)]))
    over = threading.Event()
    commits = 0

    def checkpoints() -> None:
        with Database(database.path) as other:
            for _ in range(40):
                seen = commits
                while commits < seen + 50 and not over.is_set():
                    over.wait(0.0005)
                other.checkpoint()
        over.set()

    thread = threading.Thread(target=checkpoints)
    thread.start()
    try:
        with Database(database.path, busy_wait_s=0.0) as writer:
            while not over.is_set():
                with contextlib.suppress(Busy):
                    rows = [(run, lane) for lane in range(commits % 1_900, commits % 1_900 + 50)]
                    writer.write(("UPDATE lanes SET wave = wave + 1 WHERE run=? AND lane=?", rows))
                    commits += 1
    finally:
        over.set()
        thread.join()
    written = commits * 2 * 4096
    assert log_of(database).stat().st_size < written / 3


def test_a_checkpoint_does_not_wait_for_a_reader_and_takes_nothing_from_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONG_LOG_PAGES", 1)
    monkeypatch.setattr(module, "_RESTART_WAIT_MS", 0)
    run = planner(database).run
    with Database(database.path) as reader:
        with reader.snapshot():
            assert rows_in(reader)["lanes"] == 0
            database.write((_INSERT, [(run, lane) for lane in range(1_000)]))
            database.checkpoint()
            assert rows_in(reader)["lanes"] == 0
        assert rows_in(reader)["lanes"] == 1_000
    assert database.all("PRAGMA busy_timeout") == [(10_000,)]
