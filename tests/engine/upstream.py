"""An upstream with a script, and bulkheads in front of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from bulkagent.attempt import Attempt
from bulkagent.engine import (
    Bulkhead,
    Decision,
    Limits,
    RetryPolicy,
    ThrottleEvent,
    ThrottlePolicy,
    TripPolicy,
)
from bulkagent.model import Disposition
from tests.dispositions import DONE, ended
from tests.engine.lists import ListSource
from tests.jumping import JumpingClock

Attempting = Callable[[str, Callable[[], None]], Awaitable[Attempt]]
Seen = tuple[str, int, Disposition, Decision]


NEVER = 10**9

CARELESS = ThrottlePolicy(
    retries_per_second=NEVER,
    trip=TripPolicy(in_a_row=NEVER, half_of=NEVER),
    give_up_after_s=NEVER,
    never_answered_after_s=NEVER,
)
"""Nothing is held back, for tests of other things."""


class ScriptedUpstream:
    """What comes of each word's attempts: the script in order, then the usual.

    Args:
        seconds: How long each attempt takes.
        script: How the first attempts of a word end.
        usual: How all others end, of which a function may be told the time since the beginning.
        pauses: For how many seconds it asks to be left alone at its first ends, in their order.
    """

    def __init__(
        self,
        seconds: float | Callable[[], float] = 0.01,
        script: dict[str, list[Disposition]] | None = None,
        usual: Disposition | Callable[[float], Disposition] = DONE,
        pauses: Iterable[float] = (),
    ) -> None:
        self.seconds = seconds
        self.script = script or {}
        self.usual = usual
        self.pauses = iter(pauses)
        self.in_flight = 0
        self.peak = 0
        self.starts: list[tuple[float, str]] = []
        self.ends: list[str] = []

    async def attempt(self, word: str, _overdue: object = None) -> Attempt:
        self.starts.append((asyncio.get_running_loop().time(), word))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.seconds if isinstance(self.seconds, float) else self.seconds())
        finally:
            self.in_flight -= 1
        self.ends.append(word)
        return msgspec.structs.replace(ended(self._end(word)), pause_s=next(self.pauses, 0.0))

    def _end(self, word: str) -> Disposition:
        if left := self.script.get(word):
            return left.pop(0)
        if isinstance(self.usual, Disposition):
            return self.usual
        return self.usual(asyncio.get_running_loop().time() - 1_000)

    @property
    def times(self) -> list[float]:
        """When attempts started, since the beginning."""
        return [at - 1_000 for at, _ in self.starts]


def bulkhead(
    source: ListSource,
    attempt: Attempting,
    limits: Limits,
    *,
    name: str = "words",
    lanes: tuple[int, ...] = (0,),
    policy: RetryPolicy | None = None,
    uniform: Callable[[], float] = lambda: 1.0,
    halt_first: int = 0,
    seen: list[Seen] | None = None,
    throttle_policy: ThrottlePolicy = CARELESS,
    notify: Callable[[ThrottleEvent], None] | None = None,
    clock: JumpingClock | None = None,
) -> Bulkhead[str, Attempt]:
    def observe(item: str, number: int, attempt: Attempt, decision: Decision) -> None:
        if seen is not None:
            seen.append((item, number, attempt.disposition, decision))

    return Bulkhead(
        name,
        lanes,
        source,
        attempt,
        limits=limits,
        policy=policy or RetryPolicy(),
        clock=clock or JumpingClock(),
        random=uniform,
        throttle_policy=throttle_policy,
        notify=notify,
        rows=sum(len(source.lanes[lane]) for lane in lanes),
        halt_first=halt_first,
        observe=None if seen is None else observe,
    )
