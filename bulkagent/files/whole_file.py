"""Reading a file that others write, whole, without waiting for any of them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST = 1 << 28
"""In bytes: four times what the sessions of a million agents take."""


def read_whole(path: Path) -> tuple[bytes, os.stat_result]:
    """What is in a file, and what was known of the file before it was read.

    What is written meanwhile makes another state of it, so that it is seen to have changed.

    Raises:
        OSError: It is not there, no file, too large, or cannot be read.
    """
    # Opening a pipe that nobody writes to would wait for somebody.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "It is not a file")
        if status.st_size > LARGEST:
            raise OSError(errno.EFBIG, "It is larger than such a file can be")
        return file.read(), status
