"""A file that appears whole or not at all: every file that is written at once is written by this.

A link is followed and what it leads to is replaced; what is no ordinary file is written to and
never replaced. The temporary file has no name where the system allows that, so that a process
that is killed leaves nothing; elsewhere the next one that writes there takes it away.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from bulkagent.files.special_files import FileKind, check_special, open_special, target_of

PRIVATE = 0o600
PUBLIC = 0o644

_LEFT_OVER = re.compile(r"\.bulkagent-[0-9a-f]{16}\.tmp")
_OLD_S = 30.0
"""A temporary file is locked a moment after it is made; younger ones are left alone."""


@contextlib.contextmanager
def replacing(
    path: Path, *, private: bool = False, synced: bool = True, new: bool = False
) -> Iterator[BinaryIO]:
    """A file to write that takes the path's place when the block ends without an exception.

    A reader of the path sees the old file or the new one, after a power cut too; a block
    that fails leaves the old one and nothing else. Mode and owner of the old one are kept, the
    owner as far as the system allows. What is no ordinary file gets the text as it is written.

    Args:
        path: Where to; of a link, where that leads to.
        private: Whether only its owner may read it, whatever the old one's mode was.
        synced: Whether it has to be there after a power cut.
        new: Whether nothing may be there yet.

    Raises:
        OSError: The file cannot be created, written, synced or renamed; `FileExistsError` for a
            `new` one that is there.
        ValueError: The path has a NUL.
    """
    if new and os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    target = target_of(path)
    if target.kind is not FileKind.ORDINARY:
        with open_special(target) as special:
            yield special
        return
    _clear(target.path.parent)
    with _Draft(target.path.parent, PRIVATE if private else PUBLIC) as draft:
        yield draft.file
        draft.file.flush()
        _take_over(draft.file.fileno(), target.path, private=private)
        if synced:
            # Before the rename: the name must never reach the disk ahead of the content.
            os.fsync(draft.file.fileno())
        draft.put(target.path, new=new)


def rehearse(path: Path) -> None:
    """Create and remove a temporary file where one would be created for the path.

    What is no ordinary file is only asked whether it may be written to.

    Raises:
        OSError: It cannot be written.
        ValueError: The path has a NUL.
    """
    target = target_of(path)
    if target.kind is FileKind.ORDINARY:
        _clear(target.path.parent)
        _Draft(target.path.parent, PRIVATE).close()
    else:
        check_special(target)


class _Draft:
    """A temporary file in a folder, without a name as long as that can be."""

    def __init__(self, folder: Path, mode: int) -> None:
        # The same folder, as a rename does not cross file systems; a name of its own length, as
        # the file's own may already be the longest that the folder takes.
        self._name = folder / f".bulkagent-{secrets.token_hex(8)}.tmp"
        self._named = False
        self.file: BinaryIO = open(self._opened(folder, mode), "w+b")  # noqa: PTH123, SIM115

    def _opened(self, folder: Path, mode: int) -> int:
        # tempfile would make it 0600, unreadable for the colleague whom a report is for; the
        # kernel takes the umask off, which nobody can read without changing it.
        if _CAN_BE_NAMELESS:
            with contextlib.suppress(OSError):  # not every file system can; then with a name
                return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, mode)
        return self._opened_named(mode)

    def _opened_named(self, mode: int) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self._name, flags, mode)
        self._named = True
        with contextlib.suppress(OSError):  # it keeps others from clearing it up
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor

    def put(self, path: Path, *, new: bool) -> None:
        """Give it the path, in the place of what is there."""
        if not self._named:
            try:
                self._give_name()
            except OSError:  # not every system that makes such files lets them have a name later
                self._copy_named()
        if new:
            os.link(self._name, path)
            return
        try:
            self._name.replace(path)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            self._copy(path)  # a file that is mounted by itself, as containers do
        else:
            self._named = False

    def _copy_named(self) -> None:
        made = os.fstat(self.file.fileno())
        with open(self._opened_named(PRIVATE), "w+b") as out:  # noqa: PTH123
            self.file.seek(0)
            shutil.copyfileobj(self.file, out)
            out.flush()
            with contextlib.suppress(OSError):
                os.fchown(out.fileno(), made.st_uid, made.st_gid)
            os.fchmod(out.fileno(), stat.S_IMODE(made.st_mode))
            os.fsync(out.fileno())

    def _give_name(self) -> None:
        anchor = os.open("/", os.O_RDONLY | os.O_CLOEXEC)
        try:
            # Python follows the link that /proc has for it only where a folder is given too.
            source = f"/proc/self/fd/{self.file.fileno()}"
            os.link(source, self._name, src_dir_fd=anchor, follow_symlinks=True)
        finally:
            os.close(anchor)
        self._named = True

    def _copy(self, path: Path) -> None:
        self.file.seek(0)
        with path.open("r+b") as out:
            shutil.copyfileobj(self.file, out)
            out.truncate()
            out.flush()
            os.fsync(out.fileno())

    def close(self) -> None:
        """Take away what has not got the path; any number of times."""
        with contextlib.suppress(OSError):
            self.file.close()
        if self._named:
            self._named = False
            with contextlib.suppress(OSError):
                self._name.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


# Where there is no /proc, a file without a name cannot be given one.
_CAN_BE_NAMELESS = hasattr(os, "O_TMPFILE") and Path("/proc/self/fd").is_dir()


def _take_over(descriptor: int, path: Path, *, private: bool) -> None:
    """Give the new file the old one's mode and, as far as that may be, its owner."""
    try:
        old = path.stat()
    except FileNotFoundError:
        return
    folder = path.parent.stat()
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()) and not (
        # Somebody may have put it there to be given what is in the new one.
        private and folder.st_mode & stat.S_IWOTH
    ):
        for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
            with contextlib.suppress(OSError):
                os.fchown(descriptor, owner, group)
    # After that, as a change of owner takes bits away.
    os.fchmod(descriptor, PRIVATE if private else stat.S_IMODE(old.st_mode) & 0o777)


def _clear(folder: Path) -> None:
    """Take away what processes that were killed have left here; never fails."""
    with contextlib.suppress(OSError):
        if folder in _cleared:
            return
        _cleared.add(folder)
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries if _LEFT_OVER.fullmatch(entry.name)]
        for name in found:
            with contextlib.suppress(OSError):
                _clear_one(name)


_cleared: set[Path] = set()
"""Folders that this process has looked at: a folder may be large, and is written to often."""


def _clear_one(name: str) -> None:
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags)
    try:
        found = os.fstat(descriptor)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid()
        if ours and time.time() - found.st_mtime > _OLD_S:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name)  # noqa: PTH108
    finally:
        os.close(descriptor)
