"""For how long the limits of a gateway were shared with other commands.

Time is an argument.
"""

from __future__ import annotations

import msgspec

from bulkagent.run.sharing.division import SharedPart


class LimitsShared(msgspec.Struct, frozen=True):
    """That other commands had a part of a gateway's limits."""

    gateway: str
    others: int
    """How many commands they were at the most."""
    seconds: float


class SharedTime:
    """Adds up the time for which others had a part of one gateway's limits."""

    def __init__(self) -> None:
        self._commands = 1
        self._had_less = False
        self._since: float | None = None
        self._before_s = 0.0

    def add(self, shared: SharedPart, now: float) -> None:
        """What is left from this second on."""
        if self._since is not None:
            self._before_s += now - self._since
            self._since = None
        if shared.commands == 1:
            return
        self._since = now
        self._commands = max(self._commands, shared.commands)
        # It is paused only for a moment, until the others have given way.
        self._had_less = self._had_less or not shared.part.paused

    def total(self, gateway: str, now: float) -> LimitsShared | None:
        """All of it; None where nothing was ever shared.

        Args:
            gateway: The gateway that has the limits.
            now: The time in seconds.
        """
        if not self._had_less:
            return None
        seconds = self._before_s + (0.0 if self._since is None else now - self._since)
        return LimitsShared(gateway, self._commands - 1, seconds)
