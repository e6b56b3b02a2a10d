"""A fact stands once in README and guide: no two pages have nearly the same sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import pytest

from tests import prose
from tests.documents import DOCUMENTS

FEWEST_WORDS = 8
"""A shorter sentence leads somewhere more often than it says something."""
NEARLY_THE_SAME = 0.8
"""The share of their words from which on two sentences say one thing."""

APART = {
    "settings": "is written from the rows of the options, so a page may say more of one",
    "codes": "is written from the tables of `explain`, whose words are those of the screen",
    "changes": "says of a rule that it is new, where another page says the rule",
    "changes-scripts": "as changes",
}
"""Pages that are left out -> why."""


class _Said(NamedTuple):
    page: str
    text: str
    words: frozenset[tuple[str, int]]
    """Each with its number, because a word may stand in a sentence twice."""


def _words(text: str) -> frozenset[tuple[str, int]]:
    counted = Counter(re.findall(r"[\w'-]+", text.lower()))
    return frozenset((word, at) for word, many in counted.items() for at in range(many))


def _nearly_the_same(one: frozenset[tuple[str, int]], other: frozenset[tuple[str, int]]) -> bool:
    return len(one & other) >= NEARLY_THE_SAME * max(len(one), len(other))


def _said() -> Iterator[_Said]:
    """The sentences that are compared; links to other pages are no facts."""
    for name, page in DOCUMENTS.items():
        if name not in APART:
            for each in prose.of_page(page.split("\n## Go on\n", 1)[0], name):
                words = _words(each.text)
                if len(words) >= FEWEST_WORDS:
                    yield _Said(name, each.text, words)


def test_no_two_pages_have_nearly_the_same_sentence() -> None:
    """One of them has the fact, the other a link to it."""
    twice = [
        f"{one.page}: {one.text}\n{other.page}: {other.text}"
        for one, other in combinations(_said(), 2)
        if one.page != other.page and _nearly_the_same(one.words, other.words)
    ]
    assert not twice, "\n\n".join(twice)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("Before anything is sent the run is refused.", True),
        ("The run is refused before much is sent.", True),
        ("The run is halted before anything else is sent to it.", False),
    ],
)
def test_what_stands_twice_is_found(other: str, *, same: bool) -> None:
    one = "The run is refused before anything is sent."
    assert _nearly_the_same(_words(one), _words(other)) is same


def test_pages_that_are_left_out_are_pages() -> None:
    assert set(APART) <= set(DOCUMENTS)
