"""Waking those who wait for something to change.

What may live here: the bell. What this room must not know: what changes, and who waits for it.
"""

from __future__ import annotations

import anyio

__all__ = ["Bell"]


class Bell:
    """Wakes all who wait; each of them looks again for what it waits for."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: anyio.Event | None = None  # there is one only while somebody waits

    def ring(self) -> None:
        """Wake everybody who waits at this moment."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Wait for the next ring."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()
