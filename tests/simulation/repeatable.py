"""The same seed gives the same bytes: in each process sets of text have one and the same order."""

from __future__ import annotations

import os
import sys

_HASH_SEED = "PYTHONHASHSEED"


def repeat_with_fixed_hashes(module: str) -> None:
    """Begin this command, `python -m MODULE ...`, anew where hashes differ from run to run."""
    if os.environ.get(_HASH_SEED) != "0":
        again = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, _HASH_SEED: "0"})
