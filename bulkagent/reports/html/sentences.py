"""Sentences of the page in its language."""

from __future__ import annotations

from bulkagent.language import page_translations


def translated(text: str) -> str:
    """A marked sentence without places, in the language of the page."""
    return page_translations().gettext(text) if text else ""


def say(text: str, /, **values: object) -> str:
    """A marked sentence in the language of the page, its places filled in."""
    return translated(text) % values
