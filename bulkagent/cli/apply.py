"""`bulkagent apply`: the main job."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bulkagent.cli import options
from bulkagent.cli.ending import explained
from bulkagent.cli.terminal import agreed, print_data, say

if TYPE_CHECKING:
    from bulkagent.run import Plan, Run, RunResult

__all__ = ["apply"]


def apply(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    roster: options.RosterPath,
    gateway: options.GatewayName = None,
    flag: options.Flag = None,
    yes: options.Yes = False,  # noqa: FBT002 - an option
    report: options.Reports = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    skip_invalid: options.SkipInvalid = False,  # noqa: FBT002 - an option
    max_agents: options.MaxAgents = None,
    concurrency: options.Concurrency = None,
    rate: options.Rate = None,
    max_attempts: options.MaxAttempts = None,
    timeout: options.Timeout = None,
    connect_timeout: options.ConnectTimeout = None,
    ca_file: options.CaFile = None,
    tls_server_name: options.TlsServerName = None,
    client_cert: options.ClientCert = None,
    insecure: options.Insecure = False,  # noqa: FBT002 - an option
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    agent_column: options.AgentColumn = None,
    agent_id_range: options.AgentIdRange = None,
    ledger: options.Ledger = None,
    config: options.Config = None,
    scenario: options.Scenario = None,
) -> None:
    """Set every agent of a roster, and write a report with one line per row.

    Example: bulkagent apply shift.csv --flag 0 --gateway https://agw.example:8043 --ca-file ca.pem
    """
    import typer

    with explained(as_json=as_json):
        from bulkagent.run import EMULATED, Request, Run

        request = Request(
            roster=roster,
            gateway=gateway or "",
            flag=flag,
            settings=options.settings_from(
                config,
                emulated=gateway == EMULATED,
                rate=rate,
                timeout=timeout,
                connect_timeout=connect_timeout,
                agent_id_range=agent_id_range,
                concurrency=concurrency,
                max_attempts=max_attempts,
                max_agents=max_agents,
                ledger=ledger,
            ),
            encoding=encoding,
            delimiter=delimiter,
            agent_column=agent_column,
            skip_invalid=skip_invalid,
            reports=tuple(report or ()),
            scenario=scenario,
            ca_file=ca_file,
            client_cert=client_cert,
            tls_server_name=tls_server_name or "",
            insecure=insecure,
            command=_command(),
        )
        with Run(request) as run:
            result = _carry_out(run, roster, yes=yes)
        if as_json:
            from bulkagent.cli.screen import as_json_object

            print_data(as_json_object(result))
    raise typer.Exit(result.exit_code)


def _carry_out(run: Run, roster: str, *, yes: bool) -> RunResult:
    import asyncio

    from bulkagent.cli import screen
    from bulkagent.cli.progress import execute

    plan = run.prepare(stdin=sys.stdin.buffer if sys.stdin else None)
    say(screen.opening(roster, plan))
    if run.insecure:
        say(
            "WARNING --insecure: any certificate is accepted; whoever can redirect a packet can"
            " collect these agents' GUIDs"
        )
    if not (yes or run.emulated or not plan.agents):
        _ask(run, plan)
    result = asyncio.run(execute(run))
    say(screen.closing(plan, result, run.clusters()))
    return result


def _ask(run: Run, plan: Plan) -> None:
    from bulkagent.cli import screen
    from bulkagent.errors import ConsentRefused

    try:
        yes = agreed(screen.question(plan))
    except ConsentRefused as refused:
        run.discard()
        raise ConsentRefused(str(refused), totals=plan.totals) from None
    except KeyboardInterrupt:
        run.discard()
        raise
    if not yes:
        run.discard()
        raise ConsentRefused("not agreed to; nothing was sent", totals=plan.totals)


def _command() -> str:
    """This command once more; a person agrees again, so without `--yes`."""
    import shlex

    return shlex.join(["bulkagent", *(word for word in sys.argv[1:] if word != "--yes")])
