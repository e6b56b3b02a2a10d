"""One run, composed: roster to ledger, ledger through the engine to the gateways, and back.

What may live here: the order of things and who is given what. What this room must not know:
terminals, exit signals' names, file formats.
"""

from __future__ import annotations

import contextlib
import functools
import random
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Self

import anyio
import anyio.to_thread
import msgspec

from bulkagent.clock import Clock, SystemClock
from bulkagent.errors import (
    BulkagentError,
    ConsentRefused,
    GuardrailRefused,
    Interrupted,
    LedgerFailed,
    Refused,
)
from bulkagent.ledger import (
    Database,
    FileIdentity,
    RunRecord,
    agents_set_at,
    default_path,
    exposure,
    forget_run,
    open_ledger,
)
from bulkagent.model import Cause, Outcome
from bulkagent.reasons import Reason, Said, TakenOver, reason_of
from bulkagent.reports import probe
from bulkagent.run.begin import (
    Begun,
    await_start,
    begin,
    give_up,
    leave_to_later,
    reach_gateways,
)
from bulkagent.run.clients.credentials import CredentialProvider, credential_provider
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.finish import Finished, finish
from bulkagent.run.history.exit_code import LegEnding
from bulkagent.run.metrics import Metrics
from bulkagent.run.operator import operator_name, refuse_on_behalf_of
from bulkagent.run.outputs.events import OutcomeEvents
from bulkagent.run.outputs.log import EventLog
from bulkagent.run.plan.apply import Planned
from bulkagent.run.plan.consent import Consent
from bulkagent.run.plan.path_conflicts import refuse_outlets, refuse_reports
from bulkagent.run.plan.prepare import ResolvedRequest, prepare
from bulkagent.run.plan.request import Plan, Request, Resume, Revert, RunResult
from bulkagent.run.plan.typed_number import going_off, number_to_type
from bulkagent.run.schedule.timetable import Timetable, timetable_of
from bulkagent.run.send.leg import LegSender
from bulkagent.run.send.progress import Progress
from bulkagent.run.take_over import make_way, watch, watch_presence
from bulkagent.run.verify.observers import watches_of
from bulkagent.run.verify.queue_checks import QueueObserver

__all__ = ["Run"]


