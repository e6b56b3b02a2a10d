"""One run, composed: roster to ledger, ledger through the engine to the gateways, and back.

What may live here: the order of things and who is given what. What this room must not know:
terminals, exit signals' names, file formats.
"""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import BinaryIO, Self

import anyio
import anyio.to_thread

from bulkagent.clock import Clock, SystemClock
from bulkagent.engine import Bulkhead, Engine, Limits, RetryPolicy
from bulkagent.errors import BulkagentError, LedgerFailed, Refused, SettingsRefused
from bulkagent.gateway.client import GatewayClient
from bulkagent.gateway.guids import PackedGuids
from bulkagent.gateway.operations import OPERATIONS, SET_TALK_RIGHT
from bulkagent.ledger import (
    Database,
    Journal,
    default_path,
    forget_run,
    open_ledger,
    planned_rows,
)
from bulkagent.outcome import Assignment, Attempt, Outcome
from bulkagent.report import probe
from bulkagent.run.finishing import Finished, finish
from bulkagent.run.gateways import Gateways
from bulkagent.run.open_files import make_room
from bulkagent.run.planning import Planned, plan_run
from bulkagent.run.reporting import same_file
from bulkagent.run.request import Plan, Progress, Request, RunResult
from bulkagent.run.verdict import Ending

__all__ = ["Run"]


