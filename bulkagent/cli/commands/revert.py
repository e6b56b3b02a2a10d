"""`bulkagent revert`: set back what a run changed."""

from __future__ import annotations

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.options.progress_mode import Showing

__all__ = ["revert"]


def revert(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    ctx: typer.Context,
    run: options.RunName,
    assume_opposite: options.AssumeOpposite = False,  # noqa: FBT002 - an option
    trust_state: options.TrustState = None,
    roster: options.OtherRoster = None,
    gateway: options.RunAddress = None,
    yes: options.Yes = False,  # noqa: FBT002 - an option
    report: options.Reports = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    progress: options.Progress = Showing.BAR,
    quiet: options.Quiet = False,  # noqa: FBT002 - an option
    max_agents: options.MaxAgents = None,
    protect: options.Protect = None,
    job: options.Job = None,
    note: options.Note = None,
    on_behalf_of: options.OnBehalfOf = None,
    take_over: options.TakeOver = None,
    concurrency: options.Concurrency = None,
    rate: options.Rate = None,
    burst: options.Burst = None,
    max_attempts: options.MaxAttempts = None,
    retry_for: options.RetryFor = None,
    give_up_after: options.GiveUpAfter = None,
    timeout: options.Timeout = None,
    connect_timeout: options.ConnectTimeout = None,
    deadline: options.Deadline = None,
    start_at: options.StartAt = None,
    finish_by: options.FinishBy = None,
    time_zone: options.TimeZone = None,
    grace: options.Grace = None,
    halt: options.Halt = None,
    halt_first: options.HaltFirst = None,
    gate: options.Gate = None,
    floor: options.Floor = None,
    allow_closing: options.AllowClosing = None,
    canary: options.Canary = None,
    wait_for_sign_in: options.WaitForSignIn = None,
    up_means: options.UpMeans = None,
    absent_ok: options.AbsentOk = None,
    sessions: options.Sessions = None,
    guid_url: options.GuidUrl = None,
    guid_ca_file: options.GuidCaFile = None,
    verify_with: options.VerifyWith = None,
    verify_again_after: options.VerifyAgainAfter = None,
    ca_file: options.CaFile = None,
    tls_server_name: options.TlsServerName = None,
    client_cert: options.ClientCert = None,
    insecure: options.Insecure = False,  # noqa: FBT002 - an option
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    agent_column: options.AgentColumn = None,
    ledger: options.Ledger = None,
    durability: options.Durability = None,
    log_file: options.LogFile = None,
    events: options.Events = None,
    metrics_file: options.MetricsFile = None,
    config: options.Config = None,
    scenario: options.Scenario = None,
) -> None:
    """Set back what a run changed, or may have, to what the ledger knew of it before.

    It is a run of its own. What is not given is as it was for the run that is reverted.

    Example: bulkagent revert last
    """
    with explained(as_json=as_json):
        from bulkagent.cli.commands.run_flow import carry_out
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render import result as screen
        from bulkagent.run import Revert, Run

        request = Revert(run=run, assume_opposite=assume_opposite, **given.again_of(ctx))
        result = carry_out(
            Run(request),
            screen.opening_again,
            yes=yes,
            as_json=as_json,
            showing=progress,
            quiet=quiet,
        )
    raise typer.Exit(result.exit_code)
