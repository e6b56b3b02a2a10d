"""The options that commands share, each with its environment variable.

What may live here: names and help. What this room must not know: what a command does with them.
Consent and intent (`--yes`, `--flag`, `--insecure`, `--override`) have no environment variable on
purpose: a shift must not be set by what some profile exported years ago.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "AgentColumn",
    "AgentIdRange",
    "AssumeOpposite",
    "Burst",
    "CaFile",
    "ClientCert",
    "Concurrency",
    "Config",
    "ConnectTimeout",
    "Deadline",
    "Delimiter",
    "Durability",
    "Encoding",
    "Flag",
    "GatewayName",
    "GiveUpAfter",
    "Grace",
    "Halt",
    "HaltFirst",
    "Insecure",
    "Json",
    "Ledger",
    "LogFile",
    "MaxAge",
    "MaxAgents",
    "MaxAttempts",
    "Only",
    "OrResume",
    "OtherRoster",
    "Override",
    "Rate",
    "Reports",
    "ResendAfterSwitchover",
    "RetryFor",
    "RosterPath",
    "RunName",
    "Scenario",
    "SkipInvalid",
    "Timeout",
    "TlsServerName",
    "TrustState",
    "Yes",
]


def _option(*names: str, help: str, env: bool = True, **more: Any) -> Any:  # noqa: A002 - Typer's word
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "BULKAGENT_" + long.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=help, envvar=variable if env else None, **more)


RosterPath = Annotated[
    str, typer.Argument(metavar="ROSTER", help="CSV file of agents; - is standard input.")
]
GatewayName = Annotated[
    str | None,
    _option(
        "--gateway",
        metavar="URL|NAME",
        help="https://HOST:PORT, a name from bulkagent.toml, or emulated.",
    ),
]
Flag = Annotated[
    int | None,
    _option(
        "--flag",
        min=0,
        max=1,
        env=False,
        metavar="0|1",
        help="1: may take inbound calls, 0: may not. Not with a flag column in the roster.",
    ),
]
Yes = Annotated[
    bool, _option("--yes", env=False, help="Agree beforehand; otherwise a person is asked.")
]
SkipInvalid = Annotated[
    bool, _option("--skip-invalid", help="Go on without invalid rows; the report has them.")
]
Json = Annotated[bool, _option("--json", help="Print one JSON object on stdout.")]
Reports = Annotated[
    list[Path] | None,
    _option(
        "--report",
        metavar="PATH",
        help="Where the report goes: .csv, .json or .jsonl; repeatable."
        " Default: ROSTER.RUN.report.csv in the current folder.",
    ),
]
Ledger = Annotated[
    Path | None,
    _option("--ledger", metavar="PATH", help="The ledger; default: the platform's state folder."),
]
Config = Annotated[
    Path | None,
    _option(
        "--config",
        metavar="PATH",
        help="Configuration; default: bulkagent.toml here, then in the platform's folder.",
    ),
]
Concurrency = Annotated[
    str | None,
    _option(
        "--concurrency",
        metavar="N|auto|auto:A-B",
        help="Requests in flight at once, at each gateway; auto: as many as it bears, 4 to 256 or"
        " A to B.  [16; emulated: 64]",
    ),
]
Rate = Annotated[
    str | None,
    _option(
        "--rate",
        metavar="N/s|none",
        help="Requests started a second (100/s) or minute (300/m), at each gateway."
        "  [100/s; emulated: none]",
    ),
]
Burst = Annotated[
    int | None,
    _option("--burst", metavar="N", help="Requests that may start at once under the rate.  [1]"),
]
MaxAttempts = Annotated[
    int | None,
    _option(
        "--max-attempts",
        metavar="N",
        help="Requests for one agent before it is put off to the end of the run.  [8]",
    ),
]
RetryFor = Annotated[
    str | None,
    _option(
        "--retry-for",
        metavar="TIME",
        help="How long an agent whose attempts are spent is tried again, when all others are done;"
        " or none.  [2m]",
    ),
]
GiveUpAfter = Annotated[
    str | None,
    _option(
        "--give-up-after",
        metavar="TIME",
        help="A gateway that was down for so long gets nothing more (exit 5)."
        "  [5m; 30s where it never answered in this run]",
    ),
]
ResendAfterSwitchover = Annotated[
    bool | None,
    _option(
        "--resend-after-switchover/--no-resend-after-switchover",
        help="Send those once more who were set before the gateway switched over.",
    ),
]
ConnectTimeout = Annotated[
    str | None,
    _option("--connect-timeout", metavar="TIME", help="Name, connection and TLS together.  [3s]"),
]
Timeout = Annotated[
    str | None, _option("--timeout", metavar="TIME", help="One request in all.  [10s]")
]
AgentIdRange = Annotated[
    str | None,
    _option(
        "--agent-id-range",
        metavar="A-B",
        help="Agent IDs that the gateway knows.  [101-59999; 101-999999 since AICC 25.200]",
    ),
]
MaxAgents = Annotated[
    int | None, _option("--max-agents", metavar="N", help="Refuse a larger roster (exit 6).")
]
Encoding = Annotated[
    str | None,
    _option(
        "--encoding",
        metavar="NAME",
        help="The roster's encoding, such as gb18030.  [UTF-8, or UTF-16 with a BOM]",
    ),
]
Delimiter = Annotated[
    str | None, _option("--delimiter", metavar="CHAR", help="The roster's delimiter.  [detected]")
]
AgentColumn = Annotated[
    str | None,
    _option("--agent-column", metavar="NAME", help="The column of agent IDs.  [found by its name]"),
]
CaFile = Annotated[
    Path | None, _option("--ca-file", metavar="PEM", help="Trust this CA instead of the system's.")
]
ClientCert = Annotated[
    Path | None,
    _option("--client-cert", metavar="PEM", help="Certificate and key to present to the gateway."),
]
TlsServerName = Annotated[
    str | None,
    _option("--tls-server-name", metavar="NAME", help="Name to expect in the certificate."),
]
Insecure = Annotated[
    bool, _option("--insecure", env=False, help="Accept any certificate. Warns on each run.")
]
Scenario = Annotated[
    Path | None, _option("--scenario", metavar="TOML", help="Faults of the emulated gateway.")
]


Deadline = Annotated[
    str | None,
    _option(
        "--deadline", metavar="TIME", help="Admit nothing more after so long (exit 5), or none."
    ),
]
Grace = Annotated[
    str | None,
    _option(
        "--grace",
        metavar="TIME",
        help="How long requests in flight may take once the run is stopped.  [15s]",
    ),
]
Halt = Annotated[
    str | None,
    _option(
        "--halt",
        metavar="fail=N%|fail=N",
        help="Halt (exit 6) when so many of the finished agents, 50 at least, are not applied;"
        " or none.",
    ),
]
HaltFirst = Annotated[
    int | None,
    _option(
        "--halt-first",
        metavar="N",
        help="Halt a gateway (exit 6) whose first N agents all get one verdict of wrong set-up;"
        " 0: never.  [50]",
    ),
]
Durability = Annotated[
    str | None,
    _option(
        "--durability",
        metavar="normal|full",
        help="full: the ledger survives the loss of power too; slower.  [normal]",
    ),
]
LogFile = Annotated[
    Path | None,
    _option("--log-file", metavar="PATH", help="Log every attempt and decision as JSON Lines."),
]
OrResume = Annotated[
    bool,
    _option(
        "--or-resume",
        help="Go on with the latest run of the same roster, flag and gateway if it is unfinished.",
    ),
]
Override = Annotated[
    str | None,
    _option(
        "--override",
        env=False,
        metavar="REASON",
        help="Resume a halted run all the same; the reason is recorded.",
    ),
]
MaxAge = Annotated[
    str | None,
    _option(
        "--max-age",
        metavar="TIME",
        help="Do not resume a run that nobody has been at work on for so long.  [2h]",
    ),
]
TrustState = Annotated[
    str | None,
    _option(
        "--trust-state",
        metavar="TIME",
        help="How long a recorded talk right is taken for what the agent had.  [8h]",
    ),
]
Only = Annotated[
    str | None,
    _option("--only", env=False, metavar="CAUSE,...", help="Only agents with one of these causes."),
]
OtherRoster = Annotated[
    str | None,
    _option(
        "--roster",
        env=False,
        metavar="PATH",
        help="Take GUIDs from this roster, which may be another than the run's; - is standard"
        " input.",
    ),
]
AssumeOpposite = Annotated[
    bool,
    _option(
        "--assume-opposite",
        env=False,
        help="Take agents of whom nothing is known to have had the other talk right.",
    ),
]
RunName = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run ID, the beginning of one, or the word last."),
]
