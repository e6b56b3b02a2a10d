"""A file becomes a ledger, or is refused."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from bulkagent.blocking import monotonic, pause
from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger.database import (
    BUSY_WAIT_S,
    Database,
    connected,
    explained,
    format_of,
    is_busy,
)
from bulkagent.ledger.integrity import statements
from bulkagent.ledger.location import probe
from bulkagent.ledger.migration import brought_up, migrate
from bulkagent.ledger.run_lock import locked_runs
from bulkagent.ledger.schema import APPLICATION_ID, SCHEMA, VERSION

_RETRY_S = 0.01

# How long a ledger that was not closed well is looked through; some 5 GB of a warm disk.
_LOOK_S = 10.0
_LOOK_STEPS = 100_000  # SQLite's own, between two looks at the time
_LARGE_BYTES = 256 * 1024 * 1024


def _untold(_text: str) -> None:
    """Where there is no person to tell."""


def open_ledger(path: Path, *, tell: Callable[[str], None] = _untold) -> Database:
    """Open a ledger, creating it (mode 0600, its folder 0700) if there is none.

    One of an earlier format is made one of the present format, and kept as it was beside it.

    Args:
        path: The file.
        tell: Told what takes long, or was done to an older ledger.

    Raises:
        LedgerUnavailable: It cannot be created or opened, or is something else.
    """
    _make(path)
    real = Path(os.path.realpath(path))
    with explained(path):
        if _left_open(real):
            _look_through(real, path, tell)
        connection = connected(real, "mode=rw")
        try:
            version = _asked(connection, path)
            if version not in {0, VERSION}:
                connection.close()
                migrate(real, path, tell)
                connection = connected(real, "mode=rw")
                version = _asked(connection, path)
            _log_ahead(connection, path)
            if version == 0:
                _create(connection, path)
        except BaseException:
            connection.close()
            raise
    return Database(path, connection=connection)


def read_ledger(path: Path) -> Database:
    """Open a ledger for reading alone: nothing on the disk is created or changed.

    Where there is none, it is as an empty one. One of an earlier format is read as what it will be.

    Raises:
        LedgerUnavailable: It cannot be read, or is something else.
    """
    probe(path, to_write=False)
    real = Path(os.path.realpath(path))
    aside = contextlib.ExitStack()
    with explained(path):
        try:
            connection = _to_read(real, path, aside)
        except BaseException:
            aside.close()
            raise
    return Database(path, connection=connection, aside=aside)


def rehearse(path: Path) -> None:
    """Find out whether a ledger can be read and written there, without making or changing one.

    Raises:
        LedgerUnavailable: It cannot.
    """
    with read_ledger(path):
        pass
    real = Path(os.path.realpath(path))
    there = real
    while not there.exists():  # the file, or the folders that would be made for it
        there = there.parent
    _refuse_unwritable(path, there)
    if there != real:
        return
    _refuse_unwritable(path, real.parent)
    with explained(path), contextlib.closing(connected(real, "mode=rw")) as connection:
        # Takes the write lock, and gives it back.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _to_read(real: Path, path: Path, aside: contextlib.ExitStack) -> sqlite3.Connection:
    try:
        found = real.stat()
    except FileNotFoundError:
        return _empty()
    except (OSError, ValueError) as error:
        raise _cannot(path, error) from None
    _refuse_other_kinds(path, found)
    try:
        connection = _as_it_lies(real, aside)
    except OSError as error:
        raise _cannot(path, error) from None
    aside.callback(connection.close)
    version = format_of(connection, path)
    if version == VERSION:
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA busy_timeout={round(BUSY_WAIT_S * 1000)}")
        return connection
    if version == 0:
        return _empty()
    newer = brought_up(connection, version)
    aside.callback(newer.close)
    return newer


def _as_it_lies(real: Path, aside: contextlib.ExitStack) -> sqlite3.Connection:
    """A connection that changes nothing, also where nothing can be written beside the file."""
    log = _log_of(real)
    if os.access(real.parent, os.W_OK):
        if os.access(real, os.W_OK) and not log.exists():
            aside.callback(_tidy, real)
        return connected(real, "mode=ro")
    if not _has_content(log):
        # No process can write here, so there is nothing to lock against.
        return connected(real, "mode=ro&immutable=1")
    with contextlib.suppress(sqlite3.Error):
        # Its memory shared with a writer is there, or can be done without.
        connection = connected(real, "mode=ro")
        try:
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        except sqlite3.Error:
            connection.close()
        else:
            return connection
    folder = Path(aside.enter_context(tempfile.TemporaryDirectory(prefix="bulkagent-")))
    for file in (real, log):
        shutil.copyfile(file, folder / file.name)
    return connected(folder / real.name, "mode=rw")


def _tidy(real: Path) -> None:
    """Have SQLite take away the empty log and the memory that it made beside a ledger for a reader.

    It does so where a connection is the last one, and may write.
    """
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(connected(real, "mode=rw")) as connection,
    ):
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in statements(SCHEMA):
        connection.execute(statement)
    return connection


def _make(path: Path) -> None:
    try:
        probe(path)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One that is there is never opened otherwise than by SQLite: closing a file takes away all
        # locks that this process has on it, those of its other connections too.
        if not path.exists():
            # SQLite would create it with the umask's mode; the log beside it takes on this one's.
            with contextlib.suppress(FileExistsError):
                os.close(
                    os.open(
                        os.path.realpath(path),
                        os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC,
                        stat.S_IRUSR | stat.S_IWUSR,
                    )
                )
        found = path.stat()
    except (OSError, ValueError) as error:
        raise _cannot(path, error) from None
    _refuse_other_kinds(path, found)
    _refuse_unwritable(path, path)


def _refuse_unwritable(path: Path, place: Path) -> None:
    if not os.access(place, os.R_OK | os.W_OK):
        raise LedgerUnavailable(
            f"the ledger {path} cannot be opened: this user may not write to it, or its file"
            " system is read-only; give a path that can be written with --ledger"
        )


def _refuse_other_kinds(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "a device, a pipe or a socket"
        raise LedgerUnavailable(
            f"the ledger {path} is not a file but {kind}; give one with --ledger"
        )


def _cannot(path: Path, error: OSError | ValueError) -> LedgerUnavailable:
    said = (isinstance(error, OSError) and error.strerror) or error
    return LedgerUnavailable(
        f"the ledger {path} cannot be opened: {said}; give a path that can be written with --ledger"
    )


def _asked(connection: sqlite3.Connection, path: Path) -> int:
    # Before anything is changed: it may be another program's file.
    connection.execute("BEGIN")
    version = format_of(connection, path)
    connection.execute("COMMIT")
    return version


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if format_of(connection, path) == 0:  # else another process was first
        # Asked within: a run of a ledger that is made here can only come after this.
        if running := locked_runs(Path(os.path.realpath(path))):
            raise LedgerUnavailable(
                f"run {running[0]} is in progress, and its ledger {path} is gone. A new ledger"
                " would not know that run, so nothing was sent. Put the ledger back, or wait for"
                " the end of the run and try again"
            )
        for statement in statements(SCHEMA):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")
    connection.execute("COMMIT")


def _log_ahead(connection: sqlite3.Connection, path: Path) -> None:
    deadline = monotonic() + BUSY_WAIT_S
    mode = ""
    while not mode:
        try:
            ((mode,),) = connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.Error as error:
            # SQLite does not wait here by itself: two that both wait for it would do so for ever.
            if not is_busy(error) or monotonic() >= deadline:
                raise
            pause(_RETRY_S)
    if mode != "wal":
        raise LedgerUnavailable(
            f"the ledger {path} is on a filesystem without shared memory, which its write-ahead"
            " log needs; give a path on a local disk with --ledger"
        )


def _log_of(real: Path) -> Path:
    return real.with_name(f"{real.name}-wal")


def _has_content(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except OSError:
        return False


def _left_open(real: Path) -> bool:
    """Whether the last process that wrote to it did not close it, and none is at work on it."""
    return _has_content(_log_of(real)) and not locked_runs(real)


def _look_through(real: Path, path: Path, tell: Callable[[str], None]) -> None:
    """Look for damage in a ledger that was left open by a crash, for a bounded time.

    Raises:
        LedgerUnavailable: It is damaged.
    """
    size = real.stat().st_size
    if size >= _LARGE_BYTES:
        tell(
            f"the ledger {path} ({size / 1e9:.1f} GB) was not closed by the last process that wrote"
            f" to it, so it is looked through for damage, for {_LOOK_S:g} s at most"
        )
    deadline = monotonic() + _LOOK_S
    with contextlib.closing(connected(real, "mode=rw")) as connection:
        if format_of(connection, path) == 0:
            return
        connection.set_progress_handler(lambda: monotonic() >= deadline, _LOOK_STEPS)
        try:
            ((found, *_), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            tell(f"only a part of the ledger {path} was looked through; no damage was found so far")
            return
    if found != "ok":
        raise LedgerUnavailable(
            f"the ledger {path} was not closed by the last process that wrote to it, and is"
            f" damaged ({found}). Put a copy of it back, or give another path with --ledger"
        )
