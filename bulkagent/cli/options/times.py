"""Options about times of day: when a run starts, and when it should be done.

What may live here: names and help. What this room must not know: what a command does with them.
Both times are of one day, so neither comes from the environment: what some profile exported
yesterday would be past, or meant for another run.
"""

from __future__ import annotations

from typing import Annotated

from bulkagent.cli.options.option import option

__all__ = ["FinishBy", "StartAt", "TimeZone"]

StartAt = Annotated[
    str | None,
    option(
        "--start-at",
        env=False,
        metavar="WHEN",
        help="Wait until this time of day: 07:45, tomorrow 07:45, 2026-03-29T07:45+02:00.",
    ),
]
FinishBy = Annotated[
    str | None,
    option(
        "--finish-by",
        env=False,
        metavar="WHEN",
        help="Say beforehand whether it can be done by this time, and how it stands; never stops.",
    ),
]
TimeZone = Annotated[
    str | None,
    option(
        "--time-zone",
        metavar="NAME",
        help="The zone of times of day, such as Europe/Berlin.  [the machine's]",
    ),
]