class Run:
    """One leg of a run: `prepare`, then `execute` or `discard`, within a `with`.

    Args:
        request: What to do: a roster to apply, or a run to resume or to revert.
        clock: Time; the machine's by default.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
        consent: How the plan was agreed to, where it was beforehand.
    """

    def __init__(
        self,
        request: Request | Resume | Revert,
        *,
        clock: Clock | None = None,
        uniform: Callable[[], float] = random.random,
        settled: Callable[[Outcome], None] | None = None,
        consent: Consent | None = None,
    ) -> None:
        self._asked = request
        self._clock: Clock = clock or SystemClock()
        self._uniform = uniform
        self._settled = settled
        # A new run's is looked at before the ledger is opened: it may be refused at once.
        self._prepared = (
            ResolvedRequest(request, Gateways(request.target, request.settings))
            if isinstance(request, Request)
            else None
        )
        self._log = EventLog(None, self._clock)
        self._events: OutcomeEvents | None = None
        self._metrics: Metrics | None = None
        self._database: Database | None = None
        self._planned: Planned | None = None
        self._supply: CredentialProvider | None = None
        self._watches: tuple[QueueObserver, ...] = ()
        self._reports: tuple[Path, ...] = ()
        self._sending: LegSender | None = None
        self._reaching: anyio.CancelScope | None = None
        self._signal: int | None = None
        self._drained_for = ""
        self._lost = ""
        self._skip_reports = False
        self._started = 0.0
        self._executed = False
        self._may_send = False
        self.began_ms = self._clock.wall_ms()
        """When its command began, time of day: what ends later was in progress then."""
        self.agreed = False
        """Whether a person has looked at the plan and its guardrail, and agreed."""
        self.consent = consent
        """How the plan was agreed to; None: by nobody, and then nothing is sent that needs it."""
        self.finished: Finished | None = None
        """The end of the run, once it has come to one; also where `execute` raised a defect."""
        self.timetable = Timetable()
        """When it starts and should end, once it is prepared."""
        self.begun: Callable[[], None] = lambda: None
        """Called once its leg has begun: from then on the run is kept, whatever happens."""
        self.warn: Callable[[str], None] = lambda _text: None
        """Told what people should know before the start."""
        self.waiting_for = request.start_at
        """When it starts, as long as it waits for that; None where it does not."""
        self.finish_by = request.finish_by
        """When it should be done; None: no matter when."""
        self.ended_ms = 0
        """Time of day of its end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._executed:
            with contextlib.suppress(BulkagentError):  # it may be what went wrong
                self.discard()
        if self._planned is not None:
            self._planned.release()
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._events is not None:
            self._events.close()
        self._log.close()

    @property
    def began(self) -> bool:
        """Whether it has come so far that requests may be sent, so that reports are of that."""
        return self._may_send

    @property
    def insecure(self) -> bool:
        """Whether any certificate is accepted."""
        return self._prepared is not None and self._prepared.gateways.insecure

    @property
    def resume_command(self) -> str:
        """What goes on with it should it be stopped now; "" where nobody can know that whole."""
        if self._prepared is None or self._planned is None or self._database is None:
            return ""
        following = self._prepared.following(self._planned.plan, self._database.path)
        return shlex.join(following.resume(self._planned.plan.run_id))

    @property
    def emulated(self) -> bool:
        """Whether nothing leaves this machine."""
        return self._prepared is not None and self._prepared.gateways.emulated

    @property
    def needs_consent(self) -> bool:
        """Whether somebody must agree to the plan before it is executed."""
        if self._planned is None:
            return False
        plan = self._planned.plan
        return not self.emulated and plan.agents + plan.once_more > 0

    def prepare(self, *, stdin: BinaryIO | None = None) -> Plan:
        """Plan it in the ledger; nothing is sent. Blocks, so not for an event loop.

        Raises:
            BulkagentError: It cannot be done as asked; leaving the `with` takes what is in the
                ledger of it out again.
        """
        asked = self._asked
        refuse_on_behalf_of(asked.on_behalf_of)
        chosen = asked.settings if isinstance(asked, Request) else asked.choices
        ledger = chosen.ledger or default_path()
        if self._prepared is not None:
            refuse_reports(self._prepared.request, self._prepared.gateways, ledger)
            self._supply = self._supply_of(self._prepared)
        database = self._database = open_ledger(ledger, tell=self.warn)
        if exposed := exposure(ledger):
            self.warn(f"WARNING {exposed}")
        now_ms = self._clock.wall_ms()
        planned, prepared = prepare(
            asked,
            self._prepared,
            database,
            now_ms=now_ms,
            began_ms=self.began_ms,
            stdin=stdin,
        )
        if self._prepared is None:
            self._supply = self._supply_of(prepared)
        if not prepared.gateways.emulated:
            planned = _with_number(planned, prepared, database)
        self._planned, self._prepared = planned, prepared
        self._watches = watches_of(
            prepared.request.settings.verify_with,
            prepared.gateways,
            planned,
            database,
            self._supply,
        )
        if prepared.request.settings.durability == "full":
            # So is how each leg begins and ends, which exit codes and guardrails go by.
            self._database = Database(database.path, synced=True)
            database.close()
        refuse_outlets(prepared.request, prepared.gateways, ledger)
        self._log = EventLog(prepared.request.log_file, self._clock)
        self._log.run_id = planned.plan.run_id
        if prepared.request.events is not None:
            self._events = OutcomeEvents(prepared.request.events, planned.plan.run_id)
        self._reports = prepared.reports(planned.plan.run_id)
        for report in self._reports:
            probe(report)
        prepared.make_room(planned)
        self.timetable = timetable_of(asked, planned, prepared, database, now_ms=now_ms)
        override = self._override
        self._log.decided(
            f"run.{planned.plan.command}",
            **_briefly(planned.plan),
            **({"override": override} if override else {}),
            who=operator_name(),
            **({"on_behalf_of": asked.on_behalf_of} if asked.on_behalf_of else {}),
        )
        return planned.plan

    def discard(self) -> None:
        """Let a prepared run go: nobody agreed to it. A new one is taken out of the ledger."""
        if self._planned is not None and self._database is not None:
            if self._planned.new:
                forget_run(RunRecord(self._database, self._planned.run))
            self._planned.release()
            self._planned = None
            self._log.decided("run.discarded")

    async def execute(self) -> RunResult:
        """Send the plan, write the reports.

        Raises:
            Refused: Nothing was sent: a gateway cannot be reached at all, nobody agreed, a
                guardrail has not been answered, or it was stopped before the first request.
            Exception: A defect of bulkagent's own; what was recorded until then is in the ledger
                and in the reports.
        """
        planned, database, prepared = self._planned, self._database, self._prepared
        if planned is None or database is None or prepared is None:
            raise RuntimeError("a run must be prepared before it is executed")
        override = self._override
        if planned.plan.guardrail and not (override or self.agreed):
            raise GuardrailRefused(
                f"run {planned.plan.run_id} was halted: {planned.plan.guardrail}. Nothing was sent:"
                " a person must look; then answer the question, or give --override REASON",
                totals=planned.plan.totals,
            )
        if self.needs_consent and self.consent is None:
            raise ConsentRefused(
                "nobody agreed to the plan, so nothing was sent; give agree=, a function that is"
                " asked with it, or agree=True to agree beforehand",
                totals=planned.plan.totals,
            )
        await self._reach(planned, prepared)
        only = self._asked.only if isinstance(self._asked, Resume) else frozenset()
        # There before the leg begins, so that no signal falls between the two.
        sending = self._sending = LegSender(
            prepared.request,
            prepared.gateways,
            planned,
            database,
            supply=self._supply,
            only=only,
            clock=self._clock,
            uniform=self._uniform,
            settled=self._settled,
            tell=self.warn,
            log=self._log,
            watches=self._watches,
            events=self._events,
        )
        begun = await anyio.to_thread.run_sync(
            functools.partial(
                begin,
                self._asked,
                planned,
                prepared,
                database,
                override=override,
                consent=self.consent,
                now_ms=self._clock.wall_ms(),
            )
        )
        self._executed, leg = True, begun.leg
        self.begun()
        await self._make_way(begun, planned, prepared, database)
        self._may_send = True
        self._started = self._clock.monotonic()
        self._metrics = Metrics(
            prepared.request.metrics_file,
            planned.plan,
            prepared.request.settings.job,
            self._clock.wall_ms(),
        )
        await anyio.to_thread.run_sync(self._metrics.begun)
        error: Reason | None = None
        error_code = 1
        defect: BaseException | None = None
        presence = await anyio.to_thread.run_sync(FileIdentity, database.path)
        try:
            async with anyio.create_task_group() as watches:
                watches.start_soon(watch, planned.locks, self._clock, self._taken_over)
                watches.start_soon(watch_presence, presence, self._clock, self._without_ledger)
                await sending.run(leg)
                watches.cancel_scope.cancel()
        except* BulkagentError as failed:
            known = _first(failed)
            error, error_code = reason_of(known), known.exit_code
        except* Exception as failed:  # noqa: BLE001 - raised below, after the reports are written
            defect = failed
            error = Said("a defect in bulkagent; its traceback is kept")
        await self._look_at_last(presence)
        self.ended_ms = self._clock.wall_ms()
        counters = sending.counters
        self.finished = await anyio.to_thread.run_sync(
            functools.partial(
                finish,
                database,
                planned,
                leg,
                self._ending(sending, error, error_code),
                reasons=(*self._why_drained, *sending.reasons),
                not_attempted=sending.not_attempted,
                only=only,
                counters=counters,
                reports=self._reports,
                skip_reports=lambda: self._skip_reports,
                following=prepared.following(planned.plan, database.path),
                elapsed_s=self._clock.monotonic() - self._started - sending.looked_s,
                now_ms=self.ended_ms,
                settings=prepared.request.settings,
                seen_up=sending.seen_up,
                note="; ".join(
                    filter(None, (self._supply.note if self._supply else "", sending.out_of_step))
                ),
                unseen=sending.unseen,
                shared=sending.shared,
            )
        )
        await anyio.to_thread.run_sync(
            self._metrics.ended, self.finished.result, self._clock.wall_ms()
        )
        self._log.decided("run.finished", **msgspec.to_builtins(self.finished.result))
        if defect is not None:
            raise defect
        return self.finished.result

    async def _look_at_last(self, presence: FileIdentity) -> None:
        self._lost = self._lost or await anyio.to_thread.run_sync(presence.trouble)

    def _ending(self, sending: LegSender, error: Reason | None, error_code: int) -> LegEnding:
        counters, causes = sending.counters, sending.causes
        if error_code == Refused.exit_code and counters is not None and counters.requests:
            error_code = LedgerFailed.exit_code  # the other one would say that nothing was sent
        defect = error is not None and error_code == BulkagentError.exit_code
        if self._lost and not defect:
            return LegEnding(
                error=Said(self._lost), error_code=GuardrailRefused.exit_code, causes=causes
            )
        return LegEnding(
            signal=self._signal if Cause.INTERRUPTED in causes else None,
            error=error,
            error_code=error_code,
            causes=causes,
            taken_over=bool(self._drained_for),
        )

    async def _make_way(
        self, begun: Begun, planned: Planned, prepared: ResolvedRequest, database: Database
    ) -> None:
        """Have runs in the way leave what is this one's, and leave to later ones what is theirs.

        Raises:
            Refused: One does not, or it was stopped; the leg has ended by then.
        """
        refused: Refused | None = None
        if begun.waits:
            for taken in begun.ways.drained:
                self._log.decided("run.took_over", run=taken.run_id, agents=taken.agents)
            for taken in begun.ways.corrected:
                self._log.decided("run.corrected", run=taken.run_id, agents=taken.agents)
            with anyio.CancelScope() as self._reaching:
                try:
                    async with anyio.create_task_group() as watches:
                        watches.start_soon(watch, planned.locks, self._clock, self._taken_over)
                        await make_way(
                            database,
                            begun.ways,
                            run=planned.run,
                            by=planned.plan.run_id,
                            timeout_s=prepared.request.settings.timeout_s,
                            clock=self._clock,
                            tell=self._tell,
                        )
                        watches.cancel_scope.cancel()
                except* BulkagentError as failed:
                    known = _first(failed)
                    refused = known if isinstance(known, Refused) else Refused(str(known))
            self._reaching = None
        if self._drained_for:
            refused = GuardrailRefused(f"{TakenOver(self._drained_for)}; nothing was sent")
        elif self._signal is not None and begun.waits:
            refused = Interrupted("interrupted; nothing was sent", signal=self._signal)
        if refused is None:
            await anyio.to_thread.run_sync(
                functools.partial(
                    leave_to_later, self._asked, planned, database, consent=self.consent
                )
            )
            return
        refused.totals = planned.plan.totals
        self._log.decided("run.refused", reason=str(refused))
        now_ms = self._clock.wall_ms()
        await anyio.to_thread.run_sync(
            functools.partial(give_up, database, planned, begun.leg, refused, now_ms=now_ms)
        )
        raise refused

    def _taken_over(self, by: str) -> None:
        """Another run has asked for this one to be drained."""
        self._drained_for = by
        self.stop(signal.SIGTERM)

    def _without_ledger(self, trouble: str) -> None:
        """Nothing that is recorded from now on would be found again."""
        self._lost = trouble
        self._log.decided("run.ledger_lost", reason=trouble)
        self.warn(f"stopping: {trouble}")
        if self._sending is not None:
            self._sending.stop()

    def stop(self, number: int) -> None:
        """Admit nothing more for a signal; requests in flight finish, then reports are written."""
        self._signal = number
        self._log.decided("run.stop", signal=number)
        if self._reaching is not None:
            self._reaching.cancel()
        if self._sending is not None:
            self._sending.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well: their agents are `unknown`."""
        self._log.decided("run.cut_off")
        if self._sending is not None:
            self._sending.cancel()

    def skip_reports(self) -> None:
        """Leave the reports, also one that is being written: the ledger has all of it."""
        self._log.decided("run.reports_skipped")
        self._skip_reports = True

    def progress(self) -> Progress:
        """Where the run is."""
        sending = self._sending
        counters = sending.counters if sending else None
        return Progress(
            agents=(self._planned.plan.agents if self._planned else 0)
            + (sending.once_more if sending else 0),
            finished=counters.finished if counters else 0,
            by_status={str(k): v for k, v in counters.by_status.items()} if counters else {},
            requests=counters.requests if counters else 0,
            retries=counters.retries if counters else 0,
            not_sent=counters.not_sent if counters else 0,
            waiting=sending.waiting if sending else 0,
            awaited=sending.awaited if sending else 0,
            elapsed_s=self._clock.monotonic() - self._started,
            finish_by=self.finish_by,
            causes=dict(counters.by_cause) if counters else {},
            gateways=sending.gateways() if sending else (),
            groups=sending.groups if sending else (),
        )

    def _supply_of(self, prepared: ResolvedRequest) -> CredentialProvider | None:
        return credential_provider(prepared.request.settings, prepared.gateways, self._clock)

    @property
    def _why_drained(self) -> tuple[TakenOver, ...]:
        return (TakenOver(self._drained_for),) if self._drained_for else ()

    @property
    def _override(self) -> str:
        return "" if isinstance(self._asked, Revert) else self._asked.override

    @property
    def trouble(self) -> str:
        """What went wrong beside the run, for people; "" where nothing did."""
        outlets = (self._log, self._events, self._metrics)
        troubles = (outlet.trouble for outlet in outlets if outlet is not None)
        return "; ".join(filter(None, troubles))

    @property
    def unprinted(self) -> str:
        """Why outcomes did not fit where standard output goes; "" where they did."""
        return self._events.unprinted if self._events is not None else ""

    def _tell(self, text: str) -> None:
        self._log.decided("run.waiting", reason=text)
        self.warn(text)

    async def _reach(self, planned: Planned, prepared: ResolvedRequest) -> None:
        """Wait for the start, refuse gateways that no request can come to.

        Nothing was sent yet, so a signal ends it at once.
        """
        with anyio.CancelScope() as self._reaching:
            if self._signal is None:
                if self.waiting_for is not None and planned.names:
                    await await_start(
                        *(self.waiting_for, planned, prepared, self.timetable.agent),
                        clock=self._clock,
                        tell=self._tell,
                    )
                    self._log.decided("run.started")
                self.waiting_for = None  # also where there is nothing to wait for
                await reach_gateways(planned, prepared, self._clock)
        self._reaching = None
        if self._signal is not None:
            raise Interrupted(
                "interrupted; nothing was sent", signal=self._signal, totals=planned.plan.totals
            )


def _with_number(planned: Planned, prepared: ResolvedRequest, database: Database) -> Planned:
    """The plan with the number that a person has to type, where it takes many agents off."""

    def set_before(gateway: str, up_to: int) -> int:
        url = prepared.gateways.endpoint(gateway).url
        return agents_set_at(database, url, up_to=up_to)

    number = number_to_type(going_off(planned.plan.parts), set_before)
    if not number:
        return planned
    plan = msgspec.structs.replace(planned.plan, to_type=number)
    return msgspec.structs.replace(planned, plan=plan)


def _briefly(plan: Plan) -> dict[str, object]:
    facts = msgspec.to_builtins(plan)
    told = ("rows", "agents", "parts", "again", "superseded", "previous_unknown", "guardrail")
    return {name: facts[name] for name in told if facts[name]}


def _first(group: BaseExceptionGroup[BulkagentError]) -> BulkagentError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
