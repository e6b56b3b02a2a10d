"""An item whose story had ended and is opened again.

What may live here: what the engine has to know of one. What this room must not know: why its end
cannot be relied on, and how it is handed out again.
"""

from __future__ import annotations

import msgspec

__all__ = ["Reopened"]


class Reopened(msgspec.Struct, frozen=True, gc=False):
    """One of them."""

    lane: int
    """As one of which it is handed out again."""
    applied: bool
    """Whether it was counted as applied."""
    aside: bool
    """Whether it was counted as not applied for a reason of its own."""
