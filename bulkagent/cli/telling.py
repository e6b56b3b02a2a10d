"""What `runs` and `show` print for people.

What may live here: records to text. What this room must not know: where records come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bulkagent.cli.screen import clusters_as_lines, count
from bulkagent.cli.verified_screen import verified_as_lines
from bulkagent.outcome import Cause
from bulkagent.report import printable

if TYPE_CHECKING:
    from bulkagent.run import AgentStory, RunLine, RunStory

__all__ = ["agent", "listing", "run"]


def listing(runs: Sequence[RunLine]) -> str:
    """Runs as a table, a line each."""
    jobs = any(line.job for line in runs)
    rows = [("run", "state", "exit", "applied", "of", "flag", "gateway", "roster", "job")]
    for line in runs:
        state = line.state if line.legs < 2 else f"{line.state} ({line.legs} legs)"  # noqa: PLR2004
        rows.append(
            (
                printable(line.run_id),
                printable(state),
                "" if line.exit_code is None else str(line.exit_code),
                f"{line.totals.get('applied', 0):,}",
                f"{line.rows:,}",
                "" if line.flag is None else str(line.flag),
                printable(line.gateway),
                f"revert of {line.reverts}" if line.reverts else printable(line.roster),
                printable(line.job),
            )
        )
    # A column that is empty in every row would only make a narrow terminal narrower.
    shown = len(rows[0]) if jobs else len(rows[0]) - 1
    widths = [max(len(row[column]) for row in rows) for column in range(shown)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    )


_NUMBERS = frozenset({2, 3, 4})


def run(story: RunStory) -> str:
    """One run: what was asked for, each leg, how its rows stand."""
    line = story.run
    code = "" if line.exit_code is None else f", exit {line.exit_code}"
    text = [f"run     {line.run_id}: {line.state}{code}"]
    if line.reverts:
        text.append(f"revert  of {line.reverts}")
    if line.job:
        text.append(f"job     {line.job}")
    text.append(f"roster  {line.roster}: {count(line.rows, 'row')}")
    text.extend(f"gateway {name}: {url}" for name, url in story.gateways.items())
    for leg in story.legs:
        end = f" to {leg.finished_at}: {leg.state}, exit {leg.exit_code}" if leg.finished_at else ""
        text.append(f"leg {leg.leg:<4}{leg.command}, {leg.started_at}{end}")
        if leg.took_over:
            text.append(f"        took over from run {leg.took_over}")
        if leg.override:
            text.append(f"        overridden: {leg.override}")
        if leg.reason:
            text.append(f"        {leg.reason}")
    totals = ", ".join(f"{number:,} {status}" for status, number in line.totals.items() if number)
    text.append(f"rows    {totals or 'none'}")
    text.append(f"sent    {count(story.requests, 'request')}, {story.retries:,} of them retries")
    clusters = story.clusters
    if line.state == "running":  # what is not sent yet has not been stopped by anything
        clusters = tuple(group for group in clusters if group.cause is not Cause.INTERRUPTED)
    text.extend(clusters_as_lines(clusters))
    text.extend(verified_as_lines(story.verified))
    if story.next:
        text.append(f"next    {story.next}")
    return "\n".join(printable(part) for part in text)


def agent(story: AgentStory) -> str:
    """One agent of a run: each row that names it, and every attempt."""
    text = [f"agent   {story.agent_id} in run {story.run_id}"]
    for row in story.rows:
        because = f", {row.cause}" if row.cause else ""
        said = f" ({row.retcode or row.message})" if row.retcode or row.message else ""
        flag = f", flag {row.flag}" if row.flag else ""
        text.append(f"row {row.row:<4} {row.gateway}{flag}: {row.status}{because}{said}")
        for attempt in row.attempts:
            took = "" if attempt.latency_ms is None else f", {attempt.latency_ms:.1f} ms"
            http = f", HTTP {attempt.http_status}" if attempt.http_status else ""
            message = f", {attempt.message}" if attempt.message else ""
            text.append(
                f"  {attempt.attempt:>3}  {attempt.sent_at}  {attempt.ended}{http}{took}{message}"
            )
    return "\n".join(printable(part) for part in text)
