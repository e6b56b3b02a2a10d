"""How long ago this process was started, before anything of it was imported."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STARTED = 19  # of the fields after the name, in ticks since the machine was started
_LONGEST_S = 3600.0  # more than that no command takes to come here: the clocks are not one


def age_s() -> float:
    """Seconds since the process was started; 0 where the machine does not say."""
    try:
        # The name may have blanks and brackets of its own.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
        ticks = int(fields.rpartition(")")[2].split()[_STARTED])
        started = (ticks + 1) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0
    return age if 0.0 <= age <= _LONGEST_S else 0.0
