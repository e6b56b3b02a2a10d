"""The passes of one leg: its engines and journals, and what can be read of them at any time."""

from __future__ import annotations

from collections.abc import Sequence

from bulkagent.attempt import Attempt
from bulkagent.engine import Engine
from bulkagent.ledger import Counters, Journal
from bulkagent.model import Assignment, Cause
from bulkagent.reasons import Reason, told_once
from bulkagent.run.send.listener import GatewayBulkhead, explained


class Passes:
    """The first pass of a leg, and the second of those who are sent once more."""

    def __init__(self) -> None:
        self._engines: list[Engine[Assignment, Attempt]] = []
        self._journals: list[Journal] = []
        self.once_more = 0
        """Agents who were put in doubt, to be sent once more."""
        self.stopped = False
        """Whether nothing more is admitted."""

    def journal(self, journal: Journal) -> None:
        """Count by the journal of a pass that begins."""
        self._journals.append(journal)

    def engine(self, engine: Engine[Assignment, Attempt]) -> None:
        """Send by the engine of a pass that begins; it is stopped at once where the leg is."""
        self._engines.append(engine)
        if self.stopped:
            engine.stop()

    def stop(self) -> None:
        """Admit nothing more; requests in flight finish within the grace."""
        self.stopped = True
        for engine in self._engines:
            engine.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well."""
        self.stopped = True
        for engine in self._engines:
            engine.cancel()

    def halted(self, reasons: Sequence[Reason]) -> None:
        """Record why a person must look."""
        if self._journals:
            self._journals[-1].halted(told_once(reasons))

    @property
    def present(self) -> Sequence[GatewayBulkhead]:
        """The bulkheads of the present pass."""
        return self._engines[-1].bulkheads if self._engines else ()

    @property
    def bulkheads(self) -> list[GatewayBulkhead]:
        """The bulkheads of all passes."""
        return [head for engine in self._engines for head in engine.bulkheads]

    @property
    def ended(self) -> set[str]:
        """The gateways to which nothing more is sent."""
        return {name for engine in self._engines for name, _ in engine.endings}

    @property
    def counters(self) -> Counters | None:
        """The counts of the leg as they are on disk; None before it began."""
        if not self._journals:
            return None
        first, *again = (journal.counters for journal in self._journals)
        if not self.once_more:
            return first
        return first.followed_by(again[0] if again else Counters(), self.once_more)

    @property
    def causes(self) -> frozenset[Cause]:
        """Why any gateway's part ended before its time."""
        if not self._engines:
            return frozenset({Cause.INTERRUPTED} if self.stopped else ())
        ends = [end for engine in self._engines for _, end in engine.endings]
        held = [end for engine in self._engines for end in engine.lanes_ended.values()]
        return frozenset(end.cause for end in (*ends, *held))

    @property
    def not_attempted(self) -> dict[int, Cause]:
        """Lane -> why its last rows were not attempted."""
        left = {
            lane: head.ended.cause
            for head in self.bulkheads
            if head.ended is not None
            for lane in head.lanes_left
        }
        held = {
            lane: end.cause for engine in self._engines for lane, end in engine.lanes_ended.items()
        }
        # Those of a lane who may be set already are not among those who were not attempted.
        return {lane: cause for lane, cause in {**left, **held}.items() if lane >= 0}

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why gateways' parts ended before their time, and what to check."""
        ended = [explained(head, head.ended) for head in self.bulkheads if head.ended is not None]
        return tuple(reason for reason in ended if reason is not None)
