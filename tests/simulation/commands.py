"""The commands as simulated processes carry them out: `bulkagent.cli` without a terminal.

Everything below the command line is the product's own code.
"""

from __future__ import annotations

import asyncio
import contextlib
import csv
import signal
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bulkagent.blocking import in_thread
from bulkagent.errors import BulkagentError, ConsentRefused, Interrupted
from bulkagent.instants import Instant
from bulkagent.ledger import read_ledger
from bulkagent.model import Cause
from bulkagent.run import Choices, Consent, PreparedRun, Request, Resume, Revert, Run, write_report
from bulkagent.run.api import check
from bulkagent.run.history.prune import old_runs, prune
from bulkagent.run.history.runs import run_details, run_list
from tests.simulation.draw.rosters import flag_of, gateway_of
from tests.simulation.draw.settings import NOT_KEPT, fields_of, settings_of
from tests.simulation.history import Ended, ReportRow
from tests.simulation.process import Process
from tests.simulation.world import SENDING, Command, CommandKind, World

_LEAST_THOUGHT_S, _MOST_THOUGHT_S = 0.5, 8.0
_DEFECT = 1


class Site(msgspec.Struct):
    """Where the commands of a morning are at work."""

    world: World
    folder: Path
    ledger: Path
    run_of: Callable[[str], str]
    """The run ID that a word such as `last` or `process:3` means; "" where there is none yet."""


