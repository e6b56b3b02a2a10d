"""What a folder holds, for tests that ask what is left behind.

What may live here: looking at folders. What this module must not know: what should be in them.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["names_in"]


def names_in(folder: Path) -> list[str]:
    """The names of everything in the folder, sorted."""
    return sorted(path.name for path in folder.iterdir())
