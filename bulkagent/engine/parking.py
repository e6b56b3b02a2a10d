"""Waiting between attempts, without a slot: the one place where tenacity is used.

What may live here: how a story is carried from one attempt to the next. What this room must
not know: who makes the attempts, and when there is room for one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from bulkagent.engine.retrying import Again, Decision
from bulkagent.outcome import Ended, Story

__all__ = ["until_enough"]

AttemptT = TypeVar("AttemptT", bound=Ended)


async def until_enough(
    story: Story[AttemptT],
    first: Decision,
    *,
    again: Callable[[], Awaitable[Story[AttemptT]]],
    decide: Callable[[Story[AttemptT]], Decision],
    sleep: Callable[[float], Awaitable[None]],
) -> Story[AttemptT]:
    """Carry a story on until the policy has enough of it.

    The first attempt was made already, by a worker and without tenacity, which costs as much
    as the request; it is replayed here as the first result. The tenacity object is this
    story's own: one that is shared by tasks mixes up their results without an error.

    Args:
        story: What has happened so far.
        first: What was decided on it.
        again: Makes one further attempt and returns the story with it.
        decide: Asked after each of those.
        sleep: Waits between attempts, in seconds.
    """
    replay = [story]
    decisions = [first]

    async def attempt() -> Story[AttemptT]:
        return replay.pop() if replay else await again()

    def wanted(state: tenacity.RetryCallState) -> bool:
        if state.outcome is None or state.outcome.failed:
            return False
        if state.attempt_number > 1:
            decisions[0] = decide(state.outcome.result())
        return isinstance(decisions[0], Again)

    def wait(_state: tenacity.RetryCallState) -> float:
        decision = decisions[0]
        return decision.after_s if isinstance(decision, Again) else 0.0

    retrying = tenacity.AsyncRetrying(
        retry=wanted, wait=wait, stop=tenacity.stop_never, sleep=sleep, reraise=True
    )
    ended: Story[AttemptT] = await retrying(attempt)
    return ended
