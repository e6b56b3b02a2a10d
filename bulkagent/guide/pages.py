"""The pages of the guide: their names, what the list says of each, and their text.

A page begins with `# Title`. Its second paragraph is one line, which the list of topics shows.
`settings.md` and `codes.md` are written from the tables of the program.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from bulkagent.errors import SettingsRefused

TOPICS = (
    "start",
    "shift",
    "roster",
    "report",
    "handover",
    "absent",
    "guardrails",
    "trouble",
    "resume",
    "unattended",
    "revert",
    "outages",
    "doubt",
    "verify",
    "doctor",
    "speed",
    "records",
    "guids",
    "sources",
    "sessions",
    "hold",
    "batch",
    "json",
    "metrics",
    "timing",
    "configuration",
    "python",
    "exceptions",
    "emulator",
    "scenario",
    "settings",
    "codes",
    "words",
    "how-it-works",
    "measured",
    "changes",
)
"""The pages by their names, in the order of the list."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the guide, as the list of topics shows it."""

    name: str
    title: str
    line: str


def topics() -> tuple[Topic, ...]:
    """Every page with its title and the line that says what it is for."""
    return tuple(_topic(name) for name in TOPICS if _file(name).is_file())


def page(name: str) -> str:
    """A page as it is written, in Markdown.

    Raises:
        SettingsRefused: No page has that name; the error names the nearest ones.
    """
    if name in TOPICS and _file(name).is_file():
        return _file(name).read_text(encoding="utf-8")
    near = difflib.get_close_matches(name.lower(), TOPICS, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise SettingsRefused(
        f"the guide has no page {name!r}; {hint}`bulkagent guide` lists all topics"
    )


def _file(name: str) -> Traversable:
    return files(__package__).joinpath(f"{name}.md")


def _topic(name: str) -> Topic:
    title, line, *_ = page(name).split("\n\n", 2)
    return Topic(name=name, title=title.removeprefix("# "), line=" ".join(line.split()))
