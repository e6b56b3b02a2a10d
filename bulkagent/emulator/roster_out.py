"""A roster for the emulated gateway: the file that a desktop application would export."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from bulkagent.files.atomic_file import replacing


def write_roster(
    path: Path,
    rows: Iterable[tuple[str, ...]],
    columns: tuple[str, ...] = ("agent_id", "guid"),
) -> int:
    """Write a roster of agent IDs and what goes with them, and say how many rows it has.

    GUIDs are bearer credentials, those of an emulated gateway too: habits form on examples.

    A file that is there already is replaced, and only its owner may read it from then on. A pipe
    or a device is written to as it is.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path, private=True) as out:
        text = io.TextIOWrapper(out, encoding="utf-8", newline="")
        try:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            written = 0
            for row in rows:
                writer.writerow(row)
                written += 1
        finally:
            text.detach()  # which writes what is left, and leaves the file open
    return written
