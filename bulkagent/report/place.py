"""The place of a report: a file that appears whole or not at all.

What may live here: temporary files, syncing, renaming. What this module must not know: what is
written, or in which format.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["rehearse", "replacing"]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the path's place when the block ends without an exception.

    Whoever reads the path sees the old file or the new one, after a power cut too; a block
    that fails leaves the old one and nothing else. A link is replaced, not followed.

    Raises:
        OSError: the file cannot be created, written, synced or renamed.
    """
    temporary = _beside(path)
    out = _create(temporary)
    try:
        with out:
            yield out
            out.flush()
            # Before the rename: the name must never reach the disk ahead of the content.
            os.fsync(out.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def rehearse(path: Path) -> None:
    """Create and remove a temporary file where one would be created for the path.

    Raises:
        OSError: one of the two failed.
    """
    temporary = _beside(path)
    _create(temporary).close()
    temporary.unlink()


def _beside(path: Path) -> Path:
    # The same folder, as a rename does not cross file systems; a name of its own length, as
    # the report's may already be the longest that the folder takes.
    return path.parent / f".bulkagent-{secrets.token_hex(8)}.tmp"


def _create(path: Path) -> BinaryIO:
    return open(path, "xb", opener=_ordinary)


def _ordinary(path: str, flags: int) -> int:
    # tempfile would make it 0600, unreadable for the colleague whom the report is for; the
    # kernel takes the umask off, which nobody can read without changing it.
    return os.open(path, flags, 0o644)
