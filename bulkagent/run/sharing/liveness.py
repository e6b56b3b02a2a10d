"""Which of the commands that have a share are still at work.

Time is an argument.

A lock tells a dead command from one that lives, whatever any clock says. One that lives and is
stopped (SIGSTOP, a machine that has no time for it) is told by its silence, by this machine's
seconds since it was last seen to do anything. It must not send any more by then, which it sees to
itself: see `FENCE_S`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from bulkagent.ledger import Share

FENCE_S = 3.0
"""A command that has not been able to write for so long sends nothing until it has."""
SILENT_S = 5.0
"""One that was not seen to write for so long has no share; above `FENCE_S`, because it may have
written a moment before it was looked at, and must be the first to know."""
DYING_S = 2.5
"""For so long the share of a command that is dead is nobody's: a gateway goes on working at the
requests of a client that is gone."""
LONG_DEAD_MS = 10_000
"""By the time of day: nothing of a command that last wrote so long ago is worked at any more."""


class OtherShares(msgspec.Struct, frozen=True):
    """The shares of other commands, by whether they count."""

    silent: frozenset[int]
    """Numbers of those that do not count for now, and may come back."""
    gone: frozenset[int]
    """Numbers of those whose commands are dead, and nothing of them is in flight."""
    dying: bool
    """Whether there are some that will soon be gone."""


class Liveness:
    """When the shares of other commands were last seen to change."""

    def __init__(self) -> None:
        self._beats: dict[int, tuple[int, float]] = {}
        self._dead: dict[int, float] = {}

    def look(
        self, shares: Iterable[Share], at_work: Mapping[str, bool], *, now: float, now_ms: int
    ) -> OtherShares:
        """Judge the shares of others.

        Args:
            shares: All there are of them.
            at_work: Of each run, whether its process lives.
            now: The time in seconds, of a clock that never steps.
            now_ms: Time of day.
        """
        silent: set[int] = set()
        gone: set[int] = set()
        dying = False
        for share in shares:
            beat, since = self._beats.get(share.share, (None, now))
            if beat != share.beat_at:
                since = now
                self._beats[share.share] = (share.beat_at, since)
            if at_work[share.run_id]:
                if now - since >= SILENT_S:
                    silent.add(share.share)
            elif self._is_gone(share, now, now_ms):
                gone.add(share.share)
            else:
                dying = True
        return OtherShares(frozenset(silent), frozenset(gone), dying)

    def _is_gone(self, share: Share, now: float, now_ms: int) -> bool:
        died = self._dead.setdefault(share.share, now)
        return not share.allowed or now - died >= DYING_S or now_ms - share.beat_at > LONG_DEAD_MS
