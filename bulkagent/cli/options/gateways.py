"""Options about gateways: which one, how it is trusted, and where its GUIDs come from.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from bulkagent.cli.options import completion as completing
from bulkagent.cli.options.option import option

__all__ = [
    "CaFile",
    "ClientCert",
    "GatewayName",
    "GuidCaFile",
    "GuidUrl",
    "Insecure",
    "RunAddress",
    "Scenario",
    "Sessions",
    "TlsServerName",
]

GatewayName = Annotated[
    str | None,
    option(
        "--gateway",
        metavar="URL|NAME",
        help="https://HOST:PORT, a name from bulkagent.toml, or emulated.",
        autocompletion=completing.gateways,
    ),
]
RunAddress = Annotated[
    str | None,
    option(
        "--gateway",
        env=False,
        metavar="URL",
        help="The run's gateway is right to be there, whatever its name means today.",
    ),
]
Sessions = Annotated[
    Path | None,
    option(
        "--sessions",
        metavar="FILE",
        help="Take GUIDs from this file, CSV or JSON Lines, which another process keeps up to date;"
        " the roster's guid column is not looked at.",
    ),
]
GuidUrl = Annotated[
    str | None,
    option(
        "--guid-url",
        metavar="URL",
        help="Ask this service for each GUID, {agentid} and {gateway} filled in; the roster's guid"
        " column is not looked at.",
    ),
]
GuidCaFile = Annotated[
    Path | None,
    option("--guid-ca-file", metavar="PATH", help="PEM file of the private CA of --guid-url."),
]
CaFile = Annotated[
    Path | None, option("--ca-file", metavar="PEM", help="Trust this CA instead of the system's.")
]
ClientCert = Annotated[
    Path | None,
    option("--client-cert", metavar="PEM", help="Certificate and key to present to the gateway."),
]
TlsServerName = Annotated[
    str | None,
    option("--tls-server-name", metavar="NAME", help="Name to expect in the certificate."),
]
Insecure = Annotated[
    bool, option("--insecure", env=False, help="Accept any certificate. Warns on each run.")
]
Scenario = Annotated[
    Path | None, option("--scenario", metavar="TOML", help="Faults of the emulated gateway.")
]
