"""`bulkagent runs`: which runs there are, and how they stand."""

from __future__ import annotations

from typing import Annotated

import typer

from bulkagent.cli import options
from bulkagent.cli.ending import explained
from bulkagent.cli.terminal import print_data, say

__all__ = ["runs"]


def runs(
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="So many at most.")
    ] = 20,
    job: options.Job = None,
    as_json: options.Json = False,  # noqa: FBT002 - an option
    ledger: options.Ledger = None,
    config: options.Config = None,
) -> None:
    """List the latest runs, the latest first.

    Example: bulkagent runs --limit 5
    """
    with explained(as_json=as_json):
        import msgspec

        from bulkagent.cli import given, telling
        from bulkagent.run import run_list

        settings = given.settings_from(config, ledger=ledger)
        found = run_list(settings.ledger, limit, job=job)
        if as_json:
            print_data(msgspec.json.encode({"runs": found}).decode())
        else:
            print_data(telling.listing(found)) if found else say("no run yet")
