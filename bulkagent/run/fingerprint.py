"""Whether two rosters name the same gateways, agents and flags.

What may live here: the fingerprint. What this room must not know: GUIDs, and every other column,
which may be new each time.
"""

from __future__ import annotations

import hashlib

__all__ = ["Fingerprint"]

_BATCH = 1_000


class Fingerprint:
    """SHA-256 over gateway, agent and arguments of every row, in the order of the roster.

    Defaults count as if each row had named them, so that the same file for another gateway or
    with another flag is another roster.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._texts: list[str] = []

    def add(self, row: int, gateway: str, agent_id: str, arguments: str) -> None:
        """Take one row in, valid or not."""
        # Cells have no line breaks left, and quotes keep a separator within a cell apart.
        self._texts.append(f"{row},{gateway!r},{agent_id!r},{arguments}\n")
        if len(self._texts) >= _BATCH:
            self._take_in()

    def hexdigest(self) -> str:
        """The fingerprint of the rows so far."""
        self._take_in()
        return self._hash.hexdigest()

    def _take_in(self) -> None:
        self._hash.update("".join(self._texts).encode("utf-8", "backslashreplace"))
        self._texts.clear()
