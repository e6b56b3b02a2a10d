"""All bulkheads of one run, started, stopped and cancelled together.

What may live here: the two ways to end early. What this room must not know: what any bulkhead
does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import anyio

from bulkagent.engine.bulkhead import Bulkhead
from bulkagent.outcome import Ended

__all__ = ["Engine"]

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=Ended)


class Engine(Generic[ItemT, AttemptT]):
    """Runs bulkheads side by side until every lane is worked off.

    Two scopes: `stop` closes admission and lets what is in flight finish; `cancel` also ends
    what is in flight, which then has no outcome.
    """

    def __init__(self, bulkheads: Sequence[Bulkhead[ItemT, AttemptT]]) -> None:
        self.bulkheads = tuple(bulkheads)
        self._sending: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Work off all lanes of all bulkheads."""
        with anyio.CancelScope() as self._sending:
            async with anyio.create_task_group() as tasks:
                for bulkhead in self.bulkheads:
                    tasks.start_soon(bulkhead.run)

    def stop(self) -> None:
        """Admit nothing more; attempts in flight finish."""
        for bulkhead in self.bulkheads:
            bulkhead.stop()

    def cancel(self) -> None:
        """Stop, and do not wait for attempts in flight: they stay without an outcome."""
        self.stop()
        if self._sending is not None:
            self._sending.cancel()
