"""The pages of the guide: their names, what the list says of each, and their text.

A page begins with `# Title`. Its second paragraph is one line, which the list of topics shows.
`commands.md`, `settings.md` and `codes.md` are written from the tables of the program.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from bulkagent.errors import Refused, SettingsRefused

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
    "commands",
    "settings",
    "codes",
    "words",
    "how-it-works",
    "measured",
    "changes",
    "changes-scripts",
)
"""The pages by their names, in the order of the list."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the guide, as the list of topics shows it."""

    name: str
    title: str
    line: str


def topics() -> tuple[Topic, ...]:
    """Every page with its title and the line that says what it is for.

    Raises:
        Refused: This installation has none.
    """
    return tuple(_topic(name, text) for name, text in _pages().items())


def page(name: str) -> str:
    """A page as it is written, in Markdown.

    Raises:
        SettingsRefused: No page has that name; the error names the nearest ones, or those that
            have its words.
        Refused: This installation has not the page.
    """
    if name in TOPICS:
        return _text(name)
    raise SettingsRefused(f"the guide has no page {name!r}{_instead(name)}")


def _instead(name: str) -> str:
    """What to read where no page has a name: a misspelt topic's page, or pages about its words."""
    from bulkagent.guide.search import places_of

    mistyped = difflib.get_close_matches(name.lower(), TOPICS, n=3, cutoff=_MISTYPED)
    places = () if mistyped else places_of(name, _pages(), most=_MOST_PLACES)
    if places:
        left = max(len(place.topic) for place in places) + 2
        lines = (f"  {place.topic:{left}}{place.heading}" for place in places)
        return "\n".join(("; these may help:", *lines, "`bulkagent guide TOPIC` shows one of them"))
    near = mistyped or difflib.get_close_matches(name.lower(), TOPICS, n=3, cutoff=_LIKE)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    return f"; {hint}`bulkagent guide` lists all topics"


_MISTYPED, _LIKE = 0.8, 0.6
_MOST_PLACES = 5


def _pages() -> dict[str, str]:
    """Topic -> page, of those that are there; one of them at least.

    Raises:
        Refused: None is.
    """
    found = {name: _text(name) for name in TOPICS if _file(name).is_file()}
    if not found:
        raise Refused(f"this installation lacks the pages of `bulkagent guide`; {_AGAIN}")
    return found


def _text(name: str) -> str:
    try:
        return _file(name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Refused(
            f"this installation lacks the page {name!r} of `bulkagent guide`; {_AGAIN}"
        ) from None


_AGAIN = "install bulkagent anew"


def _file(name: str) -> Traversable:
    return files(__package__).joinpath(f"{name}.md")


def _topic(name: str, text: str) -> Topic:
    title, line, *_ = text.split("\n\n", 2)
    return Topic(name=name, title=title.removeprefix("# "), line=" ".join(line.split()))
