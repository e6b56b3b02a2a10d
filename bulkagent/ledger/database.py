"""One SQLite file, opened so that it can be trusted with what was sent.

What may live here: opening, creating and refusing files, connections, transactions, the
meaning of SQLite's errors. What this room must not know: runs and rows.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.ledger.schema import APPLICATION_ID, SCHEMA, VERSION

__all__ = ["Busy", "Database", "default_path", "open_ledger", "probe"]

# Write-ahead logging needs memory shared by all who have the file open, which these do not
# give across machines (sqlite.org/wal.html, "All processes ... must be on the same host").
_NETWORK_FILESYSTEMS = frozenset(
    """
    9p afs beegfs ceph cifs davfs fuse.glusterfs fuse.s3fs fuse.sshfs glusterfs gpfs lustre ncpfs
    nfs nfs4 ocfs2 smb smb2 smb3 smbfs webdav
    """.split()  # noqa: SIM905 - reads better than thirty quoted words
)

_BUSY_WAIT_S = 10.0


class Busy(Exception):
    """Another process is writing at this moment."""


class Database:
    """A connection to a ledger. Not for two threads at once, but for any thread in turn."""

    def __init__(self, path: Path, *, busy_wait_s: float = _BUSY_WAIT_S) -> None:
        self.path = path
        self._connection = sqlite3.connect(
            path, timeout=busy_wait_s, isolation_level=None, check_same_thread=False
        )
        for pragma in (
            "journal_mode=WAL",
            # A commit survives any crash of the process; a crash of the machine may lose the last.
            "synchronous=NORMAL",
            # Checkpoints write and sync the whole log: never in a commit, see Journal.
            "wal_autocheckpoint=0",
            "foreign_keys=ON",
        ):
            self._connection.execute(f"PRAGMA {pragma}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the last one to close also empties the write-ahead log."""
        self._connection.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, as they are read."""
        with _explained(self.path):
            yield from self._connection.execute(sql, parameters)

    def all(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, all of them."""
        with _explained(self.path):
            return self._connection.execute(sql, parameters).fetchall()

    def write(self, *statements: tuple[str, Iterable[Sequence[object]]]) -> None:
        """Commit statements, each with its rows of parameters, as one transaction.

        Raises:
            Busy: Another process holds the write lock for longer than the busy wait.
            LedgerFailed: The file takes no more; nothing of the transaction is in it.
        """
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, rows in statements:
                connection.executemany(sql, rows)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise Busy from None
            raise LedgerFailed(
                f"the ledger {self.path} takes no more records ({error}); sending has stopped."
                " Free space or fix the disk, then look at the run's report"
            ) from None
        except BaseException:
            # A generator of rows raised, the roster's perhaps: the error is its own.
            connection.execute("ROLLBACK")
            raise

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the file, as far as readers allow."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def default_path() -> Path:
    """Where the ledger is when nobody says otherwise: the platform's folder for state."""
    import platformdirs

    return platformdirs.user_state_path("bulkagent", appauthor=False) / "ledger.sqlite3"


def probe(path: Path) -> None:
    """Refuse a place where a ledger would not be safe.

    Raises:
        LedgerUnavailable: It is on a network filesystem.
    """
    import psutil

    mounts = [(mount.mountpoint, mount.fstype) for mount in psutil.disk_partitions(all=True)]
    kind = _network_filesystem(path.absolute(), mounts)
    if kind:
        raise LedgerUnavailable(
            f"the ledger {path} is on a network filesystem ({kind}), where its write-ahead log"
            " can be corrupted; give a path on a local disk with --ledger"
        )


def open_ledger(path: Path) -> Database:
    """Open a ledger, creating it (mode 0600, its folder 0700) if there is none.

    Raises:
        LedgerUnavailable: It cannot be created or opened, or is something else.
    """
    probe(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite would create it with the umask's mode; the log beside it takes on this one's.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR))
    except OSError as error:
        raise LedgerUnavailable(
            f"the ledger {path} cannot be opened: {error.strerror};"
            " give a path that can be written with --ledger"
        ) from None
    with _explained(path):
        database = Database(path)
        try:
            _prepare(database, path)
        except BaseException:
            database.close()
            raise
        return database


def _prepare(database: Database, path: Path) -> None:
    connection = database._connection  # noqa: SLF001 - the other half of this module
    connection.execute("BEGIN IMMEDIATE")
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if application == 0 and tables == 0:
        for statement in _statements(SCHEMA):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")
    elif application != APPLICATION_ID:
        raise LedgerUnavailable(
            f"{path} is a database, but not a bulkagent ledger; give another path with --ledger"
        )
    elif version != VERSION:
        raise LedgerUnavailable(
            f"the ledger {path} has format {version}, this bulkagent writes format {VERSION};"
            " use the version that wrote it, or give another path with --ledger"
        )
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _network_filesystem(path: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """The kind of network filesystem that a path is on, or ""."""
    covering = [
        (len(Path(point).parts), kind) for point, kind in mounts if path.is_relative_to(point)
    ]
    # The later of two mounts on one point hides the earlier; max keeps the first, so reverse.
    _, kind = max(reversed(covering), default=(0, ""), key=lambda mount: mount[0])
    return kind if kind in _NETWORK_FILESYSTEMS else ""


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LedgerUnavailable(
            f"the ledger {path} cannot be read: {error}; give another path with --ledger"
        ) from None
