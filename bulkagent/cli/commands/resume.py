"""`bulkagent resume`: go on with a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.options.progress_mode import Showing

if TYPE_CHECKING:
    from bulkagent.model import Cause

__all__ = ["resume"]


def resume(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    ctx: typer.Context,
    run: options.RunName,
    only: options.Only = None,
    roster: options.OtherRoster = None,
    override: options.Override = None,
    max_age: options.MaxAge = None,
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
    resend_after_switchover: options.ResendAfterSwitchover = None,
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
    """Go on with a run: everything of it that another attempt may help.

    What is not given is as it was for the run. Its report is again of the whole roster.

    Example: bulkagent resume last
    """
    with explained(as_json=as_json):
        from bulkagent.cli.commands.run_flow import carry_out
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render import result as screen
        from bulkagent.run import Resume, Run

        request = Resume(
            run=run,
            only=_causes(only),
            override=override or "",
            **given.again_of(ctx),
        )
        result = carry_out(
            Run(request),
            screen.opening_again,
            yes=yes,
            override=override,
            as_json=as_json,
            showing=progress,
            quiet=quiet,
        )
    raise typer.Exit(result.exit_code)


def _causes(text: str | None) -> frozenset[Cause]:
    from bulkagent.errors import SettingsRefused
    from bulkagent.model import Cause

    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    known = {cause.value: cause for cause in Cause}
    for name in names:
        if name not in known:
            raise SettingsRefused(
                f"--only: there is no cause {name!r}; the report's column has those of the run:"
                f" {', '.join(known)}"
            )
    return frozenset(known[name] for name in names)
