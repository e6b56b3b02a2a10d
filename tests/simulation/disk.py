"""The disk under the ledger: real SQLite on a real file, with looks at it that give way.

A process that is killed loses nothing that was committed. Where it was the last one with the ledger
open, the write-ahead log is left as it is. After a loss of power the disk has what was synced, and
perhaps a part of what came after.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Protocol

_BUSY_PAUSE_S = 0.005
_EARLY = 0.4
_HEADER = 32  # bytes of a write-ahead log that change when it begins anew


class Looker(Protocol):
    """A process, as its connections know it."""

    connections: list[SimulatedConnection]

    def give_way(self) -> None:
        """Let the others go on; it may be killed here."""

    def come_near_death(self) -> None:
        """It may be killed here; nobody else goes on."""

    def pause(self, seconds: float) -> None:
        """Let virtual time pass."""


class Disk:
    """The ledger's file and what lies beside it.

    Args:
        ledger: The file.
        random: Draws what a loss of power leaves.
        now: The true time.
        loses_power: Whether it ever will, so that what is synced is kept.
    """

    def __init__(self, ledger: Path, random: Random, now: Any, *, loses_power: bool) -> None:
        self.ledger = ledger
        self._log = ledger.with_name(f"{ledger.name}-wal")
        self._memory = ledger.with_name(f"{ledger.name}-shm")
        self._random = random
        self._now = now
        self._loses_power = loses_power
        self._durable: tuple[bytes, bytes] = (b"", b"")
        self.open: list[SimulatedConnection] = []
        self.full_until = 0.0
        self.broken_until = 0.0
        self.holds_files = True
        """Whether reports and logs are on it, too, and fail with it."""

    def synced(self) -> None:
        """All that is in the files now is on the disk."""
        if self._loses_power:
            self._durable = self._files()

    @property
    def errno(self) -> int:
        """Why no file can be written now; 0: it can be."""
        return self._errno if self.holds_files else 0

    @property
    def _errno(self) -> int:
        if self._now() < self.full_until:
            return errno.ENOSPC
        return errno.EROFS if self._now() < self.broken_until else 0

    @property
    def read_only(self) -> bool:
        """Whether the ledger's file system takes no changes now."""
        return self._errno == errno.EROFS

    def trouble(self, *, read_only: bool = False) -> sqlite3.OperationalError | None:
        """Why a connection can write nothing now.

        Args:
            read_only: Whether it was opened while nothing could be written, so that it never can.
        """
        if read_only:
            return _error("attempt to write a readonly database", "SQLITE_READONLY")
        if self._errno == errno.ENOSPC:
            return _error("database or disk is full", "SQLITE_FULL")
        if self._errno:
            return _error("disk I/O error", "SQLITE_IOERR_WRITE")
        return None

    def strikes_early(self) -> bool:
        """Whether a trouble shows at a statement already, not only at its commit."""
        return self._random.random() < _EARLY

    def cut(self, connections: Iterable[SimulatedConnection]) -> None:
        """End connections as the end of their process does."""
        ending = [connection for connection in connections if connection in self.open]
        last = bool(ending) and len(ending) == len(self.open)
        kept = self._files() if last else (b"", b"")
        for connection in ending:
            connection.end()
        if last and kept[0]:
            self._leave(kept)

    def lose_power(self) -> None:
        """Leave what was synced, and perhaps a part of what came after. No process is left."""
        file, log = self._files()
        kept_file, kept_log = self._durable
        begun_anew = log[:_HEADER] != kept_log[:_HEADER]
        if file == kept_file and not begun_anew and len(log) > len(kept_log):
            self._leave((file, log[: self._random.randint(len(kept_log), len(log))]))
        elif self._random.random() < 0.5 and kept_file:
            self._leave(self._durable)
        self._durable = self._files()

    def _files(self) -> tuple[bytes, bytes]:
        return _bytes_of(self.ledger), _bytes_of(self._log)

    def _leave(self, files: tuple[bytes, bytes]) -> None:
        self._memory.unlink(missing_ok=True)
        self.ledger.write_bytes(files[0])
        if files[1]:
            self._log.write_bytes(files[1])
        else:
            self._log.unlink(missing_ok=True)


