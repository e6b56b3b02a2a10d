"""Files that commands write beside the ledger, without threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

from bulkagent.run.outputs import background_writer
from bulkagent.run.outputs.background_writer import LineFile
from tests.simulation.process import current_process


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
