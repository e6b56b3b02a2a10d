"""Runs as they are in the ledger, for whoever asks about them later.

What may live here: which facts of a run are told. What this room must not know: how they are
shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bulkagent.errors import RunNotFound
from bulkagent.ledger import (
    Cluster,
    Database,
    RunFacts,
    Verdicts,
    default_path,
    endpoints_of,
    find_run,
    legs_of,
    lines_of_agent,
    list_runs,
    open_ledger,
    steps,
    summarise,
    totals_of,
    verdicts_of,
)
from bulkagent.report import iso
from bulkagent.run.reporting import FLAGS, end_of
from bulkagent.run.verdict import Ending, judge

__all__ = ["AgentStory", "RunLine", "RunStory", "agent_story", "run_list", "run_story"]


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
    """Who has begun its first leg."""
    note: str | None = None


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


class RunStory(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run."""

    run: RunLine
    gateways: Mapping[str, str]
    """Name to address."""
    requests: int
    retries: int
    causes: Mapping[str, int]
    clusters: tuple[Cluster, ...]
    legs: tuple[LegLine, ...]
    verified: Verdicts | None = None
    """What was seen of the agents that are set; None where nobody looked."""
    next: str | None
    """The command to type now; None where nothing is left, or it is being worked on."""


class AttemptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    attempt: int
    sent_at: str
    ended: str
    """The retcode or fault that it ended with."""
    http_status: int | None
    latency_ms: float | None
    message: str


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the roster that names the agent."""

    row: int
    gateway: str
    flag: str
    status: str
    cause: str | None
    retcode: str
    message: str
    attempts: tuple[AttemptLine, ...]


class AgentStory(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run has to do with one agent."""

    run_id: str
    agent_id: str
    rows: tuple[AgentRow, ...]


def run_list(ledger: Path | None, limit: int, *, job: str | None = None) -> list[RunLine]:
    """The latest runs of a ledger, the latest first; of a job alone where one is named.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    with open_ledger(ledger or default_path()) as database, database.snapshot():
        return [_line(database, facts) for facts in list_runs(database, limit, job=job)]


def run_story(ledger: Path | None, name: str) -> RunStory:
    """One run.

    Raises:
        RunNotFound: There is no such run.
        LedgerUnavailable: The ledger cannot be read.
    """
    with open_ledger(ledger or default_path()) as database, database.snapshot():
        facts = find_run(database, name)
        summary = summarise(database, facts.run)
        return RunStory(
            run=_line(database, facts),
            gateways={at.gateway: at.url for at in endpoints_of(database, facts.run)},
            requests=summary.requests,
            retries=summary.retries,
            verified=verdicts_of(database, facts.run),
            causes=summary.causes,
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
                )
                for leg in legs_of(database, facts.run)
            ),
            next=f"bulkagent resume {facts.id}"
            if judge(summary.totals, summary.causes, Ending()).again and not facts.running
            else None,
        )


def agent_story(ledger: Path | None, name: str, agent_id: str) -> AgentStory:
    """What a run has to do with one agent.

    Raises:
        RunNotFound: There is no such run, or it has no such agent.
        LedgerUnavailable: The ledger cannot be read.
    """
    with open_ledger(ledger or default_path()) as database, database.snapshot():
        facts = find_run(database, name)
        rows = tuple(
            AgentRow(
                row=line.row,
                gateway=line.gateway,
                flag=line.flag,
                status=line.status,
                cause=line.cause,
                retcode=line.retcode,
                message=line.message,
                attempts=tuple(
                    AttemptLine(
                        attempt=step.attempt,
                        sent_at=iso(step.sent_at),
                        ended=step.disposition,
                        http_status=step.http_status,
                        latency_ms=step.latency_ms,
                        message=step.message or "",
                    )
                    for step in steps(database, facts.run, line.row)
                ),
            )
            for line in lines_of_agent(database, facts.run, agent_id, FLAGS)
        )
    if not rows:
        raise RunNotFound(f"run {facts.id} has no agent {agent_id}; check the ID")
    return AgentStory(run_id=facts.id, agent_id=agent_id, rows=rows)


def _line(database: Database, facts: RunFacts) -> RunLine:
    state, exit_code = end_of(facts)
    totals = totals_of(database, facts.run)
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
    )


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
