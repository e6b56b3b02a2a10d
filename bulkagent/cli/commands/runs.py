"""`bulkagent runs`: which runs there are, how they stand, and what they did to one agent."""

from __future__ import annotations

import enum
import sys
from typing import Annotated

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.console.terminal import print_data, print_json, say, width_of
from bulkagent.cli.render.ledger_warning import warn_of_exposure

__all__ = ["runs"]


class State(enum.StrEnum):
    """How a run can stand."""

    COMPLETED = "completed"
    HALTED = "halted"
    INTERRUPTED = "interrupted"
    RUNNING = "running"
    PLANNING = "planning"
    NOT_PLANNED = "not planned"


def runs(  # noqa: PLR0917 - Typer reads the parameters; nobody calls this by position
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="So many at most.")
    ] = 20,
    agent: Annotated[
        str | None,
        typer.Option("--agent", metavar="ID", help="What runs wanted of this agent, and when."),
    ] = None,
    job: options.Job = None,
    gateway: Annotated[
        str | None,
        typer.Option("--gateway", metavar="NAME|URL", help="Only runs that send to it."),
    ] = None,
    flag: Annotated[
        int | None, typer.Option("--flag", min=0, max=1, metavar="0|1", help="Only runs with it.")
    ] = None,
    state: Annotated[
        State | None, typer.Option("--state", help="Only runs that stand like this.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only runs of the last 12h, 7d.")
    ] = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    ledger: options.Ledger = None,
    config: options.Config = None,
) -> None:
    """List the latest runs, the latest first; or what they wanted of one agent.

    Example: bulkagent runs --since 7d --state halted

    Example: bulkagent runs --agent 4711
    """
    with explained(as_json=as_json):
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render import history as telling
        from bulkagent.clock import SystemClock
        from bulkagent.errors import SettingsRefused
        from bulkagent.run import RunFilter, agent_run_lines, run_list
        from bulkagent.units import duration_s

        settings = given.settings_from(config, ledger=ledger)
        warn_of_exposure(settings.ledger)
        narrowed = (job, gateway, flag, state, since)
        if agent is not None:
            if any(value is not None for value in narrowed):
                raise SettingsRefused("--agent lists all runs of the agent; give it alone")
            past = agent_run_lines(settings.ledger, agent, limit)
            if as_json:
                print_json({"agent_id": agent, "runs": past})
            elif past:
                print_data(telling.past(past, width_of(sys.stdout)))
            else:
                say(f"no run names an agent {agent}")
            return
        age_ms = None if since is None else round(duration_s(since) * 1000)
        wanted = RunFilter(
            job=job,
            gateway=gateway,
            flag=flag,
            since_ms=None if age_ms is None else SystemClock().wall_ms() - age_ms,
        )
        found = run_list(settings.ledger, limit, wanted, state=state)
        if as_json:
            print_json({"runs": found})
        elif found:
            print_data(telling.listing(found, width_of(sys.stdout)))
        else:
            say("no run yet" if all(value is None for value in narrowed) else "no such run")
