"""Items whose attempts had ended, and that are attempted once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import anyio.abc
import msgspec

from bulkagent.attempt import AttemptResult
from bulkagent.engine.attempts import Parts
from bulkagent.engine.gates.halt_rules import Tally

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Reopened(msgspec.Struct, frozen=True, gc=False):
    """One of these items."""

    lane: int
    """As one of which it is handed out again."""
    applied: bool
    """Whether it was counted as applied."""
    aside: bool
    """Whether it was counted as not applied for a reason of its own."""
    again: bool = True
    """Whether it is handed out again; else it is finished, and not applied."""
    left: bool = False
    """Whether it is not, because somebody else has taken it: it is not among these any more."""

    def undo(self, tally: Tally) -> None:
        """Have what it ended with counted no more."""
        tally.take_back(applied=self.applied, aside=self.aside)
        if self.left:
            tally.lose()
        elif not self.again:
            tally.put_down()


class Reopening(Generic[ItemT, AttemptT]):
    """Keeps a bulkhead open for items that come again.

    Args:
        parts: What the bulkhead works with.
        before_end: Awaited when all has been attempted: whether items are to come again.
    """

    def __init__(
        self,
        parts: Parts[ItemT, AttemptT],
        before_end: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self.reopened: Callable[[Reopened], None] | None = None
        """Called with every item that comes again, once that is counted."""
        self.tasks: anyio.abc.TaskGroup | None = None
        """In which it is waited for what is recorded; None: nothing comes again any more."""
        self._before_end = before_end
        self._expected = 0
        self._tally, self._scheduler, self._wakeup = parts.tally, parts.scheduler, parts.wakeup
        self._regulate, self._wake_all = parts.regulate, parts.wake_all

    def expect(self, recorded: Awaitable[None]) -> None:
        """As of `Bulkhead`."""
        if self.tasks is not None:
            self._expected += 1
            self._scheduler.open += 1
            self.tasks.start_soon(self._await_recorded, recorded)

    def reopen(self, reopened: Sequence[Reopened]) -> None:
        """As of `Bulkhead`."""
        for item in reopened:
            item.undo(self._tally)
            if item.again:
                self._scheduler.reopen(item.lane)
            if self.reopened is not None:
                self.reopened(item)
        self._regulate()
        self._wakeup.notify_all()

    async def _await_recorded(self, recorded: Awaitable[None]) -> None:
        await recorded
        self._expected -= 1
        self._scheduler.open -= 1
        if self._scheduler.over:
            self._wake_all()
        self._wakeup.notify_all()

    async def is_more(self) -> bool:
        """Whether items have come again after all had ended."""
        if self._before_end is not None:
            await self._before_end()
        while self._expected:
            await self._wakeup.wait()
        return not self._scheduler.over
