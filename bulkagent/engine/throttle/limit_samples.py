"""Samples of a limit, and the window that they make.

Time is an argument.

The three verdicts that a sample can have are those of `LimitSignal`.
"""

from __future__ import annotations

import math

import msgspec

from bulkagent.model import LimitSignal

TOLERATED = 0.02
"""The share of drops that is taken for chance (the loss threshold of BBRv2); without it one 503 in
a hundred, which no limit can avoid, would hold the limit near its lower bound."""
SAMPLES = 20
"""Ends in a window at least: the median of fewer is luck where in flight are few."""
SURE = 0.05
"""The standard error of a median, as a share of it, that is good enough: half of the tenth by
which longer round trips mean a queue. Until then, and while drops are too few to tell them from
`TOLERATED`, a window doubles in length, but not beyond `LONGEST`."""
LONGEST = 8
"""Times as long as the shortest. Round trips that scatter more than that allows for are judged by
their error: the limit then moves less readily."""
SIGMAS = 2.0
"""Standard errors by which a round trip must stand out; by chance one window in forty does."""

# The standard error of a median is 1.25 standard deviations by the root of the number, and a
# standard deviation is the interquartile range by 1.35, where values are roughly normal.
_ERROR = 1.25 / 1.35


class SampleWindow(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What was observed of one limit, once it had taken effect."""

    seconds: float
    samples: int
    """Answers that teach a round trip."""
    drops: int = 0
    """Drops of attempts that began after the latest cut; those before it speak of that limit."""
    median_s: float = 0.0
    """The median round trip, in seconds; 0 where there are no samples."""
    error_s: float = 0.0
    """Its standard error."""
    per_second: float = 0.0
    """Goodput by Little's law: in flight, less what was dropped beyond `TOLERATED`, by round trip.
    Counting answers would blame the limit for errors, which say nothing of load."""
    in_flight: float = 0.0
    """The mean."""
    busy: float = 0.0
    """For what share of it, 0 to 1, the client's own loop was busy."""

    @property
    def at_least_s(self) -> float:
        """The least that the usual round trip may be, for all that chance can do."""
        return self.median_s - SIGMAS * self.error_s

    @property
    def at_most_s(self) -> float:
        """The most that it may be, for all that chance can do."""
        return self.median_s + SIGMAS * self.error_s

    @property
    def is_sure(self) -> bool:
        """Whether it is long enough to tell a queue, and drops, from chance."""
        ends = self.samples + self.drops
        if self.drops and TOLERATED * ends < 1.0:
            return False
        return self.error_s <= SURE * self.median_s


class LimitSamples:
    """Collects samples and closes a window when it can be judged.

    A window is whole round trips: the first, in which a new limit takes effect, is not counted;
    then as many as give samples for the limit in force, at least `SAMPLES`. A round trip is over
    when an attempt that began in it is back, which needs no idea of how long one takes. If more
    were in flight in the first than ever before, what comes back in the second is not counted
    either: connections had to be opened for it, whose handshakes would look like a queue.

    Args:
        limit: The limit in force.
        now: The time in seconds, as everywhere here.
        busy_s: Seconds for which the client's loop has been busy so far, by any counter that only
            grows (as `time.thread_time`); of the differences comes a window's share.
    """

    __slots__ = (
        "_area",
        "_busy_s",
        "_cut_at",
        "_drops",
        "_in_flight",
        "_limit",
        "_most",
        "_opening",
        "_round_since",
        "_round_trips_s",
        "_seen",
        "_settled",
        "_since",
        "_wanted",
    )

    def __init__(self, limit: int, now: float, busy_s: float = 0.0) -> None:
        self._limit = limit
        self._settled = False
        self._drops = 0
        self._wanted = SAMPLES
        self._in_flight = self._most = 0
        self._opening = False  # connections, in this round trip
        self._cut_at = -math.inf
        self._open(now, busy_s)

    def __repr__(self) -> str:
        return (
            f"<LimitSamples at {self._limit}: {len(self._round_trips_s)} samples"
            f", {self._drops} drops, {self._in_flight} in flight>"
        )

    def adopt(self, limit: int, now: float, busy_s: float = 0.0) -> None:
        """Another limit is in force, or the same after a pause: what was observed is void."""
        if limit < self._limit:
            self._cut_at = now
        self._limit = limit
        self._open(now, busy_s)

    def began(self, now: float) -> None:
        """An attempt is sent."""
        self._add_up(now)
        self._in_flight += 1
        if self._in_flight > self._most:
            self._most = self._in_flight
            self._opening = True

    def ended(
        self, signal: LimitSignal, began: float, now: float, busy_s: float = 0.0
    ) -> SampleWindow | None:
        """An attempt that was sent at `began` ended; perhaps a window is over with it."""
        self._add_up(now)
        self._in_flight -= 1
        if signal is LimitSignal.DROPPED and began >= self._cut_at:
            self._drops += 1
        if signal is LimitSignal.SUCCESS and self._settled:
            self._round_trips_s.append(now - began)
        if signal is LimitSignal.IGNORE or began < self._round_since:
            return None
        return self._turn(now, busy_s)

    def _turn(self, now: float, busy_s: float) -> SampleWindow | None:
        """A round trip is over."""
        if self._opening and not self._settled:
            self._opening = False
        elif not self._settled:
            self._settled = True
            self._since = now
            self._busy_s = busy_s
            self._area = 0.0
        elif len(self._round_trips_s) + self._drops >= self._wanted:
            window = self._close(now, busy_s)
            longest = LONGEST * max(SAMPLES, self._limit)
            if self._wanted < longest and not window.is_sure:
                self._wanted *= 2
            else:
                self._open(now, busy_s)
                self._settled = True  # until another limit is adopted
                return window
        self._round_since = now
        return None

    def _open(self, now: float, busy_s: float) -> None:
        self._settled = self._opening = False
        self._since = self._round_since = self._seen = now
        self._busy_s = busy_s
        self._area = 0.0
        self._drops = 0
        self._wanted = max(SAMPLES, self._limit)
        self._round_trips_s: list[float] = []

    def _add_up(self, now: float) -> None:
        """Add up for how long how many were in flight."""
        self._area += self._in_flight * (now - self._seen)
        self._seen = now

    def _close(self, now: float, busy_s: float) -> SampleWindow:
        times = sorted(self._round_trips_s)
        count = len(times)
        seconds = max(now - self._since, 1e-9)
        in_flight = self._area / seconds
        median_s = times[count // 2] if times else 0.0
        between_s = times[count * 3 // 4] - times[count // 4] if times else 0.0
        lost = self._drops / (count + self._drops)
        answered = in_flight * (1.0 - lost) if lost > TOLERATED else in_flight
        return SampleWindow(
            seconds=seconds,
            samples=count,
            drops=self._drops,
            median_s=median_s,
            error_s=_ERROR * between_s / math.sqrt(max(1, count)),
            per_second=answered / median_s if median_s else 0.0,
            in_flight=in_flight,
            busy=min(1.0, (busy_s - self._busy_s) / seconds),
        )
