"""How many attempts may be in flight, learned from how the upstream bears them.

The upstream says nothing of what it can carry; round trips and answers a second do, by Little's
law (in flight = answers a second x seconds of a round trip). What is used here, and from where:

- Doubling until something speaks against it: slow start (RFC 5681), left as in HyStart (Ha, Rhee,
  2011) as soon as round trips grow longer, or as in BBR (Cardwell et al., ACM Queue, 2016) when
  twice as many in flight do not bring a quarter more answers.
- Round trips longer than calm ones mean a queue: TCP Vegas (Brakmo, Peterson, 1995), and the
  Vegas and Gradient2 limits of Netflix concurrency-limits, which also let no limit grow that was
  not reached.
- Drops mean less: AIMD (Chiu, Jain, 1989).

What none of these asks follows here each time that the limit was cut: did it cost answers? If not,
there still is a queue, and it is cut again; if so, it is undone, and the round trip of that moment
is the calm one from now on. So an upstream that was overloaded before the first attempt, of which
no calm round trip was ever seen, is found out as well as one that has become slow for good.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable

import msgspec

from bulkagent.engine.throttle.limit_samples import TOLERATED, SampleWindow

BACK_OFF = 0.9
"""What remains of a limit that is cut: gentle, as in Netflix's AIMDLimit, because each cut is
followed by a question and, if need be, by another."""
GAIN = 1.25
"""What doubling must bring in answers a second (BBR's figure for a full pipe, which waits for
three rounds without it; here a queue shows first, so one is enough)."""
QUEUE = 1.1
"""Round trips as many times as long as calm ones mean a queue. The next growth, a tenth at most,
cannot then go far beyond; ordinary noise of a median stays below."""
REACHED = 0.75
"""In flight, as a share of the limit, from which on the limit is what holds them back. A worker
needs some time between two attempts; Gradient2 asks for a half, which grows limits that a rate
keeps from ever being used."""
BUSY = 0.85
"""The share of a window for which the client's own loop was busy, beyond which round trips
measure the client: what waits for the loop was answered long ago."""


class Bounds(msgspec.Struct, frozen=True):
    """Between what the limit may move, and where it starts."""

    low: int = 4
    """At least 1, and below `start`: a limit that cannot shrink at first is none (the mistake of
    AIMDLimit, whose floor and start are one number by default)."""
    high: int = 256
    start: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.low < self.start <= self.high:
            raise ValueError(f"{self.low} to {self.high}, from {self.start}: no bounds for a limit")

    @classmethod
    def between(cls, low: int, high: int) -> Bounds:
        """The bounds for two numbers, the first below the second."""
        return cls(low, high, min(high, max(low + 1, cls().start)))


class Phase(enum.Enum):
    """What the latest change of the limit was for."""

    DOUBLING = "doubling"  # to find out in which region the upstream is
    GROWING = "growing"  # to use what there is
    CUTTING = "cutting"  # to give way, and to find out whether that costs anything


class AdaptiveLimit(msgspec.Struct, frozen=True, kw_only=True):
    """All that is remembered from window to window."""

    bounds: Bounds
    limit: int
    phase: Phase = Phase.DOUBLING
    before: int = 0
    """The limit before the latest cut."""
    goodput: float = 0.0
    """Answers a second before the latest doubling or cut."""
    calm_s: float = math.inf
    """The round trip without a queue, as far as is known: the least of what usual ones may at most
    have been, since the least of many medians would be one that chance made short."""
    stride: int = 1
    """By how much it grows next."""

    @classmethod
    def begin(cls, bounds: Bounds) -> AdaptiveLimit:
        """The state before the first window."""
        return cls(bounds=bounds, limit=bounds.start)


class LimitStep(msgspec.Struct, frozen=True):
    """The change of the limit after a window."""

    limit: int
    reason: str
    """For the log."""
    state: AdaptiveLimit


def step(state: AdaptiveLimit, window: SampleWindow) -> LimitStep:
    """The next limit, within the bounds.

    Nothing that went wrong ever raises it: a window with drops never leads to a higher limit than
    the same without, and one with more than `TOLERATED` to none that is higher than it was.

    Args:
        state: What the step before returned, or `AdaptiveLimit.begin`.
        window: What was observed of that limit.
    """
    for rule in _RULES:
        if (then := rule(state, window)) is not None:
            return then
    raise AssertionError("the last rule always answers")


def _hold(state: AdaptiveLimit, reason: str) -> LimitStep:
    # A cut cannot be judged by a window that teaches nothing, nor by the one after it.
    phase = Phase.GROWING if state.phase is Phase.CUTTING else state.phase
    return LimitStep(state.limit, reason, msgspec.structs.replace(state, phase=phase))


def _cut(state: AdaptiveLimit, window: SampleWindow, reason: str) -> LimitStep:
    limit = max(state.bounds.low, int(state.limit * BACK_OFF))
    if limit == state.limit:
        # Less is not to be had, so the round trip of now is what a calm one takes (as Envoy's
        # gradient controller measures its own); else one that became slow for good would stay
        # over the calm one, and the limit at its bound, for ever.
        calm_s = window.at_most_s if window.samples else state.calm_s
        state = msgspec.structs.replace(state, phase=Phase.GROWING, stride=1, calm_s=calm_s)
        return LimitStep(limit, f"{reason}; already at the lower bound", state)
    cut = msgspec.structs.replace(
        state,
        limit=limit,
        phase=Phase.CUTTING,
        before=state.limit,
        goodput=window.per_second,
        calm_s=min(state.calm_s, window.at_most_s) if window.samples else state.calm_s,
        stride=1,
    )
    return LimitStep(limit, reason, cut)


def _dropped(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    """Drops speak however busy the client is; they alone need no other sample."""
    if not window.drops:
        return None
    ends = window.drops + window.samples
    if state.phase is Phase.DOUBLING or window.drops > TOLERATED * ends:
        return _cut(state, window, f"{window.drops} of {ends} were dropped")
    return None


def _nothing(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    return None if window.samples else _hold(state, "nothing was learned")


def _busy(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    if window.busy <= BUSY:
        return None
    return _hold(state, f"this client was itself busy for {window.busy:.0%} of the time")


def _unreached(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    if window.in_flight >= REACHED * state.limit:
        return None
    return _hold(state, f"only {window.in_flight:.0f} in flight, so something else is the limit")


def _judged(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    """The cut of the step before: again where it cost nothing, undone where it did."""
    if state.phase is not Phase.CUTTING:
        return None
    kept = window.per_second / state.goodput if state.goodput else math.inf
    # Halfway between losing nothing and losing as much as was cut.
    if kept >= (1.0 + state.limit / state.before) / 2.0:
        return _cut(state, window, f"the cut from {state.before} cost no goodput")
    state = msgspec.structs.replace(
        state, limit=state.before, phase=Phase.GROWING, calm_s=window.at_most_s
    )
    return LimitStep(
        state.limit, f"the cut cost {1.0 - kept:.0%} of goodput, so it is undone", state
    )


def _queueing(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    if window.at_least_s <= QUEUE * state.calm_s:
        return None
    times = window.median_s / state.calm_s if state.calm_s else math.inf
    return _cut(state, window, f"round trips take {times:.2f} times as long as calm ones")


def _doubling(state: AdaptiveLimit, window: SampleWindow) -> LimitStep | None:
    if state.phase is not Phase.DOUBLING or state.limit == state.bounds.high:
        return None
    if window.per_second < GAIN * state.goodput:
        return _cut(state, window, "doubling brought no goodput")
    limit = min(state.bounds.high, 2 * state.limit)
    calm_s = min(state.calm_s, window.at_most_s)
    doubled = msgspec.structs.replace(state, limit=limit, goodput=window.per_second, calm_s=calm_s)
    return LimitStep(limit, "nothing speaks against doubling", doubled)


def _growing(state: AdaptiveLimit, window: SampleWindow) -> LimitStep:
    """One more, then two, then four, so that it is slow only near what was too much."""
    # Never by more than one cut takes back.
    stride = max(1, min(state.stride, state.limit // 10))
    limit = min(state.bounds.high, state.limit + stride)
    calm_s = min(state.calm_s, window.at_most_s)
    grown = msgspec.structs.replace(
        state, limit=limit, phase=Phase.GROWING, stride=2 * stride, calm_s=calm_s
    )
    at_high = limit == state.limit
    return LimitStep(
        limit, "at the upper bound" if at_high else "there may be room for more", grown
    )


# The first that answers decides. What forbids growth stands before what grows.
_RULES: tuple[Callable[[AdaptiveLimit, SampleWindow], LimitStep | None], ...] = (
    _dropped,
    _nothing,
    _busy,
    _unreached,
    _judged,
    _queueing,
    _doubling,
    _growing,
)
