"""A run that is planned: executed once somebody has agreed, or let go."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import msgspec

from bulkagent.blocking import in_thread
from bulkagent.clock import Clock
from bulkagent.errors import (
    BulkagentError,
    GuardrailRefused,
    Interrupted,
    LedgerFailed,
    Refused,
)
from bulkagent.ledger import FileIdentity
from bulkagent.model import Cause
from bulkagent.reasons import Reason, Said, reason_of
from bulkagent.run.begin import (
    await_start,
    begin,
    clear_the_way,
    reach_gateways,
)
from bulkagent.run.beside import Beside, look_beside
from bulkagent.run.finish import Finished, finish
from bulkagent.run.history.exit_code import LegEnding
from bulkagent.run.metrics import Metrics
from bulkagent.run.outputs.outlets import Outlets
from bulkagent.run.plan.consent import Consent, refuse_unagreed
from bulkagent.run.plan.prepare import PlannedLeg
from bulkagent.run.plan.request import Plan
from bulkagent.run.plan.reservation import PlanReservation
from bulkagent.run.schedule.timetable import Timetable
from bulkagent.run.send.control import LegControl
from bulkagent.run.send.leg import LegSender
from bulkagent.run.send.progress import Progress
from bulkagent.run.send.sent import SentLeg
from bulkagent.run.take_over import first_of, watch, watch_presence
from bulkagent.run.verify.queue_checks import QueueObserver


class _Failure(msgspec.Struct, frozen=True):
    """What broke the sending off."""

    error: Reason | None = None
    code: int = BulkagentError.exit_code
    defect: Exception | None = None


class PreparedRun:
    """One leg that is in the ledger: `execute` it or `discard` it, within the run's `with`.

    Args:
        leg: The leg.
        reservation: Its place in the ledger until it begins.
        sender: Makes what sends it; given whom to tell what people should know.
        observers: The queues by which it is verified.
        outlets: Its log and its events.
        reports: Where reports go.
        timetable: When it starts and should end.
        clock: Time.
        warn: Told what people should know.
    """

    def __init__(
        self,
        leg: PlannedLeg,
        *,
        reservation: PlanReservation,
        sender: Callable[[Callable[[str], None]], LegSender],
        observers: Sequence[QueueObserver],
        outlets: Outlets,
        reports: Sequence[Path],
        timetable: Timetable,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._leg = leg
        self._reservation = reservation
        self._outlets = outlets
        self._log = outlets.log
        self._reports = reports
        self._clock = clock
        self._sender = sender(self._say)
        self._control = LegControl(self._sender, outlets.log, self._say)
        request = leg.resolved.request
        self._metrics = Metrics(request.metrics_file, leg.plan, request.settings.job)
        self._started_s = 0.0
        self.observers = observers
        """The queues by which it is verified."""
        self.timetable = timetable
        """When it starts and should end."""
        self.warn = warn
        """Told what people should know before the start and while it goes on."""
        self.in_way: Callable[[str], None] = self._say
        """Told of the runs in its way, and what it waits for."""
        self.begun: Callable[[], None] = lambda: None
        """Called once its leg has begun: from then on the run is kept, whatever happens."""
        self.waiting_for = leg.asked.start_at
        """When it starts, as long as it waits for that; None where it does not."""
        self.finish_by = leg.asked.finish_by
        """When it should be done; None: no matter when."""
        self.may_send = False
        """Whether it has come so far that requests may be sent, so that reports are of that."""

    @property
    def plan(self) -> Plan:
        """What it would do."""
        return self._leg.plan

    @property
    def insecure(self) -> bool:
        """Whether any certificate is accepted."""
        return self._leg.gateways.insecure

    @property
    def needs_consent(self) -> bool:
        """Whether somebody must agree to the plan before it is executed."""
        plan = self._leg.plan
        return not self._leg.gateways.emulated and plan.agents + plan.once_more > 0

    @property
    def resume_command(self) -> str:
        """What goes on with it should it be stopped now; "" where nobody can know that whole."""
        return shlex.join(self._leg.next_commands.resume(self._leg.plan.run_id))

    @property
    def grace_s(self) -> float:
        """For so long requests that are on their way are waited for once it is stopped."""
        return self._leg.resolved.request.settings.grace_s

    @property
    def trouble(self) -> str:
        """What went wrong beside the run, for people; "" where nothing did."""
        return "; ".join(filter(None, (*self._outlets.troubles, self._metrics.trouble)))

    @property
    def unprinted(self) -> str:
        """Why outcomes did not fit where standard output goes; "" where they did."""
        return self._outlets.unprinted

    def beside(self, consent: Consent | None) -> Beside:
        """What becomes of the runs in progress that have some of its agents. Blocks.

        Args:
            consent: How the plan would be agreed to.
        """
        return look_beside(self._leg, consent=consent, later=self.waiting_for is not None)

    def discard(self) -> None:
        """Let it go: nobody agreed to it. A new run is taken out of the ledger.

        Raises:
            LedgerUnavailable: It cannot be taken out.
        """
        self._reservation.discard()
        self._log.decided("run.discarded")

    def stop(self, number: int) -> None:
        """Admit nothing more for a signal; requests in flight finish, then reports are written."""
        self._control.stop(number)

    def cancel(self) -> None:
        """Cut requests in flight off as well: their agents are `unknown`."""
        self._control.cancel()

    def skip_reports(self) -> None:
        """Leave the reports, also one that is being written: the ledger has all of it."""
        self._control.skip_reports()

    def progress(self) -> Progress:
        """Where the run is; from any thread."""
        return self._sender.progress(
            elapsed_s=self._clock.monotonic() - self._started_s,
            finish_by=self.finish_by,
        )

    async def execute(self, consent: Consent | None = None, *, answered: bool = False) -> Finished:
        """Send the plan, write the reports.

        Args:
            consent: How the plan was agreed to; None: by nobody, and then nothing is sent that
                needs it.
            answered: Whether a person has looked at the plan's guardrail, and agreed.

        Returns:
            The end of the run, with the defect of bulkagent's own that broke it off, if any: what
            was recorded until then is in the ledger and in the reports.

        Raises:
            Refused: Nothing was sent: a gateway cannot be reached at all, nobody agreed, a
                guardrail has not been answered, or it was stopped before the first request.
            RuntimeError: It was executed or discarded before.
        """
        if not self._reservation.is_open:
            raise RuntimeError("a prepared run is executed once, and not after it was discarded")
        refuse_unagreed(
            self.plan,
            answered=answered or bool(self._leg.override),
            agreed=consent is not None or not self.needs_consent,
        )
        await self._reach()
        begun = await in_thread(
            functools.partial(begin, self._leg, consent=consent, now_ms=self._clock.wall_ms())
        )
        self._reservation.keep()
        self.begun()
        await clear_the_way(
            *(self._leg, begun, self._control),
            consent=consent,
            log=self._log,
            clock=self._clock,
            tell=self._tell_in_way,
        )
        self.may_send = True
        self._started_s = self._clock.monotonic()
        await in_thread(self._metrics.begun, self._clock.wall_ms())
        presence = await in_thread(FileIdentity, self._leg.database.path)
        failure = await self._send(begun.leg, presence)
        lost = self._control.lost or await in_thread(presence.trouble)
        sent = self._sender.sent(
            begun.leg,
            elapsed_s=self._clock.monotonic() - self._started_s,
            ended_ms=self._clock.wall_ms(),
        )
        sent = msgspec.structs.replace(sent, reasons=(*self._control.reasons, *sent.reasons))
        finished = await in_thread(
            functools.partial(
                finish,
                *(self._leg, sent, _ending(sent, failure, self._control, lost)),
                reports=self._reports,
                skip_reports=lambda: self._control.reports_skipped,
            )
        )
        await in_thread(self._metrics.ended, finished.result, self._clock.wall_ms())
        self._log.decided("run.finished", **msgspec.to_builtins(finished.result))
        return msgspec.structs.replace(finished, defect=failure.defect)

    async def _reach(self) -> None:
        """Wait for the start, refuse gateways that no request can come to.

        Nothing was sent yet, so a signal ends it at once.
        """
        leg = self._leg
        with self._control.interruptible():
            if self._control.signal is None:
                if self.waiting_for is not None and leg.planned.names:
                    await await_start(
                        *(self.waiting_for, leg, self.timetable.agent),
                        clock=self._clock,
                        tell=self._tell,
                    )
                    self._log.decided("run.started")
                self.waiting_for = None  # also where there is nothing to wait for
                await reach_gateways(leg, self._clock)
        if self._control.signal is not None:
            raise Interrupted(
                "interrupted; nothing was sent",
                signal=self._control.signal,
                totals=leg.plan.totals,
            )

    async def _send(self, number: int, presence: FileIdentity) -> _Failure:
        """Send, and stop where another run takes over or the ledger is lost."""
        control, failure = self._control, _Failure()
        try:
            async with anyio.create_task_group() as watches:
                watches.start_soon(watch, self._leg.planned.locks, self._clock, control.taken_over)
                watches.start_soon(watch_presence, presence, self._clock, control.without_ledger)
                await self._sender.run(number)
                watches.cancel_scope.cancel()
        except* BulkagentError as failed:
            known = first_of(failed)
            failure = _Failure(reason_of(known), known.exit_code)
        except* Exception as failed:  # noqa: BLE001 - raised once the reports are written
            failure = _Failure(
                Said("a defect in bulkagent; its traceback is kept"), failure.code, failed
            )
        return failure

    def _say(self, text: str) -> None:
        self.warn(text)

    def _tell_in_way(self, text: str) -> None:
        self._log.decided("run.waiting", reason=text)
        self.in_way(text)

    def _tell(self, text: str) -> None:
        self._log.decided("run.waiting", reason=text)
        self.warn(text)


def _ending(sent: SentLeg, failure: _Failure, control: LegControl, lost: str) -> LegEnding:
    """How sending ended: by its result, by an error, or by a stop."""
    error, code = failure.error, failure.code
    if code == Refused.exit_code and sent.counters is not None and sent.counters.requests:
        code = LedgerFailed.exit_code  # the other one would say that nothing was sent
    defect = error is not None and code == BulkagentError.exit_code
    if lost and not defect:
        return LegEnding(
            error=Said(lost), error_code=GuardrailRefused.exit_code, causes=sent.causes
        )
    return LegEnding(
        signal=control.signal if Cause.INTERRUPTED in sent.causes else None,
        error=error,
        error_code=code,
        causes=sent.causes,
        taken_over=bool(control.drained_for),
    )
