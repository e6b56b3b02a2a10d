"""How much a command shows while it is at work.

What may live here: the choices. What this room must not know: how any of them is drawn.
"""

from __future__ import annotations

import enum

__all__ = ["Showing"]


class Showing(enum.StrEnum):
    """How the progress of a run is shown."""

    BAR = "bar"
    """Drawn anew on a terminal; elsewhere, and on a dumb one, as `PLAIN`."""
    PLAIN = "plain"
    """A dated line now and then."""
    NONE = "none"
