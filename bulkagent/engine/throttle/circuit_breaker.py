"""When an upstream is left alone, and when it is asked again: a circuit breaker.

Time and randomness are arguments.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from bulkagent.model import Health


class BreakerState(enum.Enum):
    """The states of the breaker, by what it lets through."""

    CLOSED = "closed"  # everything
    OPEN = "open"  # nothing, for the length of a pause
    HALF_OPEN = "half-open"  # one probe at a time


class BreakerEvent(enum.Enum):
    """The events of a breaker; the last four happen to a probe."""

    TRIPPED = "tripped"  # too much went wrong
    PAUSED = "paused"  # the pause is over
    GOOD = "good"
    UNWELL = "unwell"
    UNCLEAR = "unclear"  # it was answered, but that says nothing of the upstream
    UNSENT = "unsent"  # it came to nothing before anybody was asked


TRANSITIONS: Mapping[tuple[BreakerState, BreakerEvent], BreakerState] = MappingProxyType(
    {
        (BreakerState.CLOSED, BreakerEvent.TRIPPED): BreakerState.OPEN,
        (BreakerState.OPEN, BreakerEvent.PAUSED): BreakerState.HALF_OPEN,
        (BreakerState.HALF_OPEN, BreakerEvent.GOOD): BreakerState.CLOSED,
        (BreakerState.HALF_OPEN, BreakerEvent.UNWELL): BreakerState.OPEN,
        # The same pause again: probing an upstream that says 429 without one would push it.
        (BreakerState.HALF_OPEN, BreakerEvent.UNCLEAR): BreakerState.OPEN,
        (BreakerState.HALF_OPEN, BreakerEvent.UNSENT): BreakerState.HALF_OPEN,
    }
)
"""All that a breaker can do. Nothing else happens in any state."""


class TripPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When it trips, and how long the pauses are."""

    in_a_row: int = 10
    """Unwell ends without a good one between, at least 1. Where one attempt in ten fails by chance
    they come once in 10^10, and an outage is known after ten."""
    half_of: int = 50
    """Of as many of the latest ends, good and unwell, half being unwell is enough: where one of a
    pair behind a load balancer is gone, ten in a row are rare."""
    base_s: float = 0.5
    """The first pause, which is also the window of the first retry: a hiccup costs no more."""
    cap_s: float = 15.0
    """The longest pause: an upstream that is back is noticed within it. Five minutes still hold
    more than twenty probes, so that giving up is never the bad luck of one."""


class Yes(msgspec.Struct, frozen=True, gc=False):
    """An attempt may start."""

    probe: bool
    """Whether it would be the one probe of a half-open breaker."""


class Wait(msgspec.Struct, frozen=True, gc=False):
    """Nothing may start before as many seconds have passed."""

    seconds: float


class Probing(msgspec.Struct, frozen=True, gc=False):
    """Nothing may start before the probe in flight has ended, however long that takes."""


Judgement = Yes | Wait | Probing

_ANY = Yes(probe=False)
_ONE = Yes(probe=True)
_PROBING = Probing()

# Timers may fire a hair early; a caller that asks again then is not sent round in circles.
_STEP_S = 0.001

# Each probe's event, by what its end says.
_OF_PROBE: Mapping[Health, BreakerEvent] = MappingProxyType(
    {
        Health.GOOD: BreakerEvent.GOOD,
        Health.UNWELL: BreakerEvent.UNWELL,
        Health.NEUTRAL: BreakerEvent.UNCLEAR,
    }
)


