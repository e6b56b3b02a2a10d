"""Options about guardrails: who is never touched, and which run goes first.

What may live here: names and help. What this room must not know: what a command does with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from bulkagent.cli.options import completion as completing
from bulkagent.cli.options.option import option

__all__ = ["Job", "Protect", "TakeOver"]

Protect = Annotated[
    list[Path] | None,
    option(
        "--protect",
        metavar="FILE",
        help="Never touch the agents in this file, a CSV like a roster; repeatable.",
    ),
]
Job = Annotated[
    str | None,
    option(
        "--job",
        metavar="NAME",
        help="What to call runs of this kind; [jobs.NAME] in bulkagent.toml holds for them.",
        autocompletion=completing.jobs,
    ),
]
TakeOver = Annotated[
    list[str] | None,
    option(
        "--take-over",
        env=False,
        metavar="RUN",
        help="Have this run, in progress on the same agents, drained first; repeatable, or all.",
        autocompletion=completing.run_names,
    ),
]
