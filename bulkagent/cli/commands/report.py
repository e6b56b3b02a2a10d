"""`bulkagent report`: a run's report again, in the format of the path's suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bulkagent.cli import options
from bulkagent.cli.console.error_exit import explained
from bulkagent.cli.console.terminal import print_data, say
from bulkagent.cli.render.ledger_warning import warn_of_exposure

__all__ = ["report"]


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run ID, or the word last.")],
    to: Annotated[
        Path,
        typer.Option("--to", metavar="PATH", help="Where: .csv, .json, .jsonl, .html or .xlsx."),
    ],
    as_json: options.Json = False,  # noqa: FBT002 - an option
    ledger: options.Ledger = None,
    config: options.Config = None,
) -> None:
    """Write the report of a run again, from the ledger.

    Example: bulkagent report last --to shift.json
    """
    with explained(as_json=as_json):
        from bulkagent.cli.options import values as given
        from bulkagent.cli.render.result import as_json_object
        from bulkagent.ledger import default_path, read_ledger
        from bulkagent.reports import probe
        from bulkagent.run import write_report
        from bulkagent.run.outputs.report_paths import check_path

        settings = given.settings_from(config, ledger=ledger)
        warn_of_exposure(settings.ledger)
        probe(check_path(to, run))  # what {job} means is known only in the ledger
        with read_ledger(settings.ledger or default_path()) as database:
            result = write_report(database, run, to, config=given.place_of(config))
        say(f"report  {result.reports[0]}  ({result.rows:,} rows of run {result.run_id})")
        if as_json:
            print_data(as_json_object(result))