class Run:
    """One run: `prepare`, then `execute` or `discard`, within a `with`.

    Args:
        request: What to do.
        clock: Time; the machine's by default.
        uniform: Numbers from 0 up to 1 for the jitter of retries.
        settled: Called with each outcome once it is on disk.
    """

    def __init__(
        self,
        request: Request,
        *,
        clock: Clock | None = None,
        uniform: Callable[[], float] = random.random,
        settled: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._request = request
        self._clock: Clock = clock or SystemClock()
        self._uniform = uniform
        self._settled = settled
        self._gateways = Gateways(request)
        self._database: Database | None = None
        self._planned: Planned | None = None
        self._reports: tuple[Path, ...] = ()
        self._engine: Engine[Assignment, Attempt] | None = None
        self._journal: Journal | None = None
        self._signal: int | None = None
        self._started = 0.0
        self._executed = False
        self.finished: Finished | None = None
        """The end of the run, once it has come to one; also where `execute` raised a defect."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if not self._executed:
            with contextlib.suppress(BulkagentError):  # it may be what went wrong
                self.discard()
        if self._database is not None:
            self._database.close()
            self._database = None

    @property
    def insecure(self) -> bool:
        """Whether any certificate is accepted."""
        return self._gateways.insecure

    @property
    def emulated(self) -> bool:
        """Whether nothing leaves this machine."""
        return self._gateways.emulated

    def prepare(self, *, stdin: BinaryIO | None = None) -> Plan:
        """Read the roster into the ledger; nothing is sent. Blocks, so not for an event loop.

        Raises:
            BulkagentError: It cannot be done as asked; leaving the `with` takes what is in the
                ledger of it out again.
        """
        request = self._request
        self._refuse_reports()
        database = self._database = open_ledger(request.settings.ledger or default_path())
        planned = plan_run(
            request, self._gateways, database, now_ms=self._clock.wall_ms(), stdin=stdin
        )
        self._planned = planned
        self._reports = request.reports
        if not self._reports:
            self._reports = (_default_report(request.roster, planned.plan.run_id),)
            probe(self._reports[0])
        self._make_room(planned)
        return planned.plan

    def discard(self) -> None:
        """Take a prepared run out of the ledger again: nobody agreed to it."""
        if self._planned is not None and self._database is not None:
            forget_run(self._database, self._planned.run)
            self._planned = None

    async def execute(self) -> RunResult:
        """Send the plan, write the reports.

        Raises:
            Exception: A defect of bulkagent's own; what was recorded until then is in the ledger
                and in the reports.
        """
        if self._planned is None or self._database is None:
            raise RuntimeError("a run must be prepared before it is executed")
        planned, database = self._planned, self._database
        self._started = self._clock.monotonic()
        self._executed = True
        error, error_code = None, 1
        defect: BaseException | None = None
        try:
            await self._send(planned, database)
        except* BulkagentError as failed:
            known = _first(failed)
            error, error_code = str(known), known.exit_code
        except* Exception as failed:  # noqa: BLE001 - raised below, after the reports are written
            defect = failed
            error = "a defect in bulkagent; its traceback is kept"
        counters = self._journal.counters if self._journal else None
        if error_code == Refused.exit_code and counters is not None and counters.requests:
            error_code = LedgerFailed.exit_code  # the other one would say that nothing was sent
        self.finished = await anyio.to_thread.run_sync(
            functools.partial(
                finish,
                database,
                planned,
                Ending(signal=self._signal, error=error, error_code=error_code),
                counters=counters,
                reports=self._reports,
                command=self._request.command,
                elapsed_s=self._clock.monotonic() - self._started,
                now_ms=self._clock.wall_ms(),
            )
        )
        if defect is not None:
            raise defect
        return self.finished.result

    def stop(self, signal: int) -> None:
        """Admit nothing more; requests in flight finish, then reports are written."""
        self._signal = signal
        if self._engine is not None:
            self._engine.stop()

    def cancel(self) -> None:
        """Cut requests in flight off as well: their agents are `unknown`."""
        if self._engine is not None:
            self._engine.cancel()

    def progress(self) -> Progress:
        """Where the run is."""
        counters = self._journal.counters if self._journal else None
        bulkheads = self._engine.bulkheads if self._engine else ()
        return Progress(
            agents=self._planned.plan.agents if self._planned else 0,
            finished=counters.finished if counters else 0,
            by_status={str(k): v for k, v in counters.by_status.items()} if counters else {},
            requests=counters.requests if counters else 0,
            retries=counters.retries if counters else 0,
            waiting=sum(bulkhead.parked for bulkhead in bulkheads),
            elapsed_s=self._clock.monotonic() - self._started,
        )

    async def _send(self, planned: Planned, database: Database) -> None:
        names = list(dict.fromkeys(lane.gateway for lane in planned.lanes))
        async with AsyncExitStack() as stack:
            guids = planned.guids
            if self.emulated:
                guids = await self._gateways.emulate(
                    stack, names, planned_rows(database, planned.run)
                )
            journal = await stack.enter_async_context(
                Journal(
                    database,
                    planned.run,
                    operation=SET_TALK_RIGHT.name,
                    lanes=[lane.lane for lane in planned.lanes],
                    clock=self._clock,
                    settled=self._settled,
                )
            )
            bulkheads = [
                Bulkhead(
                    name,
                    [lane.lane for lane in planned.lanes if lane.gateway == name],
                    journal,
                    (await stack.enter_async_context(self._client(name, guids))).attempt,
                    limits=self._limits(),
                    policy=RetryPolicy(max_attempts=self._request.settings.max_attempts),
                    clock=self._clock,
                    random=self._uniform,
                )
                for name in names
            ]
            self._journal = journal
            self._engine = Engine(bulkheads)
            if self._signal is None:
                await self._engine.run()

    def _refuse_reports(self) -> None:
        """Refuse reports that cannot be written, or would take the place of something else."""
        request = self._request
        read = [Path(request.roster), request.scenario, request.ca_file, request.client_cert]
        taken = [path for path in (*read, request.settings.ledger) if path is not None]
        for report in request.reports:
            probe(report)
            if any(same_file(report, path) for path in taken):
                raise SettingsRefused(f"the report {report} would replace a file that is in use")
            taken.append(report)

    def _make_room(self, planned: Planned) -> None:
        gateways = len({lane.gateway for lane in planned.lanes})
        # An emulated gateway holds the other end of each connection.
        ends = 2 if self.emulated else 1
        make_room(gateways * self._request.settings.concurrency * ends)

    def _client(self, name: str, guids: PackedGuids) -> GatewayClient:
        settings = self._request.settings
        return GatewayClient(
            self._gateways.endpoint(name),
            OPERATIONS[SET_TALK_RIGHT.name],
            guids,
            connect_timeout_s=settings.connect_timeout_s,
            timeout_s=settings.timeout_s,
            clock=self._clock,
        )

    def _limits(self) -> Limits:
        settings = self._request.settings
        return Limits(concurrency=settings.concurrency, per_second=settings.per_second)


def _default_report(roster: str, run_id: str) -> Path:
    stem = "stdin" if roster == "-" else Path(roster).stem
    return Path(f"{stem}.{run_id}.report.csv")


def _first(group: BaseExceptionGroup[BulkagentError]) -> BulkagentError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
