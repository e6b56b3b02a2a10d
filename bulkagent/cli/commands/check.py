"""`bulkagent check`: what would be sent, and everything wrong with the file; no network."""

from __future__ import annotations

import sys

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.console.terminal import print_data, say

__all__ = ["check"]


def check(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    roster: options.RosterPath,
    gateway: options.GatewayName = None,
    flag: options.Flag = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    skip_invalid: options.SkipInvalid = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    agent_column: options.AgentColumn = None,
    agent_id_range: options.AgentIdRange = None,
    group_by: options.GroupBy = None,
    handover: options.Handover = None,
    gate: options.Gate = None,
    floor: options.Floor = None,
    protect: options.Protect = None,
    job: options.Job = None,
    sessions: options.Sessions = None,
    guid_url: options.GuidUrl = None,
    config: options.Config = None,
) -> None:
    """Say what would be sent and everything that is wrong with a roster. Sends nothing.

    Example: bulkagent check shift.csv --json
    """
    with explained(as_json=as_json):
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render import result as screen
        from bulkagent.run import Request, RunResult, check_roster

        request = Request(
            roster=roster,
            gateway=gateway or "",
            flag=flag,
            settings=given.settings_from(
                config,
                agent_id_range=agent_id_range,
                group_by=group_by,
                handover=handover,
                protect=given.paths(protect),
                job=job,
                gate=gate,
                floor=floor,
                sessions=sessions,
                guid_url=guid_url,
            ),
            encoding=encoding,
            delimiter=delimiter,
            agent_column=agent_column,
            skip_invalid=given.skip_invalid_of(skip_invalid),
        )
        plan = check_roster(request, stdin=sys.stdin.buffer if sys.stdin else None)
        say(screen.opening(roster, plan))
        named = bool(gateway) or all(part.gateway for part in plan.parts)
        say(screen.checked(plan, with_gateway=named))
        if as_json:
            print_data(
                screen.as_json_object(
                    RunResult(
                        run_id=None,
                        state="completed",
                        exit_code=0,
                        rows=plan.rows,
                        totals=plan.totals,
                        causes={},
                        errors=plan.bad_rows,
                    )
                )
            )
