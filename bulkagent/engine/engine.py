"""All bulkheads of one run: started together, ended early together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

import anyio

from bulkagent.attempt import AttemptHistory, AttemptResult
from bulkagent.clock import Clock, SystemClock
from bulkagent.engine.bulkhead import Bulkhead
from bulkagent.engine.gates.halt_rules import End, HaltRule, Tally
from bulkagent.engine.reopened import Reopened
from bulkagent.model import Cause
from bulkagent.reasons import DeadlinePassed, Reason

ItemT = TypeVar("ItemT")
AttemptT = TypeVar("AttemptT", bound=AttemptResult)


class Engine(Generic[ItemT, AttemptT]):
    """Runs bulkheads side by side until every lane is worked off.

    Two scopes: admission and sending. `stop` closes admission and lets what is in flight finish
    for a grace; `cancel`, or the end of the grace, closes sending too, and what is in flight
    then has no outcome: the source is never told to settle it. What was between two attempts is
    settled as it stands, in either case.

    Args:
        bulkheads: What to run.
        clock: Time; the machine's by default.
        rules: Asked after every item; the first that says so stops the run.
        deadline_s: Seconds after the start of `run` at which it is stopped; None: never.
        deadline_said_s: The deadline as people know it, where a part of it has passed before.
        grace_s: Seconds for which `stop` lets attempts in flight go on, 0 or more. A bulkhead
            that halts alone is not hurried: its attempts end by their own time limits.
    """

    def __init__(
        self,
        bulkheads: Sequence[Bulkhead[ItemT, AttemptT]],
        *,
        clock: Clock | None = None,
        rules: Sequence[HaltRule] = (),
        deadline_s: float | None = None,
        deadline_said_s: float | None = None,
        grace_s: float = 15.0,
    ) -> None:
        self.bulkheads = tuple(bulkheads)
        self.tally = Tally(sum(bulkhead.tally.rows for bulkhead in self.bulkheads))
        self._clock: Clock = clock or SystemClock()
        self._rules = tuple(rules)
        self._deadline_s = deadline_s
        self._deadline_said_s = deadline_said_s or deadline_s
        self._grace_s = grace_s
        self._end: End | None = None
        self._ending: anyio.Event | None = None
        self._sending: anyio.CancelScope | None = None

    def __repr__(self) -> str:
        ending = f", {self._end.cause}" if self._end else ""
        return f"<Engine: {len(self.bulkheads)} bulkheads, {self.tally!r}{ending}>"

    @property
    def endings(self) -> tuple[tuple[str, End], ...]:
        """Which bulkheads ended before their time, by name, and why; final once `run` returned.

        Empty where a stop came too late to change anything: see `Bulkhead.ended`. A halt of the
        run is said of each bulkhead that had no end of its own.
        """
        return tuple(
            (bulkhead.name, bulkhead.ended)
            for bulkhead in self.bulkheads
            if bulkhead.ended is not None
        )

    @property
    def lanes_ended(self) -> dict[int, End]:
        """Lanes that their gates have closed for good, and why."""
        return {
            lane: end for bulkhead in self.bulkheads for lane, end in bulkhead.lanes_ended.items()
        }

    async def run(self) -> None:
        """Work off all lanes of all bulkheads; return when nothing is in flight any more.

        Where it was stopped before, it returns at once and has taken nothing.
        """
        if self._end is not None:
            return
        self._ending = anyio.Event()
        with anyio.CancelScope() as self._sending:
            async with anyio.create_task_group() as watches:
                watches.start_soon(self._keep_deadline)
                watches.start_soon(self._keep_grace, self._ending)
                async with anyio.create_task_group() as tasks:
                    for bulkhead in self.bulkheads:
                        tasks.start_soon(bulkhead.run, self._settled, self._reopened)
                watches.cancel_scope.cancel()

    def stop(self, cause: Cause = Cause.INTERRUPTED, reason: Reason | None = None) -> None:
        """Admit nothing more, anywhere; attempts in flight finish within the grace.

        May be called from any task or callback of the loop, also before `run`. Only the first
        call counts: its cause stays, and the grace runs from it.

        Args:
            cause: What is said of everything that is not attempted because of it.
            reason: The same for people.
        """
        if self._end is not None:
            return
        self._end = End(cause, reason)
        for bulkhead in self.bulkheads:
            bulkhead.expect_stop()
        for bulkhead in self.bulkheads:
            bulkhead.stop(self._end)
        if self._ending is not None:
            self._ending.set()

    def cancel(self) -> None:
        """Stop, and do not wait for attempts in flight: they stay without an outcome."""
        self.stop()
        if self._sending is not None:
            self._sending.cancel()

    def _settled(self, history: AttemptHistory[AttemptT]) -> None:
        self.tally.count(history)
        if self._end is not None:
            return
        for rule in self._rules:
            ruling = rule.ask(self.tally)
            if isinstance(ruling, End):
                self.stop(ruling.cause, ruling.reason)
                return

    def _reopened(self, item: Reopened) -> None:
        item.undo(self.tally)

    async def _keep_deadline(self) -> None:
        if self._deadline_s is not None:
            await self._clock.sleep(self._deadline_s)
            self.stop(Cause.DEADLINE, DeadlinePassed(self._deadline_said_s or self._deadline_s))

    async def _keep_grace(self, ending: anyio.Event) -> None:
        await ending.wait()
        await self._clock.sleep(self._grace_s)
        self.cancel()
