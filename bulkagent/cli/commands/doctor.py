"""`bulkagent doctor`: is everything as a run at a gateway needs it; and what does its site do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained, leaving_on_signals
from bulkagent.cli.console.terminal import print_data, print_json, width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bulkagent.diagnostics import Finding

__all__ = ["doctor"]


def doctor(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    gateway: options.GatewayName = None,
    roster: Annotated[
        str | None,
        typer.Option("--roster", metavar="PATH", help="Ask with the GUID of its first agent too."),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="ID", help="Ask about this agent; reads, sets nobody."),
    ] = None,
    pilot: Annotated[
        str | None,
        typer.Option(
            "--pilot",
            metavar="ID",
            help="Set this test agent to 0 and to 1, and say what to configure for this site.",
        ),
    ] = None,
    yes: options.Yes = False,  # noqa: FBT002 - an option
    as_json: options.Json = False,  # noqa: FBT002 - an option
    concurrency: options.Concurrency = None,
    timeout: options.Timeout = None,
    connect_timeout: options.ConnectTimeout = None,
    sessions: options.Sessions = None,
    guid_url: options.GuidUrl = None,
    guid_ca_file: options.GuidCaFile = None,
    verify_with: options.VerifyWith = None,
    ca_file: options.CaFile = None,
    tls_server_name: options.TlsServerName = None,
    client_cert: options.ClientCert = None,
    insecure: options.Insecure = False,  # noqa: FBT002 - an option
    agent_id_range: options.AgentIdRange = None,
    ledger: options.Ledger = None,
    config: options.Config = None,
    scenario: options.Scenario = None,
) -> None:
    """Look whether all is well between here and a gateway; say what to fix. Sets nobody.

    With --pilot, and consent, it sets one test agent to 0 and to 1 and says what this site does.

    Example: bulkagent doctor --gateway east --roster shift.csv

    Example: bulkagent doctor --gateway east --pilot 4711 --roster test.csv --verify-with 105:7
    """
    with explained(as_json=as_json):
        from bulkagent.cli.console.event_loop import run_on_loop
        from bulkagent.cli.options import values as given
        from bulkagent.clock import SystemClock
        from bulkagent.diagnostics import CheckRequest, CheckStatus, run_checks
        from bulkagent.run import EMULATED, Target

        settings = given.settings_from(
            config,
            emulated=gateway == EMULATED,
            concurrency=concurrency,
            timeout=timeout,
            connect_timeout=connect_timeout,
            sessions=sessions,
            guid_url=guid_url,
            guid_ca_file=guid_ca_file,
            verify_with=verify_with,
            agent_id_range=agent_id_range,
            ledger=ledger,
        )
        asked = CheckRequest(
            target=Target(
                gateway=gateway or "",
                scenario=scenario,
                ca_file=ca_file,
                client_cert=client_cert,
                tls_server_name=tls_server_name or "",
                insecure=insecure,
            ),
            settings=settings,
            roster=roster or "",
            agent=(agent if pilot is None else pilot) or "",
        )
        if pilot is not None:
            from bulkagent.cli.commands.pilot import carry_out_pilot

            raise typer.Exit(carry_out_pilot(asked, yes=yes, as_json=as_json))
        with leaving_on_signals():
            found = run_on_loop(run_checks(asked, SystemClock()))
        failed = any(each.verdict is CheckStatus.FAILED for each in found)
        _print(found, as_json=as_json)
    raise typer.Exit(2 if failed else 0)


def _print(found: Sequence[Finding], *, as_json: bool) -> None:
    from bulkagent.cli.render.table import table

    if as_json:
        print_json({"findings": found})
        return
    width = width_of(sys.stdout)
    rows = [(each.verdict, each.check, each.seen) for each in found]
    lines = table(("", "check", "seen"), rows).split("\n")
    lines.extend(f"fix     {each.check}: {each.fix}" for each in found if each.fix)
    print_data("\n".join(part for line in lines for part in wrapped(line, width)))
