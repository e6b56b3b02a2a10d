"""Runs as they are in the ledger, for later queries."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from bulkagent.ledger import (
    Database,
    LeftTo,
    OutcomeGroup,
    RunFacts,
    RunFilter,
    RunRecord,
    VerificationCounts,
    default_path,
    elapsed_ms_of,
    endpoints_of,
    find_run,
    left_to,
    legs_of,
    list_runs,
    read_ledger,
    summarise,
    totals_of,
    verification_counts,
)
from bulkagent.model import Cause
from bulkagent.reports import iso
from bulkagent.run.history.exit_code import LegEnding, exit_status_of
from bulkagent.run.history.report import end_of
from bulkagent.run.plan.next_command import resume_command

_ANY = 1_000_000
"""Runs to look through for those in a state."""


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a list."""

    run_id: str
    state: str
    """`completed`, `halted`, `interrupted`; or `running`, `planning`, `not planned`."""
    exit_code: int | None
    created_at: str
    finished_at: str | None
    rows: int
    totals: Mapping[str, int]
    roster: str
    gateway: str
    flag: int | None
    legs: int
    reverts: str | None
    job: str = ""
    who: str | None = None
    """The user and machine that have begun its first leg."""
    note: str | None = None
    """The note of that user."""
    on_behalf_of: str | None = None
    """For whom they said that it was; a claim."""
    elapsed_s: float = 0.0
    """All its legs together that have ended."""


class LegLine(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of sending."""

    leg: int
    command: str
    started_at: str
    finished_at: str | None
    state: str | None
    exit_code: int | None
    reason: str | None
    override: str | None
    took_over: str | None = None
    who: str | None = None
    note: str | None = None
    consent: str | None = None
    on_behalf_of: str | None = None
    """`terminal`, `yes` or `program`; None where it needed nobody's."""
    drained_for: str | None = None
    """The run that took over, which ended it."""


class RunDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run."""

    run: RunLine
    gateways: Mapping[str, str]
    """Name to address."""
    requests: int
    """What the gateways could have seen."""
    retries: int
    """Of these, beyond the first for an agent."""
    not_sent: int
    """Further attempts, which sent nothing."""
    causes: Mapping[str, int]
    clusters: tuple[OutcomeGroup, ...]
    legs: tuple[LegLine, ...]
    verified: VerificationCounts | None = None
    """What the queues showed of the agents that are set; None: the run was not verified."""
    left_to: tuple[LeftTo, ...] = ()
    """For people: the agents that it has left to later runs."""
    next: str | None
    """The command to type now; None where nothing is left, or it is being worked on."""


def run_list(
    ledger: Path | None, limit: int, wanted: RunFilter | None = None, *, state: str | None = None
) -> list[RunLine]:
    """The latest runs of a ledger, the latest first.

    Args:
        ledger: The ledger; None: the platform's.
        limit: So many at most.
        wanted: Which ones.
        state: Only those in this state, which is not on disk alone.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    with read_ledger(ledger or default_path()) as database, database.snapshot():
        found = list_runs(database, limit if state is None else _ANY, wanted)
        stand = (facts for facts in found if state is None or end_of(facts)[0] == state)
        return [_line(database, facts) for facts in itertools.islice(stand, limit)]


def run_details(ledger: Path | None, name: str, config: Sequence[str] = ()) -> RunDetails:
    """One run.

    Args:
        ledger: The ledger; None: the platform's.
        name: A run ID or `last`.
        config: What a following command needs to read the same configuration.

    Raises:
        RunNotFound: There is no such run.
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_ledger(ledger or default_path()) as database, database.snapshot():
        facts = find_run(database, name)
        summary = summarise(RunRecord(database, facts.run))
        return RunDetails(
            run=_line(database, facts),
            gateways={at.gateway: at.url for at in endpoints_of(RunRecord(database, facts.run))},
            requests=summary.requests,
            retries=summary.retries,
            not_sent=summary.not_sent,
            verified=verification_counts(RunRecord(database, facts.run)),
            causes=summary.causes,
            left_to=left_to(RunRecord(database, facts.run))
            if Cause.SUPERSEDED in summary.causes
            else (),
            clusters=summary.clusters,
            legs=tuple(
                LegLine(
                    leg=leg.leg,
                    command=leg.command,
                    started_at=iso(leg.started_at),
                    finished_at=_moment(leg.finished_at),
                    state=leg.state,
                    exit_code=leg.exit_code,
                    reason=leg.reason,
                    override=leg.override,
                    took_over=leg.took_over,
                    who=leg.who,
                    note=leg.note,
                    consent=leg.consent,
                    on_behalf_of=leg.on_behalf_of,
                    drained_for=leg.drained_for,
                )
                for leg in legs_of(RunRecord(database, facts.run))
            ),
            next=resume_command(facts, database.path, config)
            if exit_status_of(summary.totals, summary.causes, LegEnding()).again
            and not facts.running
            else None,
        )


def _line(database: Database, facts: RunFacts) -> RunLine:
    record = RunRecord(database, facts.run)
    state, exit_code = end_of(facts)
    totals = totals_of(record)
    return RunLine(
        run_id=facts.id,
        state=state,
        exit_code=exit_code,
        created_at=iso(facts.created_at),
        finished_at=_moment(facts.finished_at),
        rows=sum(totals.values()),
        totals=totals,
        roster=facts.roster,
        gateway=facts.settings.get("default_gateway") or facts.settings.get("gateway") or "",
        # A revert gives each agent its own back, whatever the run before was asked for.
        flag=None if facts.reverts else facts.settings.get("flag"),
        legs=facts.legs,
        reverts=facts.reverts,
        job=facts.job,
        who=facts.who,
        note=facts.note,
        on_behalf_of=facts.on_behalf_of,
        elapsed_s=elapsed_ms_of(record) / 1000,
    )


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