class CommandAtWork:
    """One command of one process.

    Args:
        process: The process.
        command: What it was started with.
        site: Where.
    """

    def __init__(self, process: Process, command: Command, site: Site) -> None:
        self.process = process
        self.command = command
        self.site = site
        self.began_s = process.loop.time()
        self.ahead_s = process.clock.ahead_s
        self.run_id = ""
        self.sends = False
        self.said: list[str] = []
        self.settings: Mapping[str, Any] = {}
        self._prepared: PreparedRun | None = None
        self._executing = False
        self._signals = 0

    @property
    def report(self) -> Path:
        """Where its CSV report goes."""
        return self._file("report", ".csv")

    def outputs(self) -> dict[str, Any]:
        """Where all goes that it writes, as fields of a request."""
        asked = self.command.files
        return {
            "reports": (
                self.report,
                *(self._file("report", suffix) for suffix in asked if suffix.startswith(".")),
            ),
            "log_file": self._file("log", ".jsonl") if "log" in asked else None,
            "events": self._file("events", ".jsonl") if "events" in asked else None,
            "metrics_file": self._file("metrics", ".prom") if "metrics" in asked else None,
        }

    def _file(self, what: str, suffix: str) -> Path:
        return self.site.folder / f"{what}-{self.process.number}{suffix}"

    def signal(self, number: int) -> None:
        """What `bulkagent.cli` does with a signal."""
        self._signals += 1
        run = self._prepared
        if run is None or not self._executing:
            self.process.interrupted = Interrupted("interrupted; nothing was sent", signal=number)
            if self._task is not None:
                self._task.cancel()
        elif self._signals == 1:
            run.stop(number)
        elif self._signals == 2:
            run.cancel()
        else:
            run.skip_reports()

    async def carry_out(self) -> Ended:
        """Do it, whatever comes of it."""
        result: Mapping[str, Any] = {}
        told = ""
        self._task: asyncio.Task[Any] | None = None
        try:
            result = await _DO[self.command.kind](self)
            sent = self.command.kind in SENDING
            exit_code = int(result.get("exit_code") or 0) if sent else 0
        except BulkagentError as error:
            exit_code = error.exit_code
            self.said.append(f"bulkagent: {error}")
        except Exception:  # noqa: BLE001 - the judge says that there must be none
            exit_code, told = _DEFECT, traceback.format_exc()
        return self.ended(exit_code, result, told)

    def ended(self, exit_code: int, result: Mapping[str, Any] = {}, told: str = "") -> Ended:
        """Its end."""
        return Ended(
            process=self.process.number,
            command=self.command,
            began_s=self.began_s,
            ended_s=self.process.loop.time(),
            exit_code=exit_code,
            run_id=self.run_id,
            sent_for=self.run_id if self.sends else "",
            result=result,
            report=rows_of(self.report),
            reports={
                found.name: found.read_bytes()
                for found in sorted(self.site.folder.glob(f"*-{self.process.number}.*"))
            },
            said=tuple(self.said),
            traceback=told,
            settings=self.settings,
            ahead_s=self.ahead_s,
            most_tasks=self.process.most_tasks,
        )

    async def send(self, request: Request | Resume | Revert) -> Mapping[str, Any]:
        """Prepare, ask, execute, as `bulkagent.cli.commands.run_flow` does."""
        process, command = self.process, self.command
        run = Run(request, clock=process.clock, uniform=process.random.random)
        run.warn = self.said.append
        with run:
            prepared = await self._before_the_loop(run.prepare)
            self.run_id = prepared.plan.run_id
            self.settings = {
                name: getattr(prepared._leg.settings, name)
                for name in prepared._leg.settings.__struct_fields__
            }
            asks = (bool(prepared.plan.guardrail) and not command.override) or (
                prepared.needs_consent and command.person
            )
            beside = await self._before_the_loop(
                lambda: prepared.beside(Consent.TERMINAL if asks else Consent.YES)
            )
            if beside.refused is not None and asks and command.person:
                raise beside.refused
            consent = None if command.person else Consent.YES
            answered = False
            if asks and command.person:
                await self._think()
                consent, answered = Consent.TERMINAL, bool(prepared.plan.guardrail)
            elif prepared.needs_consent and command.person:
                raise ConsentRefused("nobody agreed")
            prepared.begun = self._begun
            self._prepared, self._executing = prepared, True
            try:
                finished = await prepared.execute(consent, answered=answered)
            finally:
                self._executing = False
                self.sends = prepared.may_send
            if finished.defect is not None:
                raise finished.defect
        found: Mapping[str, Any] = msgspec.to_builtins(finished.result)
        return found

    def _begun(self) -> None:
        self.sends = True

    async def _before_the_loop(self, call: Callable[[], Any]) -> Any:
        """Make a call that a signal ends at once, at its next look at the disk."""
        try:
            return await in_thread(call)
        finally:
            if self.process.interrupted is not None:
                error, self.process.interrupted = self.process.interrupted, None
                raise error

    async def _think(self) -> None:
        """Read the plan, and agree."""
        seconds = self.process.random.uniform(_LEAST_THOUGHT_S, _MOST_THOUGHT_S)
        self._task = asyncio.create_task(self.process.clock.sleep(seconds))
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._task = None
        if self.process.interrupted is not None:
            error, self.process.interrupted = self.process.interrupted, None
            raise error

    def choices(self) -> Choices:
        """Of a command about a run in the ledger."""
        folder, world = self.site.folder, self.site.world
        given = fields_of(self.command.settings, folder)
        every = {name: world.settings[name] for name in world.settings.keys() & NOT_KEPT}
        return Choices(
            explicit={**given, "ledger": self.site.ledger}, environment=fields_of(every, folder)
        )

    def times(self) -> dict[str, Any]:
        """When it is to start sending and should be done, as fields of a request."""
        now_ms = self.process.clock.wall_ms()
        asked = {"start_at": self.command.start_in_s, "finish_by": self.command.finish_in_s}
        return {name: Instant(now_ms + round(in_s * 1000)) for name, in_s in asked.items() if in_s}


async def _apply(at: CommandAtWork) -> Mapping[str, Any]:
    command = at.command
    settings = settings_of(at.site.world, command, at.site.folder)
    roster = next(each for each in at.site.world.rosters if each.name == command.roster)
    return await at.send(
        Request(
            roster=str(at.site.folder / f"{command.roster}.csv"),
            gateway=gateway_of(roster),
            flag=flag_of(roster),
            settings=settings,
            skip_invalid=command.skip_invalid,
            or_resume=command.or_resume,
            override="the simulation looked" if command.override else "",
            take_over=_taken_over(at),
            **at.outputs(),
            **at.times(),
        )
    )


