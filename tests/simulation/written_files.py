"""Files that commands write beside the ledger: at once, and as far as the disk lets them."""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from bulkagent.files import atomic_file
from bulkagent.run.outputs import background_writer
from bulkagent.run.outputs.background_writer import LineFile
from tests.simulation.disk import Disk
from tests.simulation.process import current_process

_open, _write, _access = os.open, os.write, os.access
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class _NoThread:
    """Stands where a thread would, which has nothing to do but at its end."""

    def __init__(self, target: Callable[[], None], **_options: object) -> None:
        self._target = target

    def start(self) -> None:
        """Each line is written as it comes."""

    def join(self) -> None:
        """Take notice of the end."""
        self._target()


@contextlib.contextmanager
def written_at_once() -> Iterator[None]:
    """Have each line of a log be written where it is put, and closed where its process ends."""
    begin = LineFile.__init__

    def init(file: LineFile, *args: Any, **options: Any) -> None:
        begin(file, *args, **options)
        if (process := current_process()) is not None:
            process.left_open.append(lambda: os.close(file._file))

    def put(file: LineFile, line: bytes) -> None:
        if not file.trouble:
            file._lines.put(line)
            file._lines.put(None)
            file._write()

    with (
        mock.patch.object(background_writer, "threading", SimpleNamespace(Thread=_NoThread)),
        mock.patch.object(LineFile, "__init__", init),
        mock.patch.object(LineFile, "put", put),
    ):
        yield


class _Raw(io.FileIO):
    """A file that takes what the disk takes."""

    def __init__(self, descriptor: int, mode: str, disk: Disk) -> None:
        super().__init__(descriptor, mode)
        self._disk = disk

    def write(self, data: Any, /) -> int:
        """Write."""
        _refuse(self._disk)
        return super().write(data)


def _refuse(disk: Disk) -> None:
    if current_process() is not None and (number := disk.errno):
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def written_as_the_disk_lets(disk: Disk) -> Iterator[None]:
    """Have files beside the ledger fail while the disk is full or read-only.

    A full disk takes new names, and nothing in them.
    """
    folder = str(disk.ledger.parent)

    def is_here(path: Any) -> bool:
        return isinstance(path, str | Path) and str(path).startswith(folder)

    def opened(path: Any, flags: int, *args: Any, **options: Any) -> int:
        if disk.errno == errno.EROFS and flags & _TO_WRITE and is_here(path):
            _refuse(disk)
        return _open(path, flags, *args, **options)

    def access(path: Any, mode: int, **options: Any) -> bool:
        if (
            disk.errno == errno.EROFS
            and mode & os.W_OK
            and is_here(path)
            and current_process() is not None
        ):
            return False
        return _access(path, mode, **options)

    def write(descriptor: int, data: Any) -> int:
        if disk.errno and descriptor > _STANDARD:
            _refuse(disk)
        return _write(descriptor, data)

    def reopened(file: Any, mode: str, **_options: Any) -> io.BufferedRandom:
        return io.BufferedRandom(_Raw(file, "w+", disk))

    with (
        mock.patch.object(os, "open", opened),
        mock.patch.object(os, "access", access),
        mock.patch.object(os, "write", write),
        mock.patch.object(atomic_file, "open", reopened, create=True),
    ):
        yield


_STANDARD = 2
"""Descriptors up to this one are no files of a morning."""
