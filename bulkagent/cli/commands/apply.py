"""`bulkagent apply`: the main job."""

from __future__ import annotations

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.options.progress_mode import Showing

__all__ = ["apply"]


def apply(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    ctx: typer.Context,
    roster: options.RosterPath,
    gateway: options.GatewayName = None,
    flag: options.Flag = None,
    yes: options.Yes = False,  # noqa: FBT002 - an option
    report: options.Reports = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    progress: options.Progress = Showing.BAR,
    quiet: options.Quiet = False,  # noqa: FBT002 - an option
    skip_invalid: options.SkipInvalid = None,
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
    or_resume: options.OrResume = False,  # noqa: FBT002 - an option
    max_age: options.MaxAge = None,
    override: options.Override = None,
    group_by: options.GroupBy = None,
    handover: options.Handover = None,
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
    agent_id_range: options.AgentIdRange = None,
    ledger: options.Ledger = None,
    durability: options.Durability = None,
    log_file: options.LogFile = None,
    events: options.Events = None,
    metrics_file: options.MetricsFile = None,
    config: options.Config = None,
    scenario: options.Scenario = None,
) -> None:
    """Set every agent of a roster, and write a report with one line per row.

    Example: bulkagent apply shift.csv --flag 0 --gateway https://agw.example:8043 --ca-file ca.pem
    """
    with explained(as_json=as_json):
        from bulkagent.cli.commands.run_flow import carry_out
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render import result as screen
        from bulkagent.run import EMULATED, Request, Run

        request = Request(
            roster=roster,
            gateway=gateway or "",
            flag=flag,
            settings=given.settings_from(
                config,
                emulated=gateway == EMULATED,
                rate=rate,
                timeout=timeout,
                connect_timeout=connect_timeout,
                deadline=deadline,
                grace=grace,
                halt=halt,
                halt_first=halt_first,
                max_age=max_age,
                agent_id_range=agent_id_range,
                concurrency=concurrency,
                burst=burst,
                max_attempts=max_attempts,
                retry_for=retry_for,
                give_up_after=give_up_after,
                resend_after_switchover=resend_after_switchover,
                group_by=group_by,
                handover=handover,
                gate=gate,
                floor=floor,
                allow_closing=allow_closing,
                canary=canary,
                wait_for_sign_in=wait_for_sign_in,
                up_means=up_means,
                absent_ok=absent_ok,
                sessions=sessions,
                guid_url=guid_url,
                guid_ca_file=guid_ca_file,
                verify_with=verify_with,
                verify_again_after=verify_again_after,
                max_agents=max_agents,
                protect=given.paths(protect),
                job=job,
                ledger=ledger,
                durability=durability,
            ),
            encoding=encoding,
            delimiter=delimiter,
            agent_column=agent_column,
            skip_invalid=given.skip_invalid_of(skip_invalid),
            reports=tuple(report or ()),
            scenario=scenario,
            ca_file=ca_file,
            client_cert=client_cert,
            tls_server_name=tls_server_name or "",
            insecure=insecure,
            or_resume=or_resume,
            override=override or "",
            take_over=tuple(take_over or ()),
            log_file=log_file,
            events=given.events_of(events, as_json=as_json),
            metrics_file=metrics_file,
            note=note or "",
            on_behalf_of=on_behalf_of or "",
            place=given.place_of(config),
            repeat=given.repeated(ctx),
            **given.times_of(start_at, finish_by, time_zone, config),
        )
        result = carry_out(
            Run(request),
            lambda plan: screen.opening(roster, plan),
            yes=yes,
            override=override,
            as_json=as_json,
            showing=progress,
            quiet=quiet,
        )
    raise typer.Exit(result.exit_code)
