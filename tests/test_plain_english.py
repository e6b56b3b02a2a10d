"""What the program says is plain English: short sentences, one rule each, the field's words.

It is of help texts and of the file that `config init` writes. Pages are held to the same limits
by their own tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bulkagent.cli import app
from bulkagent.cli.options import ROWS, rows_of
from bulkagent.settings.example_file import commented_file
from bulkagent.settings.table import BY_NAME
from tests import prose
from tests.prose import Sentence


def commands(group: Any = app, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command and group, with its words."""
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        yield from commands(command, f"{before}{name} ") if hasattr(command, "commands") else ()


def helps() -> Iterator[Sentence]:
    """The sentences of every `--help-all`."""
    yield from prose.of_text(app.help or "", "bulkagent")
    for words, command in commands():
        yield from prose.of_page(command.help, words)
        if not hasattr(command, "commands"):
            for row in rows_of(words):
                yield from prose.of_text(row.help, f"{words} {row.option}")


def words_of_the_file() -> Iterator[Sentence]:
    """The sentences of a configuration file to begin with."""
    for row in BY_NAME.values():
        yield from prose.of_text(row.in_file, row.name)
        yield from prose.of_text(row.at_gateway, row.name)
    head, _, _ = commented_file().partition("\n\n")
    yield from prose.of_text(head.replace("#", ""), "the head of the file")


SAID = {"--help-all": helps, "config init": words_of_the_file}


@pytest.mark.parametrize("what", SAID)
def test_a_sentence_is_short(what: str) -> None:
    prose.hold(SAID[what]())


@pytest.mark.parametrize("what", SAID)
def test_a_sentence_is_one_rule(what: str) -> None:
    assert [str(each) for each in SAID[what]() if not prose.is_one_rule(each.text)] == []


@pytest.mark.parametrize("what", SAID)
def test_the_words_are_those_of_the_field(what: str) -> None:
    assert [(said, str(each)) for each in SAID[what]() for said in prose.out(each.text)] == []


def test_a_help_is_one_to_three_sentences() -> None:
    """A fourth belongs in the guide."""
    assert [row.name for row in ROWS if len(prose.of_text(row.help)) > 3] == []
