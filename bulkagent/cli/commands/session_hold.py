"""`bulkagent session hold`: agents signed in, and their sessions kept alive."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.options import hold as hold_options
from bulkagent.cli.options.hold import StatusName
from bulkagent.cli.options.origins import at_option

if TYPE_CHECKING:
    from bulkagent.sessions import HoldPolicy

__all__ = ["hold"]

# A password in an option would be in every list of processes and in the shell's history.
_PASSWORD = "BULKAGENT_SIGN_IN_PASSWORD"  # noqa: S105 - the variable's name


def hold(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    roster: options.RosterPath,
    sessions: hold_options.SessionsFile,
    gateway: hold_options.GatewayName = None,
    yes: options.Yes = False,  # noqa: FBT002 - an option
    status: hold_options.Status = StatusName.BUSY,
    auto_answer: hold_options.AutoAnswer = False,  # noqa: FBT002 - an option
    sign_in_rate: hold_options.SignInRate = "5/s",
    sign_in_concurrency: hold_options.SignInConcurrency = 4,
    sign_in_again: hold_options.SignInAgain = False,  # noqa: FBT002 - an option
    sign_in_unknown: hold_options.SignInUnknown = False,  # noqa: FBT002 - an option
    sign_in_refused: hold_options.SignInRefused = False,  # noqa: FBT002 - an option
    force_sign_in: hold_options.ForceSignIn = False,  # noqa: FBT002 - an option
    sign_out_on_exit: hold_options.SignOutOnExit = False,  # noqa: FBT002 - an option
    poll_pause: hold_options.PollPause = "500ms",
    max_agents: options.MaxAgents = None,
    connect_timeout: options.ConnectTimeout = None,
    ca_file: options.CaFile = None,
    tls_server_name: options.TlsServerName = None,
    client_cert: options.ClientCert = None,
    insecure: options.Insecure = False,  # noqa: FBT002 - an option
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    agent_column: options.AgentColumn = None,
    agent_id_range: options.AgentIdRange = None,
    log_file: options.LogFile = None,
    config: options.Config = None,
) -> None:
    """Sign in each agent of a roster (columns password and phonenum) and keep the sessions alive.

    Their GUIDs are in the sessions file, always the newest, for apply --sessions. It holds until
    it is interrupted, and then leaves the sessions as they are. Agents without a password in the
    roster have that of the environment variable BULKAGENT_SIGN_IN_PASSWORD.

    Example: bulkagent session hold desk.csv --gateway east --sessions sessions.jsonl
    """
    with explained():
        from bulkagent.cli.commands.hold_flow import carry_out
        from bulkagent.cli.options import values as given
        from bulkagent.errors import SettingsRefused
        from bulkagent.roster import RosterRules
        from bulkagent.run import Target
        from bulkagent.run.clients.gateways import Gateways
        from bulkagent.sessions import HoldRequest, SignInChoice

        settings = given.settings_from(
            config,
            max_agents=max_agents,
            connect_timeout=connect_timeout,
            agent_id_range=agent_id_range,
        )
        target = Target(
            gateway=gateway or "",
            ca_file=ca_file,
            client_cert=client_cert,
            tls_server_name=tls_server_name or "",
            insecure=insecure,
        )
        if target.emulated:
            raise SettingsRefused(
                "an emulated gateway inside this command would end with it; start bulkagent"
                " emulate --signed-out, and give its address"
            )
        gateways = Gateways(target, settings)
        code = carry_out(
            HoldRequest(
                roster=roster,
                rules=RosterRules(
                    encoding=encoding,
                    delimiter=delimiter,
                    agent_column=agent_column,
                    require_flag=False,
                    agent_id_range=settings.agent_id_range,
                    agent_id_ranges=settings.agent_id_ranges,
                    gateways=gateways.names,
                    default_gateway=gateways.default,
                ),
                sessions=sessions,
                endpoints={name: gateways.endpoint(name) for name in gateways.names or ()},
                choice=SignInChoice(
                    status=_STATUSES[status],
                    auto_answer=auto_answer,
                    password=os.environ.get(_PASSWORD, ""),
                ),
                policy=_policy(
                    sign_in_rate,
                    sign_in_concurrency,
                    poll_pause,
                    force=force_sign_in,
                    again=sign_in_again,
                    sign_out=sign_out_on_exit,
                ),
                max_agents=settings.max_agents,
                sign_in_unknown=sign_in_unknown,
                sign_in_refused=sign_in_refused,
                connect_timeout_s=settings.connect_timeout_s,
            ),
            gateways,
            log_file=log_file,
            yes=yes,
        )
    raise typer.Exit(code)


# Page 1202.
_STATUSES = {StatusName.BUSY: 3, StatusName.IDLE: 4, StatusName.WORK: 5}


def _policy(
    sign_in_rate: str,
    sign_in_concurrency: int,
    poll_pause: str,
    *,
    force: bool,
    again: bool,
    sign_out: bool,
) -> HoldPolicy:
    from bulkagent.errors import SettingsRefused
    from bulkagent.sessions import HoldPolicy, SignInPace
    from bulkagent.units import duration_s, rate_per_second

    with at_option("sign_in_rate"):
        per_second = rate_per_second(sign_in_rate)
    if per_second is None or not _SLOWEST <= per_second <= _FASTEST:
        raise SettingsRefused(
            f"--sign-in-rate must be {_SLOWEST:g}/s to {_FASTEST:,}/s, not {sign_in_rate}"
        )
    if not 1 <= sign_in_concurrency <= _MOST_AT_ONCE:
        raise SettingsRefused(
            f"--sign-in-concurrency must be 1 to {_MOST_AT_ONCE}, not {sign_in_concurrency}"
        )
    with at_option("poll_pause"):
        pause_s = duration_s(poll_pause)
    if not _SHORTEST_PAUSE_S <= pause_s <= _LONGEST_PAUSE_S:
        raise SettingsRefused(f"--poll-pause must be 200ms to 60s, not {poll_pause}")
    return HoldPolicy(
        sign_in=SignInPace(per_second=per_second, at_once=sign_in_concurrency, force=force),
        poll_pause_s=pause_s,
        sign_in_again=again,
        sign_out_on_exit=sign_out,
    )


_SLOWEST, _FASTEST = 0.01, 1_000
_MOST_AT_ONCE = 256
# Page 1274 asks for 200 to 500 ms; a GUID is renewed each minute and dies after two.
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 60.0
