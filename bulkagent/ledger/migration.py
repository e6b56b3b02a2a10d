"""A ledger of an earlier format is made one of the present format."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from bulkagent.blocking import monotonic, pause
from bulkagent.errors import LedgerUnavailable
from bulkagent.ledger.database import BUSY_WAIT_S, connected, format_of, is_busy
from bulkagent.ledger.formats import MIGRATIONS
from bulkagent.ledger.integrity import statements
from bulkagent.ledger.run_lock import locked_runs
from bulkagent.ledger.schema import VERSION

# Between two tries to be alone with a ledger. Two processes that try at once are in each other's
# way, so each waits its own time.
_RETRY_S = 0.02

# Of file systems that know no hard links.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


def migrate(real: Path, path: Path, tell: Callable[[str], None]) -> None:
    """Make a ledger one of the present format, and keep a copy of it as it was.

    Args:
        real: The file, without links.
        path: What it was called.
        tell: Told where the copy is.

    Raises:
        LedgerUnavailable: A process is at work on it, or there can be no copy of it; it is as it
            was then.
        sqlite3.Error: The same, in SQLite's words.
    """
    with _alone_with(real, path) as connection:
        version = format_of(connection, path)
        if version == VERSION:  # another process was first
            return
        kept = _keep(connection, real, version)
        _carry_out(connection, version)
        format_of(connection, path)
    tell(
        f"the ledger {path} was brought from format {version} to format {VERSION}; as it was, it is"
        f" kept in {kept}"
    )


def brought_up(source: sqlite3.Connection, version: int) -> sqlite3.Connection:
    """A copy of a ledger in the present format, for this process alone.

    Raises:
        sqlite3.Error: There is no room for it.
    """
    # Without a name: in memory as far as there is room, and beyond that in a file without a name.
    copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        source.backup(copy)
        copy.execute("PRAGMA trusted_schema=OFF")
        _carry_out(copy, version)
    except BaseException:
        copy.close()
        raise
    return copy


def _carry_out(connection: sqlite3.Connection, version: int) -> None:
    # Dropping and adding what others refer to is checked at the end, not on the way.
    connection.execute("PRAGMA foreign_keys=OFF")
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in range(version, VERSION):
            for statement in statements(MIGRATIONS[step]):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def _alone_with(real: Path, path: Path) -> Iterator[sqlite3.Connection]:
    """A connection beside which there is none.

    A connection holds a lock for as long as it is there, whether it reads, writes or waits; the
    holder of the exclusive one knows that there is no other, of whatever bulkagent.
    """
    deadline = monotonic() + BUSY_WAIT_S
    pause_s = _RETRY_S * (1 + os.getpid() % 7 / 7)
    while True:
        if running := locked_runs(real):
            raise LedgerUnavailable(
                f"run {running[0]} in the ledger {path} is in progress under an earlier bulkagent."
                " Nothing was sent; wait for the end of that run, or stop it, and try again"
            )
        connection = connected(real, "mode=rw")
        try:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.close()
            if not is_busy(error):
                raise
            if monotonic() >= deadline:
                raise LedgerUnavailable(
                    f"the ledger {path} has an earlier format, and another process has it open."
                    " Nothing was sent; try again when that process has ended"
                ) from None
            pause(pause_s)
        else:
            break
    try:
        yield connection
    finally:
        connection.close()


def _keep(connection: sqlite3.Connection, real: Path, version: int) -> Path:
    """Copy a ledger, its log included, beside itself; no other copy is written over."""
    before = real.stat()
    draft = real.with_name(f".bulkagent-{secrets.token_hex(8)}.tmp")
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        try:
            with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as copy:
                connection.backup(copy)
            with contextlib.suppress(PermissionError):
                os.chown(draft, before.st_uid, before.st_gid)
            draft.chmod(stat.S_IMODE(before.st_mode))
            _synced(draft)
            return _named(draft, real, version)
        finally:
            draft.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        said = (isinstance(error, OSError) and error.strerror) or error
        raise LedgerUnavailable(
            f"the ledger {real} has format {version}. It was not brought to format {VERSION},"
            f" because it cannot be copied beside itself first ({said}); make room there"
        ) from None


def _named(draft: Path, real: Path, version: int) -> Path:
    number = 1
    while True:
        suffix = f".v{version}.bak" if number == 1 else f".v{version}.bak.{number}"
        kept = real.with_name(f"{real.stem}{suffix}")
        try:
            os.link(draft, kept)
        except FileExistsError:
            number += 1
            continue
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if os.path.lexists(kept):
                number += 1
                continue
            draft.rename(kept)
        _synced(kept.parent)
        return kept


def _synced(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
