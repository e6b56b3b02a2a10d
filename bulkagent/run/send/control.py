"""How a leg is stopped from outside: by a signal, by another run, by the loss of its ledger."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from bulkagent.reasons import TakenOver
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.send.leg import LegSender


class LegControl:
    """Stops one leg, and remembers why.

    Args:
        sender: What is stopped.
        log: Told of every decision.
        warn: Told what people should know at once.
    """

    def __init__(self, sender: LegSender, log: EventLog, warn: Callable[[str], None]) -> None:
        self._sender = sender
        self._log = log
        self._warn = warn
        self._scopes: list[anyio.CancelScope] = []
        self.signal: int | None = None
        """The signal that stopped it; None: no signal came."""
        self.drained_for = ""
        """The run that took over; "" where none did."""
        self.lost = ""
        """What has become of the ledger; "" as long as it is there."""
        self.reports_skipped = False
        """Whether somebody has lost patience with the reports."""

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """A stretch before the first request, which `stop` ends at once."""
        with anyio.CancelScope() as scope:
            self._scopes.append(scope)
            try:
                yield
            finally:
                self._scopes.remove(scope)

    def stop(self, number: int) -> None:
        """Admit nothing more for a signal; requests in flight finish, then reports are written."""
        self.signal = number
        self._log.decided("run.stop", signal=number)
        for scope in self._scopes:
            scope.cancel()
        self._sender.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well: their agents are `unknown`."""
        self._log.decided("run.cut_off")
        self._sender.cancel()

    def skip_reports(self) -> None:
        """Leave the reports, also one that is being written: the ledger has all of it."""
        self._log.decided("run.reports_skipped")
        self.reports_skipped = True

    def taken_over(self, by: str) -> None:
        """Another run has asked for this one to be drained."""
        self.drained_for = by
        self.stop(signal.SIGTERM)

    def without_ledger(self, trouble: str) -> None:
        """Nothing that is recorded from now on would be found again."""
        self.lost = trouble
        self._log.decided("run.ledger_lost", reason=trouble)
        self._warn(f"stopping: {trouble}")
        self._sender.stop()

    @property
    def reasons(self) -> tuple[TakenOver, ...]:
        """Why it was stopped, where another run did."""
        return (TakenOver(self.drained_for),) if self.drained_for else ()