class CircuitBreaker:
    """The breaker of one upstream (M. Nygard, "Release It!", 2007, names the states).

    Ask `may_dispatch`; at a Yes call `dispatch` before anything is awaited, and give what it
    returned to `record` when the attempt has ended, or to `withdraw` when there was none.

    What was sent before a trip and comes back after it is *late*. It is evidence of then, so it
    moves no state: a late timeout after the probe's good answer would trip the breaker again for
    an outage that is over, and a late good answer would undo at once the trip of an upstream that
    fails every second one. But an answer is an answer: a late good one ends the down-time, since
    a gateway that answered now is not gone, and the probe is left to find out whether it is well.

    Args:
        random: Numbers from 0 up to 1, for the jitter.
        policy: When it trips, and how long the pauses are.
        answered: Whether it is known to have answered before.
    """

    __slots__ = (
        "_down_since",
        "_generation",
        "_in_a_row",
        "_latest",
        "_pauses",
        "_policy",
        "_probing",
        "_random",
        "_state",
        "_until",
        "answered",
    )

    def __init__(
        self,
        random: Callable[[], float],
        policy: TripPolicy | None = None,
        *,
        answered: bool = False,
    ) -> None:
        self._policy = policy or TripPolicy()
        self._random = random
        self._state = BreakerState.CLOSED
        self._generation = (
            0  # how often it opened; whatever was dispatched in an earlier one is late
        )
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=self._policy.half_of)  # True: unwell
        self._pauses = 0  # since it was last known to be well; each is longer
        self._until = -math.inf
        self._probing = False
        self._down_since: float | None = None
        self.answered = answered
        """Whether it ever answered."""

    def __repr__(self) -> str:
        down = "" if self._down_since is None else f", down since {self._down_since:.1f}"
        opened = f", until {self._until:.1f}" if self._state is BreakerState.OPEN else ""
        return (
            f"<CircuitBreaker {self._state.value}{', probing' if self._probing else ''}{opened}:"
            f" {self._in_a_row} unwell in a row, {sum(self._latest)} of the last"
            f" {len(self._latest)}, opened {self._generation} times{down}>"
        )

    @property
    def state(self) -> BreakerState:
        """The state as of the latest call; only `may_dispatch` notices that a pause is over."""
        return self._state

    @property
    def probing(self) -> bool:
        """Whether a probe is in flight."""
        return self._probing

    @property
    def opened(self) -> int:
        """How often it opened, again after a probe included."""
        return self._generation

    def may_dispatch(self, now: float) -> Judgement:
        """Whether an attempt may start now. Times are seconds of one clock that never goes back."""
        if self._state is BreakerState.OPEN:
            if now < self._until:
                return Wait(max(_STEP_S, self._until - now))
            self._move(BreakerEvent.PAUSED, now)
        if self._state is BreakerState.CLOSED:
            return _ANY
        return _PROBING if self._probing else _ONE

    def dispatch(self, now: float) -> int:
        """An attempt is about to start; in half-open it is the probe.

        Returns:
            What `record` and `withdraw` want to know it by.

        Raises:
            RuntimeError: It may not start, which is a defect of the caller.
        """
        if self._state is BreakerState.CLOSED:
            return self._generation
        match self.may_dispatch(now):
            case Yes(probe):
                self._probing = probe
            case verdict:
                raise RuntimeError(f"dispatched against {verdict}: {self!r}")
        return self._generation

    def withdraw(self, generation: int, now: float) -> None:
        """What was to be dispatched was not: there was nothing left to send."""
        if self._is_probe(generation):
            self._move(BreakerEvent.UNSENT, now)

    def record(
        self,
        health: Health,
        now: float,
        *,
        generation: int,
        answered: bool,
        turned_away: bool = False,
    ) -> None:
        """Take note of how an attempt ended.

        Args:
            health: What its end says of the upstream.
            now: When it ended, in seconds.
            generation: What `dispatch` returned for it.
            answered: Whether somebody answered, be it a 429 or that the upstream is switching
                over. It ends no down-time, but tells an upstream that is there from one that is
                not, for which giving up comes sooner.
            turned_away: Whether it asked to be left alone (429). That opens nothing, but who gives
                nothing else for as long as it takes is of no use to anybody.
        """
        self.answered |= answered
        if health is Health.GOOD:
            self._down_since = None
        elif (
            (health is Health.UNWELL or turned_away)
            and self._down_since is None
            and generation == self._generation
        ):
            self._down_since = now
        if self._is_probe(generation):
            unsent = health is Health.NEUTRAL and not answered
            self._move(BreakerEvent.UNSENT if unsent else _OF_PROBE[health], now)
        elif (
            self._state is BreakerState.CLOSED
            and generation == self._generation
            and health is not Health.NEUTRAL
        ):
            self._count(unwell=health is Health.UNWELL)
            # A good end among good ones cannot be too much, and is nearly every one.
            if (self._in_a_row or self._pauses) and self._too_much():
                self._move(BreakerEvent.TRIPPED, now)

    def down_s(self, now: float) -> float:
        """Seconds from the first unwell end after the last good answer; 0 where there is none.

        It ends with a good answer and with nothing else. A 429 begins it and does not end it: it
        may be a load balancer's, and an upstream that gives nothing else for minutes is of no use
        to anybody. A pause or a failed probe does not start it anew.
        """
        return 0.0 if self._down_since is None else now - self._down_since

    def give_up_in(self, now: float, after_s: float, never_answered_after_s: float) -> float:
        """Seconds until it is to be given up, should nothing change; infinity while it is well.

        Args:
            now: The time, in seconds.
            after_s: Down-time that is enough.
            never_answered_after_s: What is enough where it never gave any answer, which means a
                wrong address more often than an outage; `after_s`, where that is shorter.
        """
        if self._down_since is None:
            return math.inf
        enough_s = after_s if self.answered else min(after_s, never_answered_after_s)
        left_s = self._down_since + enough_s - now
        return max(_STEP_S, left_s) if left_s > 0 else 0.0

    def give_up(
        self, now: float, after_s: float = 300.0, never_answered_after_s: float = 30.0
    ) -> bool:
        """Whether it was down for long enough; the arguments are those of `give_up_in`."""
        return self.give_up_in(now, after_s, never_answered_after_s) <= 0.0

    def _is_probe(self, generation: int) -> bool:
        return self._probing and generation == self._generation

    def _count(self, *, unwell: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if unwell else 0
        self._latest.append(unwell)

    def _too_much(self) -> bool:
        if self._in_a_row >= self._policy.in_a_row:
            return True
        if 2 * sum(self._latest) >= self._policy.half_of:
            return True
        # One good probe is no proof of health: as long as an upstream that came back trips again
        # at once, the pauses go on growing. A full count without a trip is the proof.
        if len(self._latest) == self._policy.half_of:
            self._pauses = 0
        return False

    def _move(self, event: BreakerEvent, now: float) -> None:
        self._state = TRANSITIONS[self._state, event]
        if self._state is BreakerState.OPEN:
            self._open(now, longer=event is not BreakerEvent.UNCLEAR)
        self._probing = False

    def _open(self, now: float, *, longer: bool) -> None:
        self._generation += 1
        self._in_a_row = 0
        self._latest.clear()
        self._pauses += longer
        # Beyond 2**60 it is the cap anyway, and a float would overflow.
        window_s = min(self._policy.cap_s, self._policy.base_s * 2.0 ** min(self._pauses - 1, 60))
        # Half of it is certain, since an open breaker that does not pause is none; the other half
        # is spread, so that several runs that lost one gateway together do not probe it together
        # ("equal jitter" in Brooker, "Exponential Backoff And Jitter", 2015).
        self._until = now + window_s * (1.0 + self._random()) / 2.0
