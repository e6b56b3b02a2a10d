"""Which pages of the guide have some words, for a reader who knows no topic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bulkagent.guide.sections import PageSection, sections_of


class Place(msgspec.Struct, frozen=True):
    """A part of a page that has the words."""

    topic: str
    heading: str


def places_of(text: str, pages: Mapping[str, str], *, most: int) -> tuple[Place, ...]:
    """The best place of each page that has all words of a text, the best pages first.

    Args:
        text: The words.
        pages: Topic -> page, in the order of the topics.
        most: So many places at most.
    """
    words = text.split()
    if not words:
        return ()
    found = (_best(topic, page, words) for topic, page in pages.items())
    ranked = sorted((each for each in found if each), key=lambda each: each[0])
    return tuple(place for _, place in ranked[:most])


def _best(topic: str, page: str, words: Sequence[str]) -> tuple[int, Place] | None:
    """The place of a page that has the words best, with its rank; None: none has them."""
    ranked = (
        (rank, at, section.heading)
        for at, section in enumerate(sections_of(page))
        for rank in _ranks(section, words)
    )
    best = min(ranked, default=None)
    return None if best is None else (best[0], Place(topic, best[2]))


def _ranks(section: PageSection, words: Sequence[str]) -> Iterator[int]:
    """Words in a heading are what a section is about; side by side they are what was meant."""
    in_order = _pattern(r"\W+".join(map(re.escape, words)))
    each = [_pattern(re.escape(word)) for word in words]
    whole = f"{section.heading} {section.prose}"
    tests = (
        in_order.search(section.heading),
        all(word.search(section.heading) for word in each),
        in_order.search(section.prose),
        all(word.search(whole) for word in each),
    )
    return (rank for rank, holds in enumerate(tests) if holds)


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
