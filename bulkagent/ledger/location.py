"""Where a ledger may be."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bulkagent.errors import LedgerUnavailable
from bulkagent.files.user_folders import NO_HOME, absolute, user_folder
from bulkagent.ledger.filesystems import FileSystemKind, kind_of, shares_memory


def default_path() -> Path:
    """Where the ledger is by default: the platform's folder for state.

    Raises:
        LedgerUnavailable: This user has none.
    """
    folder = user_folder("state")
    if folder is None:
        raise LedgerUnavailable(f"there is no place for a ledger: {NO_HOME}; give --ledger or HOME")
    return folder / "ledger.sqlite3"


def exposure(path: Path) -> str:
    """Other users who may write to a ledger, by owners and modes, for people; "" for none.

    Root may write to anything, and does not count.
    """
    real = Path(os.path.realpath(path))
    for place, what in ((real, "the ledger"), (real.parent, "the ledger's folder")):
        try:
            found = place.stat()
        except (OSError, ValueError):
            continue
        who = _others(found)
        if who:
            mode = stat.S_IMODE(found.st_mode)
            return (
                f"{what} {place} may be written by {who} (owner {found.st_uid}, mode {mode:04o})."
                " A resume could then set other agents; let only the ledger's user write there"
            )
    return ""


def _others(found: os.stat_result) -> str:
    if found.st_uid not in {0, os.geteuid()}:
        return "another user"
    if found.st_mode & stat.S_IWOTH:
        return "everybody"
    if found.st_mode & stat.S_IWGRP:
        return f"the group {found.st_gid}"
    return ""


def probe(path: Path, *, to_write: bool = True) -> None:
    """Refuse a place where a ledger would not be safe.

    Args:
        path: The ledger's.
        to_write: Whether it is to be written there; else nothing is tried that writes.

    Raises:
        LedgerUnavailable: It is on a network filesystem, or on an unknown one that
            gives two processes no memory in common.
        SettingsRefused: It is relative to a folder that is not there any more.
    """
    import psutil

    path = absolute(path)
    try:
        mounts = [(mount.mountpoint, mount.fstype) for mount in psutil.disk_partitions(all=True)]
    except OSError:  # a container without /proc: it cannot be known
        return
    # Links followed, for a local folder may be one to a folder on another machine.
    real = Path(os.path.realpath(path))
    name = _filesystem_of(real, mounts)
    match kind_of(name):
        case FileSystemKind.NETWORK:
            raise LedgerUnavailable(
                f"the ledger {path} is on a network filesystem ({name}), where its write-ahead log"
                " can be corrupted; give a path on a local disk with --ledger"
            )
        case FileSystemKind.UNKNOWN if to_write and not shares_memory(_nearest(real)):
            raise LedgerUnavailable(
                f"the ledger {path} is on a filesystem ({name}) on which two processes share no"
                " memory, or no locks. Its write-ahead log can be corrupted there; give a path on"
                " a local disk with --ledger"
            )


def _nearest(real: Path) -> Path:
    """The folder that a file is in, or would be: one that is there."""
    folder = real.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _filesystem_of(path: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """The kind of file system that a path is on, as a table of mounts has it; "": not in it."""
    covering = [
        (len(Path(point).parts), kind) for point, kind in mounts if path.is_relative_to(point)
    ]
    # The later of two mounts on one point hides the earlier; max keeps the first, so reverse.
    _, kind = max(reversed(covering), default=(0, ""), key=lambda mount: mount[0])
    return kind
