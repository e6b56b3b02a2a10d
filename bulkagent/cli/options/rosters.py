"""Options about rosters: what is read, and how.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from typing import Annotated

import typer

from bulkagent.cli.options.option import option

__all__ = [
    "AgentColumn",
    "AgentIdRange",
    "Delimiter",
    "Encoding",
    "OtherRoster",
    "RosterPath",
    "SkipInvalid",
]

RosterPath = Annotated[
    str, typer.Argument(metavar="ROSTER", help="CSV file of agents; - is standard input.")
]
SkipInvalid = Annotated[
    str | None,
    option(
        "--skip-invalid",
        env=False,
        metavar="[N]",
        help="Go on without invalid rows, N at most; the report has them."
        "  [1 % of the rows, at least 3]",
    ),
]
Encoding = Annotated[
    str | None,
    option(
        "--encoding",
        metavar="NAME",
        help="The roster's encoding, such as gb18030.  [UTF-8, or UTF-16 with a BOM]",
    ),
]
Delimiter = Annotated[
    str | None, option("--delimiter", metavar="CHAR", help="The roster's delimiter.  [detected]")
]
AgentColumn = Annotated[
    str | None,
    option("--agent-column", metavar="NAME", help="The column of agent IDs.  [found by its name]"),
]
AgentIdRange = Annotated[
    str | None,
    option(
        "--agent-id-range",
        metavar="A-B",
        help="Agent IDs that the gateway knows.  [101-59999; 101-999999 since AICC 25.200]",
    ),
]
OtherRoster = Annotated[
    str | None,
    option(
        "--roster",
        env=False,
        metavar="PATH",
        help="Take GUIDs from this roster, which may be another than the run's; - is standard"
        " input.",
    ),
]
