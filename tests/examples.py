"""How many examples a property is tried with: fewer in the inner loop than where time is plenty.

`BULKAGENT_TEST_EXAMPLES=all` has all of them, as `.ci/run` has; those of the inner loop are others
each time, so that they are all tried before long.
"""

from __future__ import annotations

import os

__all__ = ["examples"]

_ALL = os.environ.get("BULKAGENT_TEST_EXAMPLES") == "all"
_SHARE, _LEAST = 4, 10


def examples(number: int) -> int:
    """So many where all are wanted; else a quarter of them, but ten at least."""
    return number if _ALL else max(min(number, _LEAST), number // _SHARE)
