"""A far side with a script, and bulkheads in front of it."""

import asyncio
from collections.abc import Awaitable, Callable

from bulkagent.engine import Bulkhead, Decision, Limits, RetryPolicy
from bulkagent.outcome import Attempt, Disposition
from tests.dispositions import DONE, ended
from tests.engine.lists import ListSource
from tests.jumping import JumpingClock

Attempting = Callable[[str], Awaitable[Attempt]]
Seen = tuple[str, int, Disposition, Decision]


class Far:
    """What comes of each word's attempts: the script in order, then the usual."""

    def __init__(
        self,
        seconds: float = 0.01,
        script: dict[str, list[Disposition]] | None = None,
        usual: Disposition = DONE,
    ) -> None:
        self.seconds = seconds
        self.script = script or {}
        self.usual = usual
        self.in_flight = 0
        self.peak = 0
        self.starts: list[tuple[float, str]] = []
        self.ends: list[str] = []

    async def attempt(self, word: str) -> Attempt:
        self.starts.append((asyncio.get_running_loop().time(), word))
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.in_flight -= 1
        self.ends.append(word)
        left = self.script.get(word)
        return ended(left.pop(0) if left else self.usual)


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
        clock=JumpingClock(),
        random=uniform,
        rows=sum(len(source.lanes[lane]) for lane in lanes),
        halt_first=halt_first,
        observe=None if seen is None else observe,
    )
