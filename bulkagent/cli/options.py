"""The options that commands share, each with its environment variable.

What may live here: names, help, and how explicit options become settings. What this room
must not know: what a command does with them. Consent and intent (`--yes`, `--flag`,
`--insecure`) have no environment variable on purpose: a shift must not be set by what some
profile exported years ago.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bulkagent.settings import Settings

__all__ = [
    "AgentColumn",
    "AgentIdRange",
    "CaFile",
    "ClientCert",
    "Concurrency",
    "Config",
    "ConnectTimeout",
    "Delimiter",
    "Encoding",
    "Flag",
    "GatewayName",
    "Insecure",
    "Json",
    "Ledger",
    "MaxAgents",
    "MaxAttempts",
    "Rate",
    "Reports",
    "RosterPath",
    "Scenario",
    "SkipInvalid",
    "Timeout",
    "TlsServerName",
    "Yes",
    "settings_from",
]


def _option(*names: str, help: str, env: bool = True, **more: Any) -> Any:  # noqa: A002 - Typer's word
    long = next(name for name in names if name.startswith("--"))
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
    int | None,
    _option(
        "--concurrency",
        metavar="N",
        help="Requests in flight at once, at each gateway.  [16; emulated: 64]",
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
MaxAttempts = Annotated[
    int | None, _option("--max-attempts", metavar="N", help="Requests for one agent.  [8]")
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


def settings_from(
    config: Path | None,
    *,
    emulated: bool = False,
    rate: str | None = None,
    connect_timeout: str | None = None,
    timeout: str | None = None,
    agent_id_range: str | None = None,
    **explicit: object,
) -> Settings:
    """Settings of explicit options over the configuration file over the defaults.

    Raises:
        SettingsRefused: One of them is wrong.
    """
    from bulkagent import quantities
    from bulkagent.settings import Settings, find_config, load_config

    given = {name: value for name, value in explicit.items() if value is not None}
    if rate is not None:
        given["per_second"] = quantities.rate_per_second(rate)
    if connect_timeout is not None:
        given["connect_timeout_s"] = quantities.duration_s(connect_timeout)
    if timeout is not None:
        given["timeout_s"] = quantities.duration_s(timeout)
    if agent_id_range is not None:
        given["agent_id_range"] = quantities.agent_id_range(agent_id_range)
    return Settings.resolve(given, load_config(find_config(config)), emulated=emulated)
