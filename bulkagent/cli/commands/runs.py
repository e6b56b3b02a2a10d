"""`bulkagent runs`: which runs there are, how they stand, and what they did to one agent."""

from __future__ import annotations

import sys

from bulkagent.cli.console.terminal import print_data, print_json, say, width_of
from bulkagent.cli.options.given import Given
from bulkagent.cli.render.ledger_warning import warn_of_exposure


def runs(given: Given) -> None:
    """List the latest runs, or all runs of one agent, the latest first.

    Example: bulkagent runs --since 7d --state halted

    Example: bulkagent runs --agent 4711
    """
    from bulkagent.cli.options import values
    from bulkagent.cli.render import history as telling
    from bulkagent.clock import SystemClock
    from bulkagent.errors import SettingsRefused
    from bulkagent.ledger import default_path
    from bulkagent.run import RunFilter, agent_run_lines, run_list
    from bulkagent.units import duration_s

    settings = values.settings_from(given["config"], ledger=given["ledger"])
    warn_of_exposure(settings.ledger)
    agent, limit, as_json = given["agent"], given["limit"], given["json"]
    narrowed = [
        f"--{name}"
        for name in ("job", "gateway", "flag", "state", "since")
        if given[name] is not None
    ]
    if agent is not None:
        if narrowed:
            raise SettingsRefused(
                "--agent lists every run that names the agent, with its gateway, flag and status;"
                f" leave out {' and '.join(narrowed)}"
            )
        past = agent_run_lines(settings.ledger, agent, limit)
        if as_json:
            print_json({"agent_id": agent, "runs": past})
        elif past:
            print_data(telling.past(past, width_of(sys.stdout)))
        else:
            say(
                f"no run in the ledger {settings.ledger or default_path()} names agent {agent}."
                " A job may have a ledger of its own: name it with --ledger PATH"
            )
        return
    since = given["since"]
    age_ms = None if since is None else round(duration_s(since) * 1000)
    wanted = RunFilter(
        job=given["job"],
        gateway=given["gateway"],
        flag=given["flag"],
        since_ms=None if age_ms is None else SystemClock().wall_ms() - age_ms,
    )
    found = run_list(settings.ledger, limit, wanted, state=given["state"])
    if as_json:
        print_json({"runs": found})
    elif found:
        print_data(telling.listing(found, width_of(sys.stdout)))
    else:
        say(
            f"the ledger {settings.ledger or default_path()} has no"
            f" {'such run' if narrowed else 'run yet'}"
        )
