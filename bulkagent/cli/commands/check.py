"""`bulkagent check`: what would be sent, and everything wrong with the file; no network."""

from __future__ import annotations

import sys

from bulkagent.cli.console.terminal import print_data, say
from bulkagent.cli.options.given import Given


def check(given: Given) -> None:
    """Say what a run would set, and everything that is wrong with a roster. It needs no network.

    Example: bulkagent check shift.csv --json
    """
    from bulkagent.cli.options import values
    from bulkagent.cli.render import preview as screen
    from bulkagent.cli.render.result import as_json_object
    from bulkagent.run import Request, RunResult, check_roster

    request = Request(
        roster=given["roster"],
        gateway=given.text("gateway"),
        flag=given["flag"],
        settings=values.settings_of(given),
        encoding=given["encoding"],
        delimiter=given["delimiter"],
        agent_column=given["agent_column"],
        skip_invalid=values.skip_invalid_of(given["skip_invalid"]),
    )
    plan = check_roster(request, stdin=sys.stdin.buffer if sys.stdin else None)
    say(screen.opening(given["roster"], plan))
    named = bool(given["gateway"]) or all(part.gateway for part in plan.parts)
    say(screen.checked(plan, with_gateway=named))
    if given["json"]:
        print_data(
            as_json_object(
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
