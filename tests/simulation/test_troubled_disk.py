"""A full disk and a read-only one, as the product meets them: in the ledger and in files."""

from __future__ import annotations

import errno
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from bulkagent.files.atomic_file import replacing
from bulkagent.run.outputs.background_writer import LineFile
from tests.simulation.disk import Disk, SimulatedConnection
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process
from tests.simulation.seams import replaced


class Machine:
    """A process on a disk, of which a test says what is wrong with it."""

    def __init__(self, folder: Path) -> None:
        self.loop = VirtualLoop(Random(1))
        self.folder = folder
        self.disk = Disk(folder / "l.sqlite3", Random(1), self.loop.time, loses_power=False)
        self.process = Process(1, self.loop, self.disk, Random(1), ahead_s=0.0)

    def does(self, call: Callable[[], object]) -> None:
        """Have the process do something."""
        with replaced(self.disk, Random(1)):
            self.process.run(call)

    def connection(self) -> SimulatedConnection:
        """One of the process to its ledger."""
        made = sqlite3.connect(self.disk.ledger, isolation_level=None, factory=SimulatedConnection)
        made.attach(self.process, self.disk)
        return made


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.process.let_go()
    made.loop.close()


def failing(connection: SimulatedConnection) -> str:
    """At which of its statements a transaction fails, and how."""
    connection.execute("BEGIN IMMEDIATE")
    where = "INSERT"
    try:
        connection.executemany("INSERT INTO t VALUES (?)", [(1,)])
        where = "COMMIT"
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return f"{where} {error.sqlite_errorname}"
    return "nowhere"


def test_a_full_disk_fails_at_a_statement_a_commit_or_a_checkpoint(machine: Machine) -> None:
    connection = machine.connection()
    connection.execute("CREATE TABLE t (n)")
    machine.disk.full_until = 1.0
    seen = Counter(failing(connection) for _ in range(40))
    assert set(seen) == {"INSERT SQLITE_FULL", "COMMIT SQLITE_FULL"}
    with pytest.raises(sqlite3.OperationalError, match="full"):
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    machine.disk.full_until = 0.0
    assert failing(connection) == "nowhere"
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)
    connection.close()


def test_what_was_opened_on_a_read_only_disk_stays_read_only(machine: Machine) -> None:
    before = machine.connection()
    before.execute("CREATE TABLE t (n)")
    machine.disk.broken_until = 1.0
    since = machine.connection()
    assert failing(before).endswith("SQLITE_IOERR_WRITE")
    machine.disk.broken_until = 0.0
    assert failing(before) == "nowhere"
    assert failing(since).endswith("SQLITE_READONLY")
    for each in (before, since):
        each.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_report_cannot_be_written(machine: Machine, number: int) -> None:
    if number == errno.ENOSPC:
        machine.disk.full_until = 1.0
    else:
        machine.disk.broken_until = 1.0

    def write() -> None:
        with replacing(machine.folder / "report.csv") as file:
            file.write(b"row\n")

    with pytest.raises(OSError, match=r"space|Read-only") as failed:
        machine.does(write)
    assert failed.value.errno == number
    assert not (machine.folder / "report.csv").exists()
    machine.disk.holds_files = False
    machine.does(write)
    (machine.folder / "report.csv").unlink()
    machine.disk.holds_files = True
    machine.disk.full_until = machine.disk.broken_until = 0.0
    machine.does(write)
    assert (machine.folder / "report.csv").read_bytes() == b"row\n"


def test_lines_of_a_log_are_there_at_once_and_say_what_is_missing(machine: Machine) -> None:
    path = machine.folder / "log.jsonl"

    def log() -> None:
        lines = LineFile(path, "log", "--log-file")
        lines.put(b"one")
        assert path.read_bytes() == b"one\n"
        machine.disk.full_until = 1.0
        lines.put(b"two")
        lines.close()
        assert "No space left" in lines.trouble

    machine.does(log)
    assert path.read_bytes() == b"one\n"
