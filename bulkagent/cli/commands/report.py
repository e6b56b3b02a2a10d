"""`bulkagent report`: a run's report again, in the format of the path's suffix."""

from __future__ import annotations

from bulkagent.cli.console.terminal import print_data, say
from bulkagent.cli.options.given import Given
from bulkagent.cli.render.ledger_warning import warn_of_exposure


def report(given: Given) -> None:
    """Write the report of a run again, from the ledger.

    Example: bulkagent report last --to shift.json
    """
    from bulkagent.cli.options import values
    from bulkagent.cli.render.result import as_json_object
    from bulkagent.ledger import default_path, read_ledger
    from bulkagent.reports import probe
    from bulkagent.run import write_report
    from bulkagent.run.outputs.report_paths import check_path

    settings = values.settings_of(given)
    warn_of_exposure(settings.ledger)
    run, to = given["run"], given["to"]
    probe(check_path(to, run))  # what {job} means is known only in the ledger
    with read_ledger(settings.ledger or default_path()) as database:
        result = write_report(
            *(database, run, to),
            config=values.place_of(given["config"]),
            zone=values.zone_of_pages(given["config"]),
        )
    say(f"report  {result.reports[0]}  ({result.rows:,} rows of run {result.run_id})")
    if given["json"]:
        print_data(as_json_object(result))
