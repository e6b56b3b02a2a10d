"""`bulkagent show`: one run, or one agent of it, with every attempt."""

from __future__ import annotations

from typing import Annotated

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.console.terminal import print_data, print_json
from bulkagent.cli.render.ledger_warning import warn_of_exposure

__all__ = ["show"]


def show(
    run: options.RunName,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="ID", help="This agent, with every attempt.")
    ] = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    ledger: options.Ledger = None,
    config: options.Config = None,
) -> None:
    """Say how a run stands, or what was tried for one agent of it.

    Example: bulkagent show last --agent 1007
    """
    with explained(as_json=as_json):
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render import history as telling
        from bulkagent.run import agent_details, run_details

        settings = given.settings_from(config, ledger=ledger)
        warn_of_exposure(settings.ledger)
        if agent is not None:
            of_agent = agent_details(settings.ledger, run, agent)
            if as_json:
                print_json(of_agent)
            else:
                print_data(telling.agent(of_agent))
        else:
            of_run = run_details(settings.ledger, run, given.place_of(config))
            if as_json:
                print_json(of_run)
            else:
                print_data(telling.run(of_run))
