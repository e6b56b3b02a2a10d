"""A roster for the emulated gateway: the file that a desktop application would export.

What may live here: writing rows. What this module must not know: how the GUIDs came about, or
who reads the file.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["write_roster"]

OWNER_ONLY = 0o600
"""GUIDs are bearer credentials, those of an emulated gateway too: habits form on examples."""


def write_roster(
    path: Path,
    rows: Iterable[tuple[str, ...]],
    columns: tuple[str, ...] = ("agent_id", "guid"),
) -> int:
    """Write a roster of agent IDs and what goes with them, and say how many rows it has.

    A file that is there already is replaced, and only its owner may read it from then on.

    Raises:
        OSError: it cannot be written, or `path` is a symbolic link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, OWNER_ONLY), "w", encoding="utf-8", newline="") as file:
        os.fchmod(file.fileno(), OWNER_ONLY)  # the mode above counts for new files only
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        written = 0
        for row in rows:
            writer.writerow(row)
            written += 1
    return written
