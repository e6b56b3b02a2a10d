"""Where a ledger may be.

What may live here: the usual place, and filesystems on which no ledger is safe. What this room
must not know: what a ledger is made of.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bulkagent.errors import LedgerUnavailable
from bulkagent.user_folders import NO_HOME, absolute, user_folder

__all__ = ["default_path", "exposure", "probe"]

# Write-ahead logging needs memory shared by all who have the file open, which these do not
# give across machines (sqlite.org/wal.html, "All processes ... must be on the same host").
_NETWORK_FILESYSTEMS = frozenset(
    """
    9p afpfs afs beegfs ceph cifs davfs fuse.ceph fuse.gcsfuse fuse.glusterfs fuse.rclone fuse.s3fs
    fuse.sshfs glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 smb smb2 smb3 smbfs vboxsf webdav
    """.split()  # noqa: SIM905 - reads better than thirty quoted words
)


def default_path() -> Path:
    """Where the ledger is when nobody says otherwise: the platform's folder for state.

    Raises:
        LedgerUnavailable: This user has none.
    """
    folder = user_folder("state")
    if folder is None:
        raise LedgerUnavailable(f"there is no place for a ledger: {NO_HOME}; give --ledger or HOME")
    return folder / "ledger.sqlite3"


def exposure(path: Path) -> str:
    """Who else may write to a ledger, by owners and modes, for people; "" where nobody may.

    Root may write to anything, and so is nobody else.
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
                f"{what} {place} may be written by {who} (owner {found.st_uid}, mode {mode:04o}),"
                " who could have a resume set other agents; let its user alone write there"
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


def probe(path: Path) -> None:
    """Refuse a place where a ledger would not be safe.

    Raises:
        LedgerUnavailable: It is on a network filesystem.
        SettingsRefused: It is relative to a folder that is not there any more.
    """
    import psutil

    path = absolute(path)
    try:
        mounts = [(mount.mountpoint, mount.fstype) for mount in psutil.disk_partitions(all=True)]
    except OSError:  # a container without /proc: nobody can say
        return
    # Links followed, for a local folder may be one to a folder on another machine.
    kind = _network_filesystem(Path(os.path.realpath(path)), mounts)
    if kind:
        raise LedgerUnavailable(
            f"the ledger {path} is on a network filesystem ({kind}), where its write-ahead log"
            " can be corrupted; give a path on a local disk with --ledger"
        )


def _network_filesystem(path: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """The kind of network filesystem that a path is on, or ""."""
    covering = [
        (len(Path(point).parts), kind) for point, kind in mounts if path.is_relative_to(point)
    ]
    # The later of two mounts on one point hides the earlier; max keeps the first, so reverse.
    _, kind = max(reversed(covering), default=(0, ""), key=lambda mount: mount[0])
    return kind if kind in _NETWORK_FILESYSTEMS else ""
