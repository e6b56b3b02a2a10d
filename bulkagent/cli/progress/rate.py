"""How fast a run goes, and how long it still takes, by what it did of late.

Time is an argument.

An average since the start would promise the pace of before an outage for the whole of it, and a
gateway that is done would make the others look slow; so each gateway has its own pace, of the last
half minute, and the slowest says when all is done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bulkagent.instants import duration_text

if TYPE_CHECKING:
    from bulkagent.run import GatewayProgress, Progress


_WINDOW_S = 30.0


class Pace:
    """The pace of a run, from what it was like at the moments that it was looked at."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, Mapping[str, int]]] = deque()

    def seen(self, now: float, progress: Progress) -> None:
        """Take note of a moment; `now` is in seconds and never less than before."""
        finished = {gateway.name: gateway.finished for gateway in progress.gateways}
        self._seen.append((now, progress.finished, finished))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _WINDOW_S:  # noqa: PLR2004 - a span
            self._seen.popleft()

    @property
    def per_second(self) -> float:
        """Agents finished a second; 0 where nothing was, or only one moment was seen."""
        if not self._seen:
            return 0.0
        (began, before, _), (ended, after, _) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / (ended - began)) if ended > began else 0.0

    def left_s(self, progress: Progress) -> float | None:
        """Seconds until all have an outcome but those who are waited for to sign in.

        None where nobody can say: somewhere nothing has come to its end of late.
        """
        if not progress.gateways:
            left = progress.agents - progress.finished - progress.awaited
            if left <= 0:
                return 0.0
            return left / self.per_second if self.per_second else None
        longest = 0.0
        for gateway in progress.gateways:
            left = 0 if gateway.ended else gateway.agents - gateway.finished - gateway.awaited
            if left <= 0:
                continue
            rate = self._rate(gateway)
            if not rate:
                return None
            longest = max(longest, left / rate)
        return longest

    def _rate(self, gateway: GatewayProgress) -> float:
        if not self._seen:
            return 0.0
        (began, _, before), (ended, _, after) = self._seen[0], self._seen[-1]
        finished = after.get(gateway.name, 0) - before.get(gateway.name, 0)
        return max(0.0, finished / (ended - began)) if ended > began else 0.0


def outlook(progress: Progress, left_s: float | None) -> str:
    """How long it still takes, or what it waits for, for people; "" where nobody can say."""
    if progress.awaited and progress.awaited >= progress.agents - progress.finished:
        several = "agent" if progress.awaited == 1 else "agents"
        return f"waiting for {progress.awaited:,} {several} to sign in"
    closed = [gateway.name for gateway in progress.gateways if _is_silent(gateway)]
    if left_s is None:
        return f"waiting for {', '.join(closed)} to recover" if closed else ""
    return f"{duration_text(max(1.0, left_s))} left" if left_s else ""


def _is_silent(gateway: GatewayProgress) -> bool:
    return gateway.breaker != "closed" and not gateway.ended
