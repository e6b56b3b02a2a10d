"""README and guide are short, plain, and in the words of the glossary.

Proves README "What it promises".
"""

from __future__ import annotations

import pytest

from tests import prose
from tests.documents import DOCUMENTS

MOST_WORDS = {"README": 2_500}
MOST_WORDS_OF_A_PAGE = 1_200
"""As `wc -w` counts: transcripts and code are read, too."""
WITHOUT_LIMIT = frozenset({"settings", "codes"})
"""They come from tables, and grow with the program."""


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name not in WITHOUT_LIMIT])
def test_a_page_is_read_to_its_end(name: str) -> None:
    assert len(DOCUMENTS[name].split()) <= MOST_WORDS.get(name, MOST_WORDS_OF_A_PAGE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_its_sentences_are_short(name: str) -> None:
    """Each of them, and all on average; the longest are shown."""
    prose.hold(prose.of_page(DOCUMENTS[name], name))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_its_words_are_those_of_the_glossary(name: str) -> None:
    assert not prose.out(DOCUMENTS[name])


def test_the_worst_sentences_of_all_are_shown() -> None:
    """They are what to rewrite next: `pytest -rP tests/guide/test_readability.py` prints them."""
    sentences = [each for name, page in DOCUMENTS.items() for each in prose.of_page(page, name)]
    print(prose.worst(sentences))  # noqa: T201 - its purpose
    prose.hold(sentences)
