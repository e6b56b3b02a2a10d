"""A page of the guide in its sections, as a search and a link to a heading need it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec


class PageSection(msgspec.Struct, frozen=True):
    """A heading and the prose below it, without transcripts and samples."""

    heading: str
    prose: str

    @property
    def anchor(self) -> str:
        """What a link to the heading ends with after its `#`, as on the web."""
        return re.sub(r"[^\w -]", "", self.heading.lower()).replace(" ", "-")


def sections_of(page: str) -> Iterator[PageSection]:
    """The sections of a page, its beginning under its title included."""
    parts = re.split(r"(?m)^#+ (.+)$", _LEFT_OUT.sub("", page))[1:]
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        yield PageSection(_plain(heading), _plain(text))


def heading_at(page: str, anchor: str) -> str | None:
    """The heading that a link leads to; None: there is none of that anchor."""
    return next((each.heading for each in sections_of(page) if each.anchor == anchor), None)


def _plain(text: str) -> str:
    """Words alone: without marks of Markdown, and without the targets of links."""
    return " ".join(_MARKS.sub("", _TARGETS.sub("]", text)).split())


_LEFT_OUT = re.compile(r"(?ms)^```.*?^```$|<!--.*?-->")
_TARGETS = re.compile(r"\]\([^)]*\)")
_MARKS = re.compile(r"[`*\[\]|]")
