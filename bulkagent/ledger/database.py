"""One SQLite file, opened so that it can be trusted with what was sent.

What may live here: opening, creating and refusing files, connections, transactions, the
meaning of SQLite's errors. What this room must not know: runs and rows.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.ledger.place import probe
from bulkagent.ledger.schema import APPLICATION_ID, MIGRATIONS, SCHEMA, VERSION

__all__ = ["Busy", "Database", "open_ledger"]

# What sqlite3 raises; the second where SQLite's own message quotes bytes of a damaged file.
_ERRORS = (sqlite3.Error, UnicodeDecodeError)

_BUSY_WAIT_S = 10.0
_RETRY_S = 0.01

# From here on (16 MiB) a checkpoint also makes the log begin anew, for which it must hold the
# write lock for some milliseconds, and for no longer than this where a reader is in its way.
_LONG_LOG_PAGES = 4096
_RESTART_WAIT_MS = 50


class Busy(LedgerFailed):
    """Another process held the write lock for longer than the busy wait; nothing was written."""


class Database:
    """A connection to a ledger. Not for two threads at once, but for any thread in turn.

    Args:
        path: The file, which must be there.
        busy_wait_s: How long to wait for another process's lock.
        synced: Whether each commit waits until the disk has it (fsync), so that it survives
            the loss of power and not only that of the process.

    Raises:
        LedgerUnavailable: The file is not there, or no database.
    """

    def __init__(
        self, path: Path, *, busy_wait_s: float = _BUSY_WAIT_S, synced: bool = False
    ) -> None:
        # Whoever opens it again may be in another folder; and by whatever link it was reached, the
        # locks of its runs are beside the file itself.
        self.path = Path(os.path.realpath(path))
        self._busy_wait_ms = round(busy_wait_s * 1000)
        with _explained(path):
            self._connection = sqlite3.connect(
                # Never created here, where its mode would be the umask's.
                f"{self.path.as_uri()}?mode=rw",
                uri=True,
                timeout=_BUSY_WAIT_S,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                for pragma in (
                    # A commit survives any crash of the process; one of the machine may lose it.
                    f"synchronous={'FULL' if synced else 'NORMAL'}",
                    # Checkpoints write and sync the whole log: never in a commit, see Journal.
                    "wal_autocheckpoint=0",
                    "foreign_keys=ON",
                    # The file may come from anywhere: its views may call nothing with effects.
                    "trusted_schema=OFF",
                    # Only now, for the others have to read the file.
                    f"busy_timeout={self._busy_wait_ms}",
                ):
                    self._connection.execute(f"PRAGMA {pragma}")
            except BaseException:
                self._connection.close()
                raise

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

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read within is of one moment, whatever others write; nothing is written."""
        with _explained(self.path):
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

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
        except _ERRORS as error:
            self._roll_back()
            if _is_busy(error):
                raise Busy(
                    f"another process keeps the ledger {self.path} locked; wait until it has ended"
                ) from None
            raise LedgerFailed(
                f"the ledger {self.path} takes no more records ({error});"
                " free space or repair the disk"
            ) from None
        except BaseException:
            # A generator of rows raised, the roster's perhaps: the error is its own.
            self._roll_back()
            raise

    def define(self, table: str) -> None:
        """Make a temporary table, which only this connection sees.

        Raises:
            LedgerUnavailable: There is no room for it.
        """
        with _explained(self.path):
            self._connection.execute(table)

    def fill(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Change a temporary table, row by row, without the ledger's write lock.

        Raises:
            LedgerUnavailable: There is no room for it.
        """
        with _explained(self.path):
            self._connection.execute("BEGIN")
            try:
                self._connection.executemany(sql, rows)
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def checkpoint(self) -> None:
        """Move what is in the write-ahead log into the file, as far as readers allow.

        While others commit, something is always left in the log, so it would never begin anew
        and grow without end. A long one is therefore made to: the little that came since the
        first pass is moved with writers held off.
        """
        execute = self._connection.execute
        with contextlib.suppress(*_ERRORS):
            ((_, pages, _),) = execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            if pages >= _LONG_LOG_PAGES:
                execute(f"PRAGMA busy_timeout={_RESTART_WAIT_MS}")
                execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
        with contextlib.suppress(sqlite3.Error):
            execute(f"PRAGMA busy_timeout={self._busy_wait_ms}")

    def compact(self) -> bool:
        """Give the space of what was deleted back to the file system; it takes as much meanwhile.

        Returns:
            Whether that was done: not while others use the ledger, or where the disk is full.
        """
        try:
            self._connection.execute("VACUUM")
        except _ERRORS:
            return False
        self.checkpoint()
        return True

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # it did so itself, or had not begun
            self._connection.execute("ROLLBACK")


def open_ledger(path: Path) -> Database:
    """Open a ledger, creating it (mode 0600, its folder 0700) if there is none.

    Raises:
        LedgerUnavailable: It cannot be created or opened, or is something else.
    """
    try:
        probe(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite would create it with the umask's mode; the log beside it takes on this one's.
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR)
        try:
            regular = stat.S_ISREG(os.fstat(file).st_mode)
        finally:
            os.close(file)
    except (OSError, ValueError) as error:
        said = (isinstance(error, OSError) and error.strerror) or error
        raise LedgerUnavailable(
            f"the ledger {path} cannot be opened: {said};"
            " give a path that can be written with --ledger"
        ) from None
    if not regular:
        raise LedgerUnavailable(f"the ledger {path} is not a file; give one with --ledger")
    database = Database(path)
    try:
        with _explained(path):
            _prepare(database._connection, path)  # noqa: SLF001 - the other half of this module
    except BaseException:
        database.close()
        raise
    return database


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Asked before anything is changed: it may be somebody else's.
    connection.execute("BEGIN")
    version = _version_of(connection, path)
    connection.execute("COMMIT")
    _log_ahead(connection, path)
    if version == VERSION:
        return
    # Dropping and adding what others refer to is checked at the end, not on the way.
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version_of(connection, path)  # another process may have been first
        if version == 0:
            _carry_out(connection, SCHEMA)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        else:
            for step in range(version, VERSION):
                _carry_out(connection, MIGRATIONS[step])
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("PRAGMA foreign_keys=ON")


def _version_of(connection: sqlite3.Connection, path: Path) -> int:
    """The format of a ledger, 0 for a database that has yet to become one; else refused."""
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    if (application, version, tables) == (0, 0, 0):
        return 0
    if application != APPLICATION_ID:
        raise LedgerUnavailable(
            f"{path} is a database, but not a bulkagent ledger; give another path with --ledger"
        )
    if version != VERSION and version not in MIGRATIONS:
        raise LedgerUnavailable(
            f"the ledger {path} has format {version}, this bulkagent writes format {VERSION};"
            " use the version that wrote it, or give another path with --ledger"
        )
    return int(version)


def _carry_out(connection: sqlite3.Connection, script: str) -> None:
    for statement in _statements(script):
        connection.execute(statement)


def _log_ahead(connection: sqlite3.Connection, path: Path) -> None:
    deadline = time.monotonic() + _BUSY_WAIT_S
    mode = ""
    while not mode:
        try:
            ((mode,),) = connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.Error as error:
            # SQLite does not wait here by itself: two that both wait for it would do so for ever.
            if not _is_busy(error) or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_S)
    if mode != "wal":
        raise LedgerUnavailable(
            f"the ledger {path} is on a filesystem without shared memory, which its write-ahead"
            " log needs; give a path on a local disk with --ledger"
        )


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except _ERRORS as error:
        if _is_busy(error):
            raise LedgerUnavailable(
                f"another process keeps the ledger {path} locked; try again when it has ended"
            ) from None
        raise LedgerUnavailable(
            f"the ledger {path} cannot be used: {error}; give another path with --ledger"
        ) from None


def _is_busy(error: Exception) -> bool:
    # Errors of the module's own, such as of a closed connection, have no code.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
