"""A file that lines are appended to while a run goes on, without ever holding it up."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import select
import stat
import threading
import time
from pathlib import Path

from bulkagent.errors import SettingsRefused
from bulkagent.files.special_files import FileKind, target_of

STANDARD_OUTPUT = Path("-")

_TOGETHER = 1_000
# A pipe that says it can be written takes so many bytes without waiting (POSIX, PIPE_BUF).
_PIECE = 4_096
_LOOK_EVERY_MS = 200
_MOST_WAITING = 200_000
"""Lines that a reader may be behind; some tens of megabytes."""
_LAST_WAIT_S = 5.0
"""For how long a reader that takes nothing is waited for in the end."""
_PLAIN = os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class LineFile:
    """Appends lines to a file, a pipe or standard output, from a thread of its own.

    A file that is moved or taken away while it is written, as rotation does, is made anew.

    What cannot be written any more never ends a run: `trouble` says so afterwards.

    Args:
        path: The file, made with mode 0600 where it is not there; `-` is standard output.
        noun: What it is called in messages.
        option: The option that names it.

    Raises:
        SettingsRefused: It cannot be opened.
    """

    def __init__(self, path: Path, noun: str, option: str) -> None:
        self.trouble = ""
        self._path: Path | None = None
        self._look_at = 0.0
        self._moved = ""
        self.lost = ""
        """Why there was no room for it; "" where there was, or its reader has gone."""
        self._name = f"{noun} {'on standard output' if path == STANDARD_OUTPUT else path}"
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._closing_since: float | None = None
        try:
            if path == STANDARD_OUTPUT:
                self._file = os.dup(1)
            else:
                self._file = _opened(path)
                # /dev/fd/N and what is in /proc has no place that a rotation could take it from.
                self._path = path if target_of(path).kind is FileKind.ORDINARY else None
            self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)
        except (OSError, ValueError) as error:
            said = (isinstance(error, OSError) and error.strerror) or error
            raise SettingsRefused(
                f"the {self._name} cannot be written: {said}; give another path with {option}"
            ) from None
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLOUT)
        self._thread: threading.Thread | None = threading.Thread(
            target=self._write, name=f"bulkagent-{noun}", daemon=True
        )
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Append a line, which has no line end; from any thread."""
        if not self.trouble:
            self._lines.put(line)

    def close(self) -> None:
        """Write what is left, as far as somebody takes it; any number of times."""
        if self._thread is None:
            return
        self._closing_since = time.monotonic()
        self._lines.put(None)
        self._thread.join()
        self._thread = None
        if self._moved and not self.trouble:
            self._give_up(self._moved)
        try:
            os.close(self._file)
        except OSError as error:
            self._give_up(error.strerror or str(error))

    def _write(self) -> None:
        while True:
            lines = [self._lines.get()]
            while lines[-1] is not None and len(lines) < _TOGETHER and not self._lines.empty():
                lines.append(self._lines.get())
            over = lines[-1] is None
            data = b"".join(line + b"\n" for line in lines if line is not None)
            if data and self._regular:
                self._follow()
            with contextlib.suppress(_GivenUp):
                self._write_all(memoryview(data))
            if over:
                return

    def _follow(self) -> None:
        """Open the path anew where its file has been moved or taken away, as rotation does."""
        now = time.monotonic()
        if self._path is None or now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY_MS / 1000
        ours = os.fstat(self._file)
        with contextlib.suppress(OSError):
            there = self._path.stat()
            if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                return
        try:
            file = _opened(self._path)
        except (OSError, ValueError) as error:
            said = (isinstance(error, OSError) and error.strerror) or error
            self._moved = f"its file was moved, and none could be made in its place: {said}"
            return  # what has been opened takes the lines: none is lost
        self._moved = ""
        os.dup2(file, self._file, inheritable=False)
        os.close(file)
        self._regular = stat.S_ISREG(os.fstat(self._file).st_mode)

    def _write_all(self, data: memoryview) -> None:
        while data:
            if self.trouble:
                raise _GivenUp
            if not self._regular and not self._writable():
                continue
            try:
                written = os.write(self._file, data if self._regular else data[:_PIECE])
            except BlockingIOError:
                continue  # somebody else has filled the pipe meanwhile
            except (OSError, ValueError) as error:
                said = (isinstance(error, OSError) and error.strerror) or str(error)
                self.lost = said if getattr(error, "errno", None) != errno.EPIPE else ""
                self._give_up(said)
                raise _GivenUp from None
            data = data[written:]

    def _writable(self) -> bool:
        if self._poll.poll(_LOOK_EVERY_MS):
            return True
        closing = self._closing_since
        if closing is not None and time.monotonic() - closing > _LAST_WAIT_S:
            self._give_up("its reader takes no more")
        elif self._lines.qsize() > _MOST_WAITING:
            self._give_up(f"its reader is {_MOST_WAITING:,} lines behind")
        return False

    def _give_up(self, said: str) -> None:
        self.trouble = f"the {self._name} is not complete: {said}"


def _opened(path: Path) -> int:
    target = target_of(path)
    if target.kind is FileKind.DESCRIPTOR:
        return os.dup(target.descriptor)
    # Not to wait for a reader, where it is a pipe, neither now nor later.
    flags = os.O_WRONLY | os.O_APPEND | _PLAIN
    try:
        if target.kind is FileKind.ORDINARY:
            return os.open(target.path, flags | os.O_CREAT, 0o600)
        return os.open(target.path, flags)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from it") from None
        raise


class _GivenUp(Exception):
    pass
