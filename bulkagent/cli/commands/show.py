"""`bulkagent show`: one run, or one agent of it, with every attempt."""

from __future__ import annotations

from bulkagent.cli.console.terminal import print_json, print_wrapped
from bulkagent.cli.options.given import Given
from bulkagent.cli.render.ledger_warning import warn_of_exposure


def show(given: Given) -> None:
    """Show how a run stands, or every attempt for one agent of it.

    A leg is one stretch of sending. The first is that of `apply` or `revert`, and each `resume`
    adds one.

    Example: bulkagent show last --agent 1007
    """
    from bulkagent.cli.options import values
    from bulkagent.cli.render import history as telling
    from bulkagent.run import agent_details, run_details

    settings = values.settings_of(given)
    warn_of_exposure(settings.ledger)
    run, agent, as_json = given["run"], given["agent"], given["json"]
    if agent is not None:
        of_agent = agent_details(settings.ledger, run, agent)
        if as_json:
            print_json(telling.agent_as_data(of_agent))
        else:
            print_wrapped(telling.agent(of_agent))
    else:
        of_run = run_details(settings.ledger, run, values.place_of(given["config"]))
        if as_json:
            print_json(telling.run_as_data(of_run))
        else:
            print_wrapped(telling.run(of_run))
