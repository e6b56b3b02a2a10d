"""Preparing a plan: by apply, resume or revert."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import BinaryIO

import msgspec

from bulkagent.errors import BulkagentError
from bulkagent.ledger import Database, RunRecord, forget_run, overlaps
from bulkagent.model import Cause
from bulkagent.run.clients.credentials import provided_elsewhere
from bulkagent.run.clients.gateways import Gateways
from bulkagent.run.clients.open_files import make_room
from bulkagent.run.outputs.report_paths import expanded
from bulkagent.run.plan.apply import Planned, plan_run
from bulkagent.run.plan.next_command import NextCommands, ledger_words
from bulkagent.run.plan.recorded import RecordedRun
from bulkagent.run.plan.request import Plan, Request, Resume, Revert
from bulkagent.run.plan.resume import plan_resume
from bulkagent.run.plan.revert import plan_revert
from bulkagent.run.plan.same_roster import resume_instead
from bulkagent.settings import Settings


class ResolvedRequest(msgspec.Struct, frozen=True):
    """The request that a run is carried out by, and where its gateways are."""

    request: Request
    gateways: Gateways

    def reports(self, run_id: str) -> tuple[Path, ...]:
        """Where reports go; without a wish, one CSV file in the current folder."""
        stem = "stdin" if self.request.roster == "-" else Path(self.request.roster).stem
        job = self.request.settings.job
        named = tuple(expanded(path, run_id, job) for path in self.request.reports)
        return named or (Path(f"{stem}.{run_id}.report.csv"),)


class PlannedLeg(msgspec.Struct, frozen=True):
    """One leg of a run, as it is in the ledger and may begin."""

    asked: Request | Resume | Revert
    resolved: ResolvedRequest
    planned: Planned
    database: Database

    @property
    def plan(self) -> Plan:
        """The plan as people see it."""
        return self.planned.plan

    @property
    def record(self) -> RunRecord:
        """The run in the ledger."""
        return RunRecord(self.database, self.planned.run)

    @property
    def settings(self) -> Settings:
        """What it is carried out by."""
        return self.resolved.request.settings

    @property
    def gateways(self) -> Gateways:
        """Where it goes."""
        return self.resolved.gateways

    @property
    def only(self) -> frozenset[Cause]:
        """Only what ended with one of these causes is sent; none: whatever the cause."""
        return self.asked.only if isinstance(self.asked, Resume) else frozenset()

    @property
    def override(self) -> str:
        """Why a guardrail is overridden; "" where it is not."""
        return "" if isinstance(self.asked, Revert) else self.asked.override

    @property
    def next_commands(self) -> NextCommands:
        """The commands that may be typed next."""
        request, plan = self.resolved.request, self.plan
        place = (*ledger_words(self.database.path), *request.place)
        opposite = ("bulkagent", "revert", plan.origin, "--assume-opposite")
        return NextCommands(
            place,
            request.repeat,
            (*opposite, *request.repeat, *place) if plan.previous_unknown else (),
            roster_needed=request.roster == "-" and not provided_elsewhere(request.settings),
        )

    def make_room(self) -> None:
        """See to enough open files.

        Raises:
            SettingsRefused: There cannot be enough.
        """
        in_flight = sum(self.settings.limits(name).most_in_flight for name in self.planned.names)
        # An emulated gateway holds the other end of each connection.
        ends = 2 if self.gateways.emulated else 1
        make_room(in_flight * ends)


def prepare(
    asked: Request | Resume | Revert,
    known: ResolvedRequest | None,
    database: Database,
    *,
    now_ms: int,
    began_ms: int,
    stdin: BinaryIO | None,
) -> tuple[Planned, ResolvedRequest]:
    """Plan what is asked for in the ledger.

    Args:
        asked: A roster to apply, or a run to resume or to revert.
        known: What was known of a new run before the ledger was opened.
        database: The ledger.
        now_ms: Time of day.
        began_ms: When the command began.
        stdin: What standard input is.

    Raises:
        BulkagentError: It cannot be done as asked; nothing of it is left in the ledger.
    """
    if isinstance(asked, Resume):
        planned, recorded = plan_resume(asked, database, now_ms=now_ms, stdin=stdin)
        return _beside(planned, database), _of(recorded)
    if isinstance(asked, Revert):
        planned, recorded = plan_revert(asked, database, now_ms=now_ms, stdin=stdin)
        return _beside(planned, database), _of(recorded)
    prepared = known or ResolvedRequest(asked, Gateways(asked.target, asked.settings))
    planned = plan_run(asked, prepared.gateways, database, now_ms=now_ms, stdin=stdin)
    if asked.or_resume:
        try:
            planned = resume_instead(database, planned, asked, now_ms=now_ms, began_ms=began_ms)
        except BaseException:
            forget_run(RunRecord(database, planned.run))
            planned.release()
            raise
    return _beside(planned, database), prepared


def _beside(planned: Planned, database: Database) -> Planned:
    """The plan with the runs in progress that have some of its agents, for the one who agrees."""
    found: dict[str, int] = {}
    with contextlib.suppress(BulkagentError):  # what stands against it is looked at once more
        found = {
            overlap.run_id: overlap.agents for overlap in overlaps(RunRecord(database, planned.run))
        }
    plan = msgspec.structs.replace(planned.plan, at_work=found) if found else planned.plan
    return msgspec.structs.replace(planned, plan=plan)


def _of(recorded: RecordedRun) -> ResolvedRequest:
    return ResolvedRequest(recorded.request, recorded.gateways)
