"""`bulkagent prune`: take old runs out of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bulkagent.cli.console.terminal import agreed, print_json, say
from bulkagent.cli.options.given import Given
from bulkagent.cli.options.origins import at_option
from bulkagent.cli.render.ledger_warning import warn_of_exposure

if TYPE_CHECKING:
    from bulkagent.run import OldRuns, Pruned


def prune(given: Given) -> None:
    """Take old runs out of the ledger for good. Reports that were written stay.

    Example: bulkagent prune --older-than 90d --dry-run
    """
    from bulkagent.cli.options import values
    from bulkagent.clock import SystemClock
    from bulkagent.run import Pruned, old_runs
    from bulkagent.run import prune as take_out
    from bulkagent.units import duration_s

    settings = values.settings_of(given)
    warn_of_exposure(settings.ledger)
    with at_option("older_than"):
        age_s = duration_s(given["older_than"])
    found = old_runs(settings.ledger, age_s, now_ms=SystemClock().wall_ms())
    if given["dry_run"] or not found.runs:
        gone = Pruned(runs=found.runs, rows=found.rows, compacted=False, dry_run=given["dry_run"])
    else:
        if not given["yes"]:
            _ask(found)
        gone = take_out(settings.ledger, found)
    if given["json"]:
        print_json(gone)
    else:
        say(_told(gone))


def _ask(found: OldRuns) -> None:
    from bulkagent.errors import ConsentRefused

    effect = f"{_several(found.runs)} with {found.rows:,} rows will be gone for good. "
    if not agreed(effect, otherwise="nothing was taken out"):
        raise ConsentRefused("not agreed to; nothing was taken out")


def _several(runs: tuple[str, ...]) -> str:
    if len(runs) == 1:
        return f"run {runs[0]}"
    return f"{len(runs):,} runs, {runs[-1]} to {runs[0]},"


def _told(gone: Pruned) -> str:
    if not gone.runs:
        return "no run is that old"
    several = f"{_several(gone.runs)} with {gone.rows:,} rows"
    if gone.dry_run:
        return f"would take out {several}"
    space = "" if gone.compacted else "; the file is in use, so later runs use its space again"
    return f"took out {several}{space}"
