"""Completion of values in a shell: runs, gateways, jobs, causes.

The tab key wants an answer at once and no message, even where something is wrong: so nothing is
made, nothing is written, and a source that cannot be asked has nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click

    from bulkagent.settings import ConfigFile

_RUNS = 20


def run_names(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """The latest runs of the ledger, and the word `last`."""
    found = [("last", "the latest run")]
    with _at_best():
        from bulkagent.ledger import default_path, list_runs, read_ledger
        from bulkagent.run.history.report import end_of

        path = ctx.params.get("ledger") or _config(ctx).ledger or default_path()
        with read_ledger(Path(path)) as database:
            found.extend(
                (facts.id, f"{end_of(facts)[0]} {facts.job or Path(facts.roster).name}")
                for facts in list_runs(database, _RUNS)
            )
    return [(name, told) for name, told in found if name.startswith(incomplete)]


def gateways(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """The gateways that the configuration names, and the emulated one."""
    found = [("emulated", "a gateway that is started inside the command")]
    with _at_best():
        found.extend((name, section.url) for name, section in _config(ctx).gateways.items())
    return [(name, told) for name, told in found if name.startswith(incomplete)]


def jobs(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """The jobs that the configuration has a section for."""
    found: list[str] = []
    with _at_best():
        found.extend(_config(ctx).jobs)
    return [(name, "") for name in found if name.startswith(incomplete)]


def causes(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """The causes, after those that stand there already."""
    from bulkagent.model import Cause

    del ctx
    before, comma, begun = incomplete.rpartition(",")
    return [(f"{before}{comma}{cause}", "") for cause in Cause if cause.startswith(begun)]


def codes(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """Every code that can be explained, with what it means."""
    from bulkagent.explanations import explanations

    del ctx
    found = {each.code: each.meaning for each in explanations()}
    return [(code, told) for code, told in found.items() if code.startswith(incomplete)]


def pages(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """The topics of the guide."""
    del ctx
    found: list[tuple[str, str]] = []
    with _at_best():
        from bulkagent.guide import topics

        found.extend((each.name, each.line) for each in topics())
    return [(name, line) for name, line in found if name.startswith(incomplete)]


def commands(ctx: click.Context, incomplete: str) -> list[tuple[str, str]]:
    """The commands after those that stand there already, such as `hold` after `session`."""
    found: Any = ctx.find_root().command
    for word in ctx.params.get("words") or ():
        found = getattr(found, "commands", {}).get(word)
    return [
        (name, command.get_short_help_str())
        for name, command in getattr(found, "commands", {}).items()
        if name.startswith(incomplete)
    ]


FINDERS = {
    "runs": run_names,
    "gateways": gateways,
    "jobs": jobs,
    "causes": causes,
    "codes": codes,
    "topics": pages,
    "commands": commands,
}
"""By what a row says that it completes: the value and what is told of it, "" for nothing."""


def _config(ctx: click.Context) -> ConfigFile:
    from bulkagent.settings import find_config, load_config

    return load_config(find_config(ctx.params.get("config")))


@contextlib.contextmanager
def _at_best() -> Iterator[None]:
    from bulkagent.errors import BulkagentError

    with contextlib.suppress(BulkagentError, OSError, ValueError):
        yield
