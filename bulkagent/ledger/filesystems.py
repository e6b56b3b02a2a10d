"""Which kinds of file system a ledger may be on.

Write-ahead logging needs memory shared by all who have the file open, and locks that hold among
them, which network filesystems do not give across machines (sqlite.org/wal.html, "All processes ...
must be on the same host").
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import mmap
import subprocess
import sys
import tempfile
from pathlib import Path


class FileSystemKind(enum.Enum):
    """The kinds of file systems, as far as they matter to a ledger."""

    LOCAL = "local"
    NETWORK = "network"
    """Others may have the same files open on another machine, or outside a virtual one."""
    UNKNOWN = "unknown"
    """It is served by some program, so it may be either."""


_NETWORK = frozenset(
    """
    9p acfs afpfs afs aufs.nfs auristorfs beegfs beegfs_nodev ceph cifs coda davfs drvfs fakeowner
    fhgfs gfs gfs2 glusterfs gpfs grpcfuse lustre mfs moosefs ncpfs nfs nfs3 nfs4 ocfs2 openafs
    orangefs osxfs panfs prl_fs pvfs2 shfs smb smb2 smb3 smbfs vboxsf virtiofs vmhgfs webdav wekafs
    """.split()  # noqa: SIM905 - reads better than fifty quoted words
)

# What stands behind `fuse.`; of several spellings that are met, all.
_FUSE_NETWORK = frozenset(
    """
    9pfs alluxio-fuse blobfuse blobfuse2 ceph ceph-fuse curlftpfs cvmfs2 davfs davfs2 dfs fuse_dfs
    gcsfuse gluster glusterfs goofys grpcfuse hdfs juicefs jfs jmtpfs lizardfs lustre mfs mfsmount
    moosefs mount_ofs nfs onedriver osxfs ossfs quobyte rclone s3backer s3fs s3ql saunafs seaweedfs
    shfs smb smbnetfs sshfs tahoe vmhgfs-fuse vmware-vmblock weed weed-mount xtreemfs
    """.split()  # noqa: SIM905 - the same
)

_FUSE_LOCAL = frozenset({"bindfs", "encfs", "fuse-overlayfs", "gocryptfs", "lxcfs", "ntfs-3g"})


def kind_of(name: str) -> FileSystemKind:
    """What is known of a file system by the name that a table of mounts has for it."""
    kind = name.lower()
    family, dot, program = kind.partition(".")
    if kind in _NETWORK or (dot and family == "fuse" and program in _FUSE_NETWORK | _NETWORK):
        return FileSystemKind.NETWORK
    if family == "fuse" and program not in _FUSE_LOCAL:
        return FileSystemKind.UNKNOWN
    return FileSystemKind.LOCAL


def shares_memory(folder: Path) -> bool:
    """Whether two processes that map a file in a folder see what the other one writes.

    And whether a lock that one has keeps the other out. It makes a file for that, and takes it
    away again; another process is started.
    """
    with (
        contextlib.suppress(OSError, ValueError, subprocess.SubprocessError),
        tempfile.NamedTemporaryFile(dir=folder, prefix=".bulkagent-", suffix=".tmp") as file,
    ):
        file.write(bytes(mmap.PAGESIZE))
        file.flush()
        with mmap.mmap(file.fileno(), mmap.PAGESIZE) as memory:
            memory[0] = _OURS
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            done = subprocess.run(  # noqa: S603 - this module's own text, by this interpreter
                [sys.executable, "-I", "-c", _OTHER, file.name],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE_S,
                check=False,
            )
            return done.returncode == 0 and memory[1] == _THEIRS
    return False


_OURS, _THEIRS = 1, 2
_PATIENCE_S = 20.0

_OTHER = f"""
import fcntl, mmap, sys
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), mmap.PAGESIZE) as memory:
    if memory[0] != {_OURS}:
        sys.exit(1)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        memory[1] = {_THEIRS}
"""
