"""Requests that were given up and that an upstream may still be at work on.

Time is an argument.

An upstream does not stop because its client hung up. So a request that is given up before a whole
answer came goes on using what it uses there, and counts as in flight until it surely is over, or
for twice as long as anybody waits for an answer.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable

AT_LEAST_S = 1.0
"""An upstream that has answered little or nothing so far is not taken to be any quicker."""


def held_s(longest_s: float, timeout_s: float, *, overdue: bool) -> float:
    """For how long after it was sent a request counts whose connection ended without an answer.

    Args:
        longest_s: The longest that the upstream took for any whole answer, in seconds.
        timeout_s: Seconds after which a request is overdue.
        overdue: Whether this one was, which says that answers may take longer than any that came.
    """
    most_s = 2.0 * timeout_s
    return most_s if overdue else min(most_s, max(AT_LEAST_S, longest_s))


class Flight:
    """One attempt under way.

    Args:
        generation: What the breaker knows it by.
        began: When it began, in seconds.
        late: Told of this flight, once, when its answer is overdue.
    """

    __slots__ = ("_late", "began", "generation", "is_overdue", "sent")

    def __init__(self, generation: int, began: float, late: Callable[[Flight], None]) -> None:
        self.generation = generation
        self.began = began
        self.sent = began
        """When its request left, as far as is known: what it needs may have taken time before."""
        self._late = late
        self.is_overdue = False

    def overdue(self) -> None:
        """No whole answer has come in time; the attempt goes on until one does, or to its end."""
        self.is_overdue = True
        self._late(self)


class LingeringRequests:
    """The requests of one upstream that linger.

    Args:
        timeout_s: Seconds after which a request is overdue; none lingers beyond twice that. 0: no
            request ever lingers.
        carried: When those began, in seconds, that others left behind: an earlier leg, or another
            process. Nobody here will hear of their end.
        waits_out_resets: Whether a request counts on after its connection has ended.
    """

    __slots__ = ("_began", "_carried", "_waits_out_resets", "longest_s", "timeout_s")

    def __init__(
        self, timeout_s: float, carried: Iterable[float] = (), *, waits_out_resets: bool = True
    ) -> None:
        self.timeout_s = timeout_s
        self._waits_out_resets = waits_out_resets
        self.longest_s = 0.0
        """The longest that any whole answer took."""
        self._began: dict[Flight, float] = {}
        self._carried = tuple(sorted(carried))

    def __repr__(self) -> str:
        return f"<LingeringRequests: {len(self._began)} and {len(self._carried)} of others>"

    def __len__(self) -> int:
        return len(self._began)

    def __contains__(self, flight: Flight) -> bool:
        return flight in self._began

    def add(self, flight: Flight) -> None:
        """This one is counted on no more."""
        self._began[flight] = flight.began

    def remove(self, flight: Flight) -> None:
        """It is surely over, or may be taken to be."""
        self._began.pop(flight, None)

    def leave(self, flight: Flight) -> None:
        """Nobody here waits for the end of this one any more: it counts as others' do."""
        if self._began.pop(flight, None) is not None:
            self._carried = tuple(sorted((*self._carried, self._as_carried(flight))))

    def _as_carried(self, flight: Flight) -> float:
        # As if it had begun so much earlier that it is over at its own time.
        return self.until(flight) - 2.0 * self.timeout_s

    def hold(self, flight: Flight, now: float) -> None:
        """Its connection ended without a whole answer: it counts until that may be taken."""
        if self._waits_out_resets and self.until(flight) > now:
            self._began[flight] = flight.sent

    def until(self, flight: Flight) -> float:
        """Until when a flight counts whose connection ended without a whole answer."""
        hold_s = held_s(self.longest_s, self.timeout_s, overdue=flight.is_overdue)
        return flight.sent + hold_s

    def carried(self, now: float) -> int:
        """How many there are that others left."""
        return len(self._left(now)) if self._carried else 0

    def _left(self, now: float) -> tuple[float, ...]:
        over = now - 2.0 * self.timeout_s
        return self._carried[bisect.bisect_right(self._carried, over) :]

    def probe_at(self, now: float) -> float:
        """From when on none of them is younger than the time-out; minus infinity: there is none.

        Those are given up for all that can be known of the upstream; one that is younger may be
        about to be answered, which would say more than a probe.
        """
        began = (*self._began.values(), *self._left(now))
        return max(began, default=-math.inf) + self.timeout_s

    def next_over(self, now: float) -> float:
        """When the next one is over that others left; infinity: there is none."""
        return min(self._left(now), default=math.inf) + 2.0 * self.timeout_s

    def follow(self, earlier: LingeringRequests) -> None:
        """Take over what another one knows of the same upstream, whose flights are at an end."""
        self.longest_s = max(self.longest_s, earlier.longest_s)
        held = (earlier._as_carried(flight) for flight in earlier._began)
        self._carried = tuple(sorted((*self._carried, *earlier._carried, *held)))
