"""Waiting for what another process, thread or task does, however busy the machine is.

The bound is there for hangs alone: nothing that works meets it, and no test may fail because
something took long. A test that waits for time itself has a clock of its own; see jumping.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["HANG_S", "until"]

HANG_S = 600.0


def until(true: Callable[[], object]) -> None:
    """Wait for another process, looking again and again."""
    limit = time.monotonic() + HANG_S
    while not true():
        assert time.monotonic() < limit, "it hangs"
        time.sleep(0.02)