async def _resume(at: CommandAtWork) -> Mapping[str, Any]:
    return await at.send(
        Resume(
            run=at.site.run_of(at.command.run),
            choices=at.choices(),
            only=frozenset(map(Cause, at.command.only)),
            override="the simulation looked" if at.command.override else "",
            take_over=_taken_over(at),
            **at.outputs(),
            **at.times(),
        )
    )


async def _revert(at: CommandAtWork) -> Mapping[str, Any]:
    return await at.send(
        Revert(
            run=at.site.run_of(at.command.run),
            choices=at.choices(),
            assume_opposite=at.command.assume_opposite,
            take_over=_taken_over(at),
            **at.outputs(),
            **at.times(),
        )
    )


def _taken_over(at: CommandAtWork) -> tuple[str, ...]:
    named = at.command.take_over
    if named in {"", "all"}:
        return (named,) if named else ()
    return (at.site.run_of(named),)


async def _report(at: CommandAtWork) -> Mapping[str, Any]:
    run = at.site.run_of(at.command.run)

    def write() -> Mapping[str, Any]:
        with read_ledger(at.site.ledger) as database:
            found: dict[str, Any] = msgspec.to_builtins(write_report(database, run, at.report))
            # These are the run's, not this command's.
            del found["exit_code"], found["state"]
            return found

    return await in_thread(write)


async def _show(at: CommandAtWork) -> Mapping[str, Any]:
    details = await in_thread(run_details, at.site.ledger, at.site.run_of(at.command.run))
    return {"shown": msgspec.to_builtins(details)}


async def _runs(at: CommandAtWork) -> Mapping[str, Any]:
    listed = await in_thread(run_list, at.site.ledger, 20)
    return {"listed": msgspec.to_builtins(listed)}


async def _prune(at: CommandAtWork) -> Mapping[str, Any]:
    now_ms = at.process.clock.wall_ms()
    ledger, older_than_s = at.site.ledger, at.command.older_than_s
    old = await in_thread(lambda: old_runs(ledger, older_than_s, now_ms=now_ms))
    return {"pruned": msgspec.to_builtins(await in_thread(prune, ledger, old))}


async def _check(at: CommandAtWork) -> Mapping[str, Any]:
    roster = str(at.site.folder / f"{at.command.roster}.csv")
    settings = settings_of(at.site.world, at.command, at.site.folder)
    plan = await in_thread(lambda: check(roster, request=Request(roster=roster, settings=settings)))
    return {"plan": msgspec.to_builtins(plan)}


_DO: Mapping[CommandKind, Callable[[CommandAtWork], Awaitable[Mapping[str, Any]]]] = {
    CommandKind.APPLY: _apply,
    CommandKind.RESUME: _resume,
    CommandKind.REVERT: _revert,
    CommandKind.REPORT: _report,
    CommandKind.SHOW: _show,
    CommandKind.RUNS: _runs,
    CommandKind.PRUNE: _prune,
    CommandKind.CHECK: _check,
}


def rows_of(report: Path) -> tuple[ReportRow, ...]:
    """The rows of a CSV report; none where there is none."""
    try:
        with report.open(encoding="utf-8-sig", newline="") as file:
            return tuple(
                ReportRow(
                    row=int(line["row"]),
                    attempts=int(line["attempts"] or 0),
                    **{
                        name: line[name]
                        for name in ReportRow.__struct_fields__
                        if name not in {"row", "attempts"}
                    },
                )
                for line in csv.DictReader(file)
            )
    except FileNotFoundError:
        return ()


STOPPED = frozenset({128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)})
"""The exit codes of a command that a signal ended."""
