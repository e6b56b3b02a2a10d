"""Options about limits: how hard a gateway is pushed, for how long, and when a run ends early.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from typing import Annotated

from bulkagent.cli.options.option import option

__all__ = [
    "Burst",
    "Concurrency",
    "ConnectTimeout",
    "Deadline",
    "GiveUpAfter",
    "Grace",
    "Halt",
    "HaltFirst",
    "MaxAgents",
    "MaxAttempts",
    "Rate",
    "ResendAfterSwitchover",
    "RetryFor",
    "Timeout",
]

Concurrency = Annotated[
    str | None,
    option(
        "--concurrency",
        metavar="N|auto|auto:A-B",
        help="Requests in flight at once, at each gateway; auto: as many as it bears, 4 to 256 or"
        " A to B.  [16; emulated: 64]",
    ),
]
Rate = Annotated[
    str | None,
    option(
        "--rate",
        metavar="N/s|none",
        help="Requests started a second (100/s) or minute (300/m), at each gateway."
        "  [100/s; emulated: none]",
    ),
]
Burst = Annotated[
    int | None,
    option("--burst", metavar="N", help="Requests that may start at once under the rate.  [1]"),
]
MaxAttempts = Annotated[
    int | None,
    option(
        "--max-attempts",
        metavar="N",
        help="Attempts for one agent before it is put off to the end of the run.  [8]",
    ),
]
RetryFor = Annotated[
    str | None,
    option(
        "--retry-for",
        metavar="TIME",
        help="How long an agent whose attempts are spent is tried again, when all others are done;"
        " or none.  [2m]",
    ),
]
GiveUpAfter = Annotated[
    str | None,
    option(
        "--give-up-after",
        metavar="TIME",
        help="A gateway that was down for so long gets nothing more (exit 5)."
        "  [5m; 30s where it never answered in this run]",
    ),
]
ResendAfterSwitchover = Annotated[
    bool | None,
    option(
        "--resend-after-switchover/--no-resend-after-switchover",
        help="Send those once more who were set before the gateway switched over.",
    ),
]
ConnectTimeout = Annotated[
    str | None,
    option("--connect-timeout", metavar="TIME", help="Name, connection and TLS together.  [3s]"),
]
Timeout = Annotated[
    str | None,
    option(
        "--timeout",
        metavar="TIME",
        help="When a reply is overdue; it is read on for as long again.  [10s]",
    ),
]
Deadline = Annotated[
    str | None,
    option(
        "--deadline", metavar="TIME", help="Admit nothing more after so long (exit 5), or none."
    ),
]
Grace = Annotated[
    str | None,
    option(
        "--grace",
        metavar="TIME",
        help="How long requests in flight may take once the run is stopped.  [15s]",
    ),
]
Halt = Annotated[
    str | None,
    option(
        "--halt",
        metavar="fail=N%|fail=N",
        help="Halt (exit 6) when so many of the finished agents, 50 at least, are not applied;"
        " or none.",
    ),
]
HaltFirst = Annotated[
    int | None,
    option(
        "--halt-first",
        metavar="N",
        help="Halt a gateway (exit 6) whose first N agents all get one verdict of wrong set-up;"
        " 0: never.  [50]",
    ),
]
MaxAgents = Annotated[
    int | None, option("--max-agents", metavar="N", help="Refuse a larger roster (exit 6).")
]
