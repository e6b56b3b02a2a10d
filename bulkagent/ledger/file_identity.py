"""Whether a ledger that is in use is still the file at its path.

SQLite writes on into a file that has no name any more, and so does a run: what it records is lost,
and a new ledger at the path knows nothing of it. The file is asked about by its path, never opened:
closing it would take away the locks that this process has on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class _Known(NamedTuple):
    """By what a file is known again."""

    device: int
    number: int
    links: int


class FileIdentity:
    """A ledger and its log, as they are when this is made.

    Args:
        path: The ledger's file, without links, with a connection that has written to it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        files = (path, path.with_name(f"{path.name}-wal"))
        self._known = {file: known for file in files if (known := _known(file)) is not None}

    def __repr__(self) -> str:
        return f"<FileIdentity of {self._path}>"

    def trouble(self) -> str:
        """What has become of the files, for people; "" where they are still there.

        It asks the file system, so it is not for an event loop.
        """
        for file, known in self._known.items():
            now = _known(file)
            if now == known:
                continue
            if now is None:
                what = "was deleted or renamed"
            elif now[:2] != known[:2]:
                what = "was replaced by another file"
            else:
                what = "got another name (a hard link), under which others would break it"
            noun = "the ledger" if file == self._path else "the ledger's log"
            return (
                f"{noun} {file} {what} while the run was at work, so nothing more was sent. A file"
                " that is now at its path knows nothing of this run, but the run's report does."
                " See there which agents were set, and put the ledger back before anything is"
                " sent again"
            )
        return ""


def _known(file: Path) -> _Known | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return _Known(found.st_dev, found.st_ino, found.st_nlink)
