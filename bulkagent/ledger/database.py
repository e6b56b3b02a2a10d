"""One SQLite file, connected to so that it can be trusted with what was sent."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from bulkagent.errors import LedgerFailed, LedgerUnavailable
from bulkagent.ledger.formats import MIGRATIONS
from bulkagent.ledger.integrity import OBJECTS, SchemaObject, oddity
from bulkagent.ledger.schema import APPLICATION_ID, VERSION
from bulkagent.text.undecodable import encodable

# What sqlite3 raises; the second where SQLite's own message quotes bytes of a damaged file.
_ERRORS = (sqlite3.Error, UnicodeDecodeError)

BUSY_WAIT_S = 10.0
"""How long another process's lock is waited for."""

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
        connection: One that is there already and has been looked at; None: one is made.
        aside: What ends with it.

    Raises:
        LedgerUnavailable: The file is not there, or no ledger of the present format, or made of
            something else than bulkagent makes ledgers of.
    """

    def __init__(
        self,
        path: Path,
        *,
        busy_wait_s: float = BUSY_WAIT_S,
        synced: bool = False,
        connection: sqlite3.Connection | None = None,
        aside: contextlib.ExitStack | None = None,
    ) -> None:
        # A process that opens it again may be in another folder; and the locks of its runs are
        # beside the file itself, also where a link leads to it.
        self.path = Path(os.path.realpath(path))
        self._busy_wait_ms = round(busy_wait_s * 1000)
        self.changed = 0
        """How many rows the last statement that was written has changed."""
        self._aside = aside or contextlib.ExitStack()
        self._connection = connection or self._connected(path, synced=synced)

    def _connected(self, path: Path, *, synced: bool) -> sqlite3.Connection:
        with explained(path), contextlib.ExitStack() as refused:
            connection = connected(self.path, "mode=rw", synced=synced)
            refused.callback(connection.close)
            if (version := format_of(connection, path)) != VERSION:
                raise LedgerUnavailable(
                    f"the ledger {path} has the earlier format {version}; the next apply, resume"
                    f" or revert brings it to format {VERSION}"
                )
            # Only now, for the others have to read the file.
            connection.execute(f"PRAGMA busy_timeout={self._busy_wait_ms}")
            refused.pop_all()
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the last one to close also empties the write-ahead log."""
        self._connection.close()
        self._aside.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, as they are read."""
        with explained(self.path):
            # Not `yield from`, which closes the cursor of a reader that stops, when the
            # connection may be closed already.
            for row in self._connection.execute(sql, parameters):  # noqa: UP028
                yield row

    def all(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, all of them."""
        with explained(self.path):
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except UnicodeEncodeError:  # of what people look for
                return self._connection.execute(sql, _spelled(parameters)).fetchall()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything read within is of one moment, whatever others write; nothing is written."""
        with explained(self.path):
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
        with self.locked():
            for sql, rows in statements:
                self.execute(sql, rows)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """What is read and executed within is one transaction; no other one writes meanwhile.

        Raises:
            Busy: Another process holds the write lock for longer than the busy wait.
            LedgerFailed: The file takes no more; nothing of the transaction is in it.
        """
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("COMMIT")
        except _ERRORS as error:
            self._roll_back()
            if is_busy(error):
                raise Busy(
                    f"another process keeps the ledger {self.path} locked; wait until it has ended"
                ) from None
            raise LedgerFailed(
                f"the ledger {self.path} takes no more records ({error});"
                " free space or repair the disk",
                full=str(self.path),
            ) from None
        except BaseException:
            # A generator of rows raised, the roster's perhaps: the error is its own.
            self._roll_back()
            raise

    def execute(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        """Execute a statement with each of its rows of parameters, within `locked`.

        Returns:
            How many rows of the table it has changed.
        """
        try:
            changed = self._connection.executemany(sql, rows).rowcount
        except UnicodeEncodeError:
            # What people gave in bytes that are no text: a note, a job's name, their own. Of
            # more than one row, some would be there already.
            if not isinstance(rows, list) or len(rows) != 1:
                raise
            changed = self._connection.executemany(sql, map(_spelled, rows)).rowcount
        self.changed = changed
        return changed

    def define(self, table: str) -> None:
        """Make a temporary table, which only this connection sees.

        Raises:
            LedgerUnavailable: There is no room for it.
        """
        with explained(self.path):
            self._connection.execute(table)

    def fill(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Change a temporary table, row by row, without the ledger's write lock.

        Raises:
            LedgerUnavailable: There is no room for it.
        """
        with explained(self.path):
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


def connected(path: Path, how: str, *, synced: bool = False) -> sqlite3.Connection:
    """A connection to a file, which is never created here, where its mode would be the umask's.

    Args:
        path: The file, without links.
        how: What SQLite is told of it, as a URI's query: `mode=rw` or `mode=ro`.
        synced: Whether each commit waits until the disk has it.

    Raises:
        sqlite3.Error: There is no such file, or it cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.as_uri()}?{how}",
        uri=True,
        timeout=BUSY_WAIT_S,
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
            # The file may come from anywhere: its views may call nothing with effects, and its
            # pages are looked at before they are believed.
            "trusted_schema=OFF",
            "cell_size_check=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def format_of(connection: sqlite3.Connection, path: Path) -> int:
    """The format of a ledger, 0 for a database that has yet to become one; nothing is changed.

    Raises:
        LedgerUnavailable: It is something else, of another bulkagent's format, or made of
            something else than that format.
    """
    # All of one moment: another process may be making it.
    with contextlib.nullcontext() if connection.in_transaction else _moment(connection):
        objects = [SchemaObject(*row) for row in connection.execute(OBJECTS)]
        ((application,),) = connection.execute("PRAGMA application_id").fetchall()
        ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    if (application, version, objects) == (0, 0, []):
        return 0
    if application != APPLICATION_ID:
        raise LedgerUnavailable(
            f"{path} is a database, but not a bulkagent ledger; give another path with --ledger"
        )
    if version != VERSION and version not in MIGRATIONS:
        raise LedgerUnavailable(
            f"the ledger {path} has format {version}, and this bulkagent writes format {VERSION};"
            " use the version that wrote it, or give another path with --ledger"
        )
    if odd := oddity(objects, version):
        raise LedgerUnavailable(
            f"the ledger {path} was tampered with, or is damaged: {odd}. Nothing in it can be"
            " relied on, so it is not used. Keep it for the inquiry, and give another path with"
            " --ledger"
        )
    return int(version)


@contextlib.contextmanager
def _moment(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what SQLite's errors about a file mean.

    Raises:
        LedgerUnavailable: Instead of one.
    """
    try:
        yield
    except _ERRORS as error:
        if is_busy(error):
            raise LedgerUnavailable(
                f"another process keeps the ledger {path} locked; try again when it has ended"
            ) from None
        raise LedgerUnavailable(
            f"the ledger {path} cannot be used: {error}; give another path with --ledger"
        ) from None


def is_busy(error: Exception) -> bool:
    """Whether an error says that another process has a lock."""
    # Errors of the module's own, such as of a closed connection, have no code.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _spelled(parameters: Sequence[object]) -> Sequence[object]:
    return [encodable(each) if isinstance(each, str) else each for each in parameters]