class SimulatedConnection(sqlite3.Connection):
    """A connection that gives way where a transaction begins and ends."""

    looker: Looker | None = None
    disk: Disk | None = None
    writes = False
    """Whether it is in a transaction that writes, so that others could not go on."""
    _synced = False
    _read_only = False
    _wait_s = 10.0

    def attach(self, looker: Looker, disk: Disk) -> None:
        """Make it one of a process."""
        self.looker, self.disk = looker, disk
        self._read_only = disk.read_only
        looker.connections.append(self)
        disk.open.append(self)

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute, and give way where others may."""
        kind = sql[:5]
        if kind not in _LOOKS or self.looker is None or self.disk is None:
            return super().execute(sql, parameters)
        if kind == "BEGIN":
            self.looker.give_way()
            return self._begin(sql)
        if kind == "COMMI":
            return self._commit(self.disk)
        if kind == "ROLLB":
            self.writes = False
            return super().execute(sql)
        return self._pragma(sql, self.disk)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """Execute with each of the parameters, unless the disk lets nothing be written."""
        if self.writes and self.disk is not None:
            trouble = self.disk.trouble(read_only=self._read_only)
            if trouble is not None and self.disk.strikes_early():
                if self.disk.strikes_early():
                    # SQLite may have given the transaction up by itself.
                    self.writes = False
                    super().execute("ROLLBACK")
                raise trouble
        return super().executemany(sql, parameters)

    def close(self) -> None:
        """Close it."""
        if self.disk is not None and self in self.disk.open:
            self.disk.open.remove(self)
            if self.looker is not None and self in self.looker.connections:
                self.looker.connections.remove(self)
        super().close()

    def end(self) -> None:
        """End it as the end of its process does."""
        self.looker = None
        if self.disk is not None and self in self.disk.open:
            self.disk.open.remove(self)
        with contextlib.suppress(sqlite3.Error):
            self.rollback()
        super().close()

    def _begin(self, sql: str) -> sqlite3.Cursor:
        waited_s = 0.0
        while True:
            try:
                begun = super().execute(sql)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited_s >= self._wait_s:
                    raise
                waited_s += _BUSY_PAUSE_S
                if self.looker is not None:
                    self.looker.pause(_BUSY_PAUSE_S)
                continue
            self.writes = sql != "BEGIN"
            return begun

    def _commit(self, disk: Disk) -> sqlite3.Cursor:
        if self.writes and (trouble := disk.trouble(read_only=self._read_only)) is not None:
            raise trouble
        if self.looker is not None:
            self.looker.come_near_death()
        wrote = self.writes
        done = super().execute("COMMIT")
        self.writes = False
        if wrote:
            if self._synced:
                disk.synced()
            if self.looker is not None:
                self.looker.give_way()
        return done

    def _pragma(self, sql: str, disk: Disk) -> sqlite3.Cursor:
        name = sql[7:]
        if name.startswith("busy_timeout="):
            # Waiting takes virtual time here.
            self._wait_s = int(name.removeprefix("busy_timeout=")) / 1000
            return super().execute("PRAGMA busy_timeout=0")
        if name.startswith("synchronous="):
            self._synced = name.endswith("FULL")
        if name.startswith("wal_checkpoint") and (trouble := disk.trouble()) is not None:
            raise trouble
        done = super().execute(sql)
        if name.startswith("wal_checkpoint"):
            disk.synced()
            # Nothing is left to read of it, and giving way now would be within a statement.
        return done


_LOOKS = frozenset({"BEGIN", "COMMI", "ROLLB", "PRAGM"})


def _error(text: str, name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode, error.sqlite_errorname = getattr(sqlite3, name), name
    return error


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""
