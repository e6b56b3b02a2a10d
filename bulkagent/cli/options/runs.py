"""Options about runs: what is done with one, where it is kept, and what is said of it.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bulkagent.cli.options import completion as completing
from bulkagent.cli.options.option import option
from bulkagent.cli.options.progress_mode import Showing

__all__ = [
    "AssumeOpposite",
    "Config",
    "Durability",
    "Events",
    "Flag",
    "Json",
    "Ledger",
    "LogFile",
    "MaxAge",
    "MetricsFile",
    "Note",
    "OnBehalfOf",
    "Only",
    "OrResume",
    "Override",
    "Progress",
    "Quiet",
    "Reports",
    "RunName",
    "TrustState",
    "Yes",
]

Flag = Annotated[
    int | None,
    option(
        "--flag",
        min=0,
        max=1,
        env=False,
        metavar="0|1",
        help="1: may take inbound calls, 0: may not. Not with a flag column in the roster.",
    ),
]
Yes = Annotated[
    bool, option("--yes", env=False, help="Agree beforehand; otherwise a person is asked.")
]
Json = Annotated[bool, option("--json", help="Print one JSON object on stdout.")]
Progress = Annotated[
    Showing,
    option(
        "--progress",
        help="How progress is shown; where there is no terminal, bar is plain.",
    ),
]
Quiet = Annotated[
    bool,
    option("--quiet", "-q", help="Say nothing where every agent is set; else the last screen."),
]
Reports = Annotated[
    list[Path] | None,
    option(
        "--report",
        metavar="PATH",
        help="Where the report goes: .csv, .json, .jsonl, .html or .xlsx; repeatable."
        " Default: ROSTER.RUN.report.csv in the current folder.",
    ),
]
Ledger = Annotated[
    Path | None,
    option("--ledger", metavar="PATH", help="The ledger; default: the platform's state folder."),
]
Config = Annotated[
    Path | None,
    option(
        "--config",
        metavar="PATH",
        help="Configuration; default: bulkagent.toml here, then in the platform's folder.",
    ),
]
Durability = Annotated[
    str | None,
    option(
        "--durability",
        metavar="normal|full",
        help="full: the ledger survives the loss of power too; slower.  [normal]",
    ),
]
LogFile = Annotated[
    Path | None,
    option("--log-file", metavar="PATH", help="Log every attempt and decision as JSON Lines."),
]
Events = Annotated[
    Path | None,
    option(
        "--events",
        metavar="PATH",
        help="Write each outcome as it happens, as JSON Lines; - is stdout, not with --json.",
    ),
]
MetricsFile = Annotated[
    Path | None,
    option(
        "--metrics-file",
        metavar="PATH",
        help="Leave metrics for Prometheus's node exporter there (its textfile collector).",
    ),
]
OrResume = Annotated[
    bool,
    option(
        "--or-resume",
        help="Go on with the latest run of the same roster, flag and gateway if it is unfinished.",
    ),
]
Override = Annotated[
    str | None,
    option(
        "--override",
        env=False,
        metavar="REASON",
        help="Resume a halted run all the same; the reason is recorded.",
    ),
]
MaxAge = Annotated[
    str | None,
    option(
        "--max-age",
        metavar="TIME",
        help="Do not resume a run that nobody has been at work on for so long.  [2h]",
    ),
]
TrustState = Annotated[
    str | None,
    option(
        "--trust-state",
        metavar="TIME",
        help="How long a recorded talk right is taken for what the agent had.  [8h]",
    ),
]
Note = Annotated[
    str | None,
    option("--note", metavar="TEXT", help="Kept with the run and shown with it: a ticket, a why."),
]
OnBehalfOf = Annotated[
    str | None,
    option(
        "--on-behalf-of",
        metavar="TEXT",
        help="For whom an orchestrator runs it; kept and shown as claimed.",
    ),
]
Only = Annotated[
    str | None,
    option(
        "--only",
        env=False,
        metavar="CAUSE,...",
        help="Only agents with one of these causes.",
        autocompletion=completing.causes,
    ),
]
AssumeOpposite = Annotated[
    bool,
    option(
        "--assume-opposite",
        env=False,
        help="Take agents of whom nothing is known to have had the other talk right.",
    ),
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run ID, the beginning of one, or the word last.",
        autocompletion=completing.run_names,
    ),
]
