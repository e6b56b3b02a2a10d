"""For how long the limits of a gateway were shared, and how little was left of them.

Time is an argument.
"""

from __future__ import annotations

import math

from bulkagent.run.sharing.division import LimitPart, SharedPart


class SharedTime:
    """Adds up the time for which others had a part of one gateway's limits."""

    def __init__(self) -> None:
        self._commands = 1
        self._least: LimitPart | None = None
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
        part = shared.part
        if part.paused:  # for a moment, until the others have given way
            return
        least = self._least or part
        self._least = LimitPart(
            min(part.concurrency, least.concurrency), min(part.per_second, least.per_second)
        )

    def told(self, name: str, limit: LimitPart, now: float) -> str:
        """What people should know of it; "" where nothing was ever shared.

        Args:
            name: The gateway.
            limit: What the command was given for itself.
            now: The time in seconds.
        """
        least = self._least
        if least is None:
            return ""
        seconds = self._before_s + (0.0 if self._since is None else now - self._since)
        others = "one other command" if self._commands == 2 else f"{self._commands - 1} others"  # noqa: PLR2004
        rate = ""
        if least.per_second < math.inf:
            of = "" if limit.per_second == math.inf else f" of {limit.per_second:g}"
            rate = f" and {least.per_second:g}{of} a second"
        return (
            f"{name} was shared with {others} on this ledger for {seconds:.0f} s: at the least"
            f" {least.concurrency:,} of {limit.concurrency:,} requests at once{rate} were left"
        )
