"""`bulkagent apply`: the main job."""

from __future__ import annotations

from bulkagent.cli.options.given import Given


def apply(given: Given) -> int:
    """Set every agent of a roster, and write a report with one line per row.

    Example: bulkagent apply shift.csv --flag 0 --gateway https://agw.example:8043 --ca-file ca.pem
    """
    from bulkagent.cli.commands.run_flow import carry_out
    from bulkagent.cli.options import values
    from bulkagent.cli.render import preview as screen
    from bulkagent.run import EMULATED, Request, Run

    request = Request(
        roster=given["roster"],
        flag=given["flag"],
        settings=values.settings_of(given, emulated=given["gateway"] == EMULATED),
        skip_invalid=values.skip_invalid_of(given["skip_invalid"]),
        reports=given.several("report"),
        scenario=given["scenario"],
        or_resume=given["or_resume"],
        override=given.text("override"),
        **values.leg_of(given),
        **values.tls_of(given),
    )
    return carry_out(Run(request), lambda plan: screen.opening(given["roster"], plan), given)
