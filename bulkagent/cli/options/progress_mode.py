"""How much a command shows while it is at work."""

from __future__ import annotations

import enum


class Showing(enum.StrEnum):
    """How the progress of a run is shown."""

    BAR = "bar"
    """Drawn anew on a terminal; elsewhere, and on a dumb one, as `PLAIN`."""
    PLAIN = "plain"
    """A dated line now and then."""
    NONE = "none"
