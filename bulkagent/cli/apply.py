"""`bulkagent apply`: the main job."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from bulkagent.cli import options
from bulkagent.cli.ending import explained, leaving_on_signals
from bulkagent.cli.terminal import agreed, print_data, say

if TYPE_CHECKING:
    from bulkagent.run import Finished, Plan, Run, RunResult

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
            command="" if roster == "-" else _command(),
        )
        result = _carry_out(Run(request), roster, yes=yes, as_json=as_json)
    raise typer.Exit(result.exit_code)


def _carry_out(run: Run, roster: str, *, yes: bool, as_json: bool) -> RunResult:
    import asyncio

    from bulkagent.cli import screen
    from bulkagent.cli.progress import execute

    with run:
        with leaving_on_signals():
            plan = run.prepare(stdin=sys.stdin.buffer if sys.stdin else None)
            say(screen.opening(roster, plan))
            if run.insecure:
                say(_INSECURE)
            if not (yes or run.emulated or not plan.agents):
                _ask(plan)
        try:
            result = asyncio.run(execute(run))
        except Exception:
            # A defect: what was sent all the same has a report, and is said before the defect is.
            if run.finished is not None:
                _tell(plan, run.finished, as_json=as_json)
            raise
        if run.finished is not None:
            with contextlib.suppress(KeyboardInterrupt):  # all is done but the telling
                _tell(plan, run.finished, as_json=as_json)
    return result


_INSECURE = (
    "WARNING --insecure: any certificate is accepted; whoever can redirect a packet can collect"
    " these agents' GUIDs"
)


def _tell(plan: Plan, finished: Finished, *, as_json: bool) -> None:
    from bulkagent.cli import screen

    if as_json:
        print_data(screen.as_json_object(finished.result))
    say(screen.closing(plan, finished.result, finished.clusters))


def _ask(plan: Plan) -> None:
    from bulkagent.cli import screen
    from bulkagent.errors import ConsentRefused

    try:
        agreement = agreed(screen.question(plan))
    except ConsentRefused as refused:
        raise ConsentRefused(str(refused), totals=plan.totals) from None
    if not agreement:
        raise ConsentRefused("not agreed to; nothing was sent", totals=plan.totals)


def _command() -> str:
    """This command once more; a person agrees again, so without `--yes`."""
    import shlex

    return shlex.join(["bulkagent", *(word for word in sys.argv[1:] if word != "--yes")])
