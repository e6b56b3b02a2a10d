"""Where a path leads to, and how to write to what is no ordinary file."""

from __future__ import annotations

import enum
import errno
import fcntl
import io
import os
import select
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bulkagent.blocking import monotonic, pause

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


READER_WITHIN_S = 3.0
"""For so long a pipe is waited for that nobody has opened to read."""
TAKEN_WITHIN_S = 30.0
"""For so long is waited for a reader that takes nothing more."""

_MOST_LINKS = 40  # as many as the kernel follows
# A pipe that says it can be written takes so many bytes without waiting (POSIX, PIPE_BUF).
_PIECE = 4_096
_LOOK_EVERY_S = 0.02


class FileKind(enum.Enum):
    """The kinds of files at a path, as far as they matter to writing there."""

    ORDINARY = "an ordinary file, or none yet"
    SPECIAL = "a device, a pipe, or something of /proc: written to, never replaced"
    DESCRIPTOR = "a file that this process has open, as /dev/stdout: written on"


class FileTarget(msgspec.Struct, frozen=True):
    """Where a path leads to."""

    path: Path
    """With every link followed; it need not be there."""
    kind: FileKind
    descriptor: int = -1
    """The number of the file that is open already."""


def target_of(path: Path) -> FileTarget:
    """Follow the links of a path, also where the last leads to nothing yet.

    Raises:
        OSError: Links in a circle, a link of somebody else in a folder that all may write to, a
            folder, a socket, or a disk; or the path cannot be looked at.
        ValueError: The path has a NUL.
    """
    at = path.absolute()
    for _ in range(_MOST_LINKS):
        # The folder's own links are the kernel's to follow; `resolve` stops at what is missing.
        at = Path(os.path.realpath(at.parent)) / at.name
        if at.parent == Path(f"/proc/{os.getpid()}/fd") and at.name.isdecimal():
            return FileTarget(at, FileKind.DESCRIPTOR, int(at.name))
        if at.is_relative_to("/proc") or at.is_relative_to("/sys"):
            _refuse_kind(at.stat().st_mode, at)
            return FileTarget(at, FileKind.SPECIAL)
        try:
            found = at.lstat()
        except FileNotFoundError:
            return FileTarget(at, FileKind.ORDINARY)
        if not stat.S_ISLNK(found.st_mode):
            _refuse_kind(found.st_mode, at)
            return FileTarget(
                at, FileKind.ORDINARY if stat.S_ISREG(found.st_mode) else FileKind.SPECIAL
            )
        _refuse_link(found, at)
        at = at.parent / os.readlink(at)  # noqa: PTH115 - that takes away a trailing slash
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def _refuse_kind(mode: int, path: Path) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if stat.S_ISSOCK(mode):
        raise OSError(errno.ENXIO, "it is a socket", str(path))
    if stat.S_ISBLK(mode):
        raise OSError(errno.EPERM, "it is a disk", str(path))


def _refuse_link(link: os.stat_result, path: Path) -> None:
    """As the kernel does where links are protected: others could plant one in /tmp."""
    folder = path.parent.stat()
    planted = link.st_uid not in (os.geteuid(), folder.st_uid)
    if planted and folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH:
        raise PermissionError(
            errno.EACCES, "it is another user's link in a folder that all may write to", str(path)
        )


def check_special(target: FileTarget) -> None:
    """Whether it may be written to, without touching it: a pipe's reader would take that for all.

    Raises:
        OSError: It may not.
    """
    if target.kind is FileKind.DESCRIPTOR:
        flags = fcntl.fcntl(target.descriptor, fcntl.F_GETFL)
        if flags & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "it is open for reading only", str(target.path))
    elif not os.access(target.path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target.path))


def open_special(target: FileTarget) -> io.BufferedWriter:
    """Open it for writing on; nothing is cut off, and nobody is waited for without end.

    Raises:
        OSError: It cannot be opened, or nobody reads from a pipe within `READER_WITHIN_S`.
            Writing raises it too: `TimeoutError` where nobody takes anything for `TAKEN_WITHIN_S`.
    """
    if target.kind is FileKind.DESCRIPTOR:
        return io.BufferedWriter(_Paced(os.dup(target.descriptor)))
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    until = monotonic() + READER_WITHIN_S
    while True:
        try:
            return io.BufferedWriter(_Paced(os.open(target.path, flags)))
        except OSError as error:
            if error.errno != errno.ENXIO or not target.path.is_fifo():
                raise
            if monotonic() >= until:
                raise OSError(
                    errno.ENXIO, f"nobody reads from this pipe, in {READER_WITHIN_S:g} s"
                ) from None
        pause(_LOOK_EVERY_S)


class _Paced(io.RawIOBase):
    """Writes to a descriptor as somebody takes it, whether it blocks or not; owns it.

    How it blocks is not changed: other processes that have it open would see that.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._failed: OSError | None = None
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: Buffer, /) -> int:
        if self._failed is not None:  # closing would wait as long once more
            raise self._failed
        piece = memoryview(data).cast("B")[:_PIECE]
        try:
            return self._when_taken(lambda: os.write(self._descriptor, piece))
        except OSError as error:
            self._failed = error
            raise

    def _when_taken(self, write: Callable[[], int]) -> int:
        until = monotonic() + TAKEN_WITHIN_S
        while (left := until - monotonic()) > 0:
            if self._poll.poll(left * 1000):
                try:
                    return write()
                except BlockingIOError:  # somebody else has filled it meanwhile
                    pause(_LOOK_EVERY_S)
        raise TimeoutError(errno.ETIMEDOUT, "its reader takes nothing")

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._descriptor)
