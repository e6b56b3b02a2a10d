"""The text of `runs` and `show` for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bulkagent.cli.console.labels import Label, labelled
from bulkagent.cli.render.counts import count, sent
from bulkagent.cli.render.left_to import left_to_as_lines
from bulkagent.cli.render.result import clusters_as_lines, next_as_lines
from bulkagent.cli.render.schedule import local_time
from bulkagent.cli.render.table import table
from bulkagent.cli.render.verification import verified_as_lines
from bulkagent.instants import duration_text
from bulkagent.model import Cause
from bulkagent.reports import printable

if TYPE_CHECKING:
    from bulkagent.run import AgentDetails, AgentRunLine, RunDetails, RunLine
    from bulkagent.run.history.runs import LegLine


def listing(runs: Sequence[RunLine], width: int | None = None) -> str:
    """Runs as a table, a line each.

    Args:
        runs: The latest first.
        width: Columns that there are; None: as many as it takes.
    """
    return table(
        _HEADS,
        [
            (
                line.run_id,
                line.state if line.legs < 2 else f"{line.state} ({line.legs} legs)",  # noqa: PLR2004
                "" if line.exit_code is None else str(line.exit_code),
                f"{line.totals.get('applied', 0):,}",
                f"{line.rows:,}",
                "" if line.flag is None else str(line.flag),
                _took(line.elapsed_s) if line.finished_at else "",
                line.gateway,
                f"revert of {line.reverts}" if line.reverts else line.roster,
                line.job,
                line.who or "",
                line.note or "",
            )
            for line in runs
        ],
        numbers=("exit", "applied", "of", "took"),
        spare=("who", "note", "took", "flag", "gateway", "roster", "job", "exit"),
        width=width,
        told=True,
    )


_HEADS = (
    *("run", "state", "exit", "applied", "of", "flag", "took", "gateway", "roster", "job"),
    *("who", "note"),
)


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else duration_text(seconds)  # noqa: PLR2004 - reads well


def past(actions: Sequence[AgentRunLine], width: int | None = None) -> str:
    """What runs wanted of one agent, a line each, the latest first."""
    return table(
        ("at", "run", "gateway", "flag", "status", "cause", "retcode", "requests", "who"),
        [
            (
                *(
                    local_time(action.at),
                    action.run_id,
                    action.gateway,
                    action.flag,
                    action.status,
                    action.cause or "",
                ),
                *(action.retcode, str(action.attempts), action.who or ""),
            )
            for action in actions
        ],
        numbers=("requests",),
        spare=("who", "requests", "retcode", "cause", "gateway", "at"),
        width=width,
        told=True,
    )


def run_as_data(details: RunDetails) -> dict[str, Any]:
    """One run for programs: the keys that they were promised."""
    fields: dict[str, Any] = msgspec.to_builtins(details)
    for group in fields["clusters"]:
        group.pop("common", None)
    fields.pop("left_to", None)
    return fields


def agent_as_data(details: AgentDetails) -> dict[str, Any]:
    """One agent of a run for programs: the keys that they were promised."""
    fields: dict[str, Any] = msgspec.to_builtins(details)
    del fields["left_to"]
    return fields


def run(details: RunDetails) -> str:
    """One run: what was asked for, each leg, how its rows stand."""
    line = details.run
    text = [*_facts(details)]
    for leg in details.legs:
        text.extend(_leg(leg, line))
    totals = ", ".join(f"{number:,} {status}" for status, number in line.totals.items() if number)
    text.append(f"rows    {totals or 'none'}")
    text.append(labelled(Label.SENT, sent(details.requests, details.retries, details.not_sent)))
    clusters = details.clusters
    if line.state == "running":  # what is not sent yet has not been stopped by anything
        clusters = tuple(group for group in clusters if group.cause is not Cause.INTERRUPTED)
    text.extend(clusters_as_lines(clusters, left_to_as_lines(details.left_to)))
    text.extend(verified_as_lines(details.verified))
    if details.next:
        text.extend(next_as_lines(details.next, halted=line.state == "halted"))
    return "\n".join(printable(part) for part in text)


def _facts(details: RunDetails) -> Iterator[str]:
    line = details.run
    code = "" if line.exit_code is None else f", exit {line.exit_code}"
    yield labelled(Label.RUN, f"{line.run_id}: {line.state}{code}")
    if line.reverts:
        yield f"revert  of {line.reverts}"
    for name, fact in (
        ("job", line.job),
        ("who", line.who),
        ("claim", line.on_behalf_of and f"on behalf of {line.on_behalf_of}"),
        ("note", line.note),
    ):
        if fact:
            yield f"{name:<8}{fact}"
    roster = "standard input" if line.roster == "-" else line.roster
    yield labelled(Label.ROSTER, f"{roster}: {count(line.rows, 'row')}")
    for name, url in details.gateways.items():
        yield f"gateway {name}" if url == name else f"gateway {name}: {url}"


def _leg(leg: LegLine, line: RunLine) -> Iterator[str]:
    began = local_time(leg.started_at)
    end = ""
    if leg.finished_at:
        end = f" to {local_time(leg.finished_at)}: {leg.state}, exit {leg.exit_code}"
    yield f"leg {leg.leg:<4}{leg.command}, {began}{end}"
    said = (
        ("by ", leg.who if leg.who != line.who else None),
        (
            "claimed to be on behalf of ",
            leg.on_behalf_of if leg.on_behalf_of != line.on_behalf_of else None,
        ),
        ("note: ", leg.note if leg.note != line.note else None),
        ("took over from run ", leg.took_over),
        ("drained for run ", leg.drained_for),
        ("overridden: ", leg.override),
        ("", leg.reason),
    )
    for word, fact in said:
        if fact:
            yield f"        {word}{fact}"


def agent(details: AgentDetails) -> str:
    """One agent of a run: each row that names it, and every attempt."""
    text = [f"agent   {details.agent_id} in run {details.run_id}"]
    for row in details.rows:
        because = f", {row.cause}" if row.cause else ""
        said = f" ({row.retcode or row.message})" if row.retcode or row.message else ""
        flag = f", flag {row.flag}" if row.flag else ""
        text.append(f"row {row.row:<4} {row.gateway}{flag}: {row.status}{because}{said}")
        for attempt in row.attempts:
            took = "" if attempt.latency_ms is None else f", {attempt.latency_ms:.1f} ms"
            http = f", HTTP {attempt.http_status}" if attempt.http_status else ""
            message = f", {attempt.message}" if attempt.message else ""
            at = local_time(attempt.sent_at, milliseconds=True) if attempt.sent_at else "-"
            text.append(f"  {attempt.attempt:>3}  {at}  {attempt.ended}{http}{took}{message}")
    text.extend(labelled(Label.NOTHING, line) for line in left_to_as_lines(details.left_to))
    return "\n".join(printable(part) for part in text)
