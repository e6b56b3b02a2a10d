"""What a page needs that it does not show: files, another shell, what a person does meanwhile.

A page's blocks are run from top to bottom in a folder with `samples/`. A block that begins with
the name of a file (`# bulkagent.toml`) is that file. `bulkagent emulate` and
`bulkagent session hold` go on in a shell of their own until the page ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Scene(NamedTuple):
    """Beside the page; commands are named by a pattern that finds them."""

    before: Mapping[str, tuple[str, ...]] = {}
    """Commands of a shell that are run before a command of the page."""
    killed: tuple[str, ...] = ()
    """Before these, what goes on in other shells is killed."""
    stopped: tuple[str, ...] = ()
    """These are stopped with SIGTERM once they are up, and their end is shown."""
    needs: tuple[str, ...] = ()
    """Programs that a machine need not have; without them the page is not run."""
    slow: bool = False
    """Whether it takes a second or more, too long for the inner loop: then it is a matrix."""


SCENES: Mapping[str, Scene] = {
    **dict.fromkeys(("README", "guardrails", "doubt", "report", "exceptions"), Scene(slow=True)),
    "guids": Scene(before={"^bulkagent apply desk.csv": ("sleep 2.1",)}, slow=True),
    "sessions": Scene(
        killed=(r"session hold .*jsonl --yes$",), stopped=(r"jsonl --yes$",), slow=True
    ),
    "timing": Scene(slow=True),
    "handover": Scene(slow=True),
    "start": Scene(slow=True),
    "emulator": Scene(slow=True, needs=("curl",)),
    "speed": Scene(slow=True),
    "outages": Scene(slow=True),
    "python": Scene(slow=True),
    "verify": Scene(slow=True),
    "batch": Scene(slow=True),
    "shift": Scene(
        before={"^bulkagent apply .*--gateway https": ("mv bulkagent.toml kept.toml",)}, slow=True
    ),
    "trouble": Scene(slow=True),
    "resume": Scene(slow=True),
    "doctor": Scene(slow=True),
}

NOT_RUN: Mapping[str, str] = {
    "python -m tests.simulation": "it takes hours; tests/simulation runs it for seconds",
    "pip install": "installs from a package index",
    "desk.example": "needs a service of the site",
    "agw.example": "needs a gateway of the site",
}
"""What a block has that is not run -> why; the commands of it are parsed all the same."""
