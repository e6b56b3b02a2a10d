"""One agent as the ledger knows it: in one run with every attempt, or over all runs."""

from __future__ import annotations

import shlex
from pathlib import Path

import msgspec

from bulkagent.errors import RunNotFound
from bulkagent.ledger import (
    LeftTo,
    RunRecord,
    attempts_of,
    default_path,
    find_run,
    history_of,
    left_to,
    lines_of_agent,
    read_ledger,
)
from bulkagent.reports import iso
from bulkagent.run.history.report import FLAGS
from bulkagent.run.plan.next_command import ledger_words


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


class AgentDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run has to do with one agent."""

    run_id: str
    agent_id: str
    rows: tuple[AgentRow, ...]
    left_to: tuple[LeftTo, ...] = ()
    """For people: the later runs that the agent was left to."""


class AgentRunLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one run wanted of an agent, and what came of it."""

    run_id: str
    row: int
    gateway: str
    flag: str
    status: str
    cause: str | None
    retcode: str
    attempts: int
    at: str
    """When the last request was sent; where none was, when the run was planned."""
    who: str | None


def agent_details(ledger: Path | None, name: str, agent_id: str) -> AgentDetails:
    """What a run has to do with one agent.

    Raises:
        RunNotFound: There is no such run, or it has no such agent.
        LedgerUnavailable: The ledger cannot be read.
    """
    path = ledger or default_path()
    with read_ledger(path) as database, database.snapshot():
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
                    for step in attempts_of(RunRecord(database, facts.run), line.row)
                ),
            )
            for line in lines_of_agent(RunRecord(database, facts.run), agent_id, FLAGS)
        )
        later = left_to(RunRecord(database, facts.run), agent_id)
    if not rows:
        search = shlex.join(("bulkagent", "runs", "--agent", agent_id, *ledger_words(path)))
        named = f"{facts.id} ({name})" if name == "last" else facts.id
        raise RunNotFound(
            f"run {named} has no agent {agent_id}; `{search}` lists the runs that have"
        )
    return AgentDetails(run_id=facts.id, agent_id=agent_id, rows=rows, left_to=later)


def agent_run_lines(ledger: Path | None, agent_id: str, limit: int) -> list[AgentRunLine]:
    """What the latest runs wanted of an agent, the latest first; none: no run names it.

    Raises:
        LedgerUnavailable: The ledger cannot be read.
    """
    with read_ledger(ledger or default_path()) as database, database.snapshot():
        return [
            AgentRunLine(
                run_id=found.run_id,
                row=found.row,
                gateway=found.gateway,
                flag=FLAGS.get(found.arguments, found.arguments),
                status=found.status,
                cause=found.cause,
                retcode=found.retcode,
                attempts=found.attempts,
                at=iso(found.sent_at or found.planned_at),
                who=found.who,
            )
            for found in history_of(database, agent_id, limit)
        ]
