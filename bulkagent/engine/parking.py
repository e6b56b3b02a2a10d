"""Waiting between attempts, without a slot: the one place where tenacity is used.

What may live here: an item between two attempts, and how its story is carried from one to the
next. What this room must not know: who makes the attempts, and when there is room for one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio
import tenacity

from bulkagent.engine.retrying import Again, Decision
from bulkagent.outcome import Ended, Story

__all__ = ["Parked", "until_enough"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=Ended)


class Parked(Generic[ItemT, AttemptT]):
    """An item that is to be attempted again.

    Story and decision always belong together: whoever makes an attempt sets both at once, so
    there is no moment at which an attempt has ended and nothing has been decided on it.
    """

    __slots__ = ("answered", "decision", "in_flight", "item", "scope", "story")

    def __init__(self, item: ItemT, story: Story[AttemptT], decision: Decision) -> None:
        self.item = item
        self.story = story
        self.decision = decision
        self.scope = anyio.CancelScope()
        self.in_flight = False
        """Whether a worker has it; then only the worker knows how it ends."""
        self.answered = anyio.Event()


async def until_enough(
    parked: Parked[ItemT, AttemptT],
    *,
    due: Callable[[], None],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    """Carry an item's story on until there is enough of it.

    The first attempt was made already, by a worker and without tenacity, which costs as much
    as the request; it is replayed here as the first result. The tenacity object is this
    story's own: one that is shared by tasks mixes up their results without an error.

    Args:
        parked: The item. Whoever makes its attempts sets its story and decision, then `answered`.
        due: Called when a further attempt is to be made.
        sleep: Waits between attempts, in seconds.
    """
    replayed = False

    async def attempt() -> None:
        nonlocal replayed
        if not replayed:
            replayed = True
            return
        parked.answered = anyio.Event()
        due()
        await parked.answered.wait()

    def wanted(state: tenacity.RetryCallState) -> bool:
        if state.outcome is None or state.outcome.failed:
            return False
        return isinstance(parked.decision, Again)

    def wait(_state: tenacity.RetryCallState) -> float:
        return parked.decision.after_s if isinstance(parked.decision, Again) else 0.0

    retrying = tenacity.AsyncRetrying(
        retry=wanted, wait=wait, stop=tenacity.stop_never, sleep=sleep, reraise=True
    )
    await retrying(attempt)
