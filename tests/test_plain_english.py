"""What the program says is plain English: short sentences, one rule each, the field's words.

It is of help texts, of the file that `config init` writes, of the docstrings of the library, of
messages and screens, and of `explain`. Pages are held to the same limits by their own tests.
"""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bulkagent
from bulkagent.cli import app
from bulkagent.cli.options import ROWS, rows_of
from bulkagent.run import explanations
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


def docstrings_of(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every docstring under a node, and every string that says what the field before it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, ast.get_docstring(node) or ""
            for pair in itertools.pairwise(node.body):
                match pair:
                    case (ast.Assign() | ast.AnnAssign()) as field, ast.Expr(
                        ast.Constant(str(said))
                    ):
                        yield ast.unparse(field).split(":", 1)[0], said


def public_docstrings() -> Iterator[Sentence]:
    """The sentences of the library's functions, classes and fields."""
    yield from prose.of_docstring(bulkagent.__doc__, "bulkagent")
    for name in bulkagent.__all__:
        found = getattr(bulkagent, name)
        parts = (
            [each for each in found.__mro__ if each.__module__.startswith("bulkagent")]
            if (inspect.isclass(found))
            else [found]
        )
        for part in parts:
            for what, said in docstrings_of(ast.parse(inspect.getsource(part))):
                yield from prose.of_docstring(said, f"{name}: {what}")


def text_of(node: ast.expr) -> str:
    """A text as the source has it; what is filled in counts as one word."""
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(parts):
            return "".join(text_of(part) for part in parts)
        case ast.FormattedValue():
            return "X"
        case ast.BinOp(left, ast.Add(), right):
            return text_of(left) + text_of(right)
        case ast.IfExp(_, body, _):
            return text_of(body)
        case _:
            return ""


NOT_PROSE = re.compile(
    r"[<\n]|\w-src |; Path=|\b(?:FROM|WHERE|SELECT|INSERT|UPDATE|DELETE|INDEX|PRAGMA|TABLE)\b"
)
FEW = 4
"""A text of fewer words is a label."""
OTHERS_WORDS = {"emulator/protocol/response.py", "cli/shells.py"}
"""Modules of texts that a gateway or a shell has worded."""


def texts_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module but its docstrings, and the line where it begins."""
    parts = [
        *(node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)),
        *(
            part
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr | ast.BinOp)
            for part in ast.walk(node)
            if part is not node
        ),
    ]
    apart = set(map(id, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp) and id(node) not in apart:
            yield node.lineno, text_of(node)


def messages() -> Iterator[Sentence]:
    """The sentences of errors, warnings, notes and screens: all texts that are no code."""
    package = Path(bulkagent.__file__).parent
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name not in OTHERS_WORDS:
            for line, text in texts_in(ast.parse(path.read_text(encoding="utf-8"))):
                if len(text.split()) >= FEW and not NOT_PROSE.search(text):
                    for each in prose.of_text(text, f"{name}:{line}"):
                        yield each._replace(whole=True)


def explained() -> Iterator[Sentence]:
    """The sentences of `explain`, and of all codes."""
    for each in explanations():
        for text in (each.meaning, *each.done, each.advice):
            for said in prose.of_text(text, each.code):
                yield said._replace(whole=True)


def contributing() -> Iterator[Sentence]:
    """The sentences of the page for contributors."""
    page = Path(__file__).parents[1] / ".github/CONTRIBUTING.md"
    yield from prose.of_page(page.read_text(encoding="utf-8"))


SAID = {
    "CONTRIBUTING.md": contributing,
    "explain": explained,
    "messages": messages,
    "--help-all": helps,
    "config init": words_of_the_file,
    "the library": public_docstrings,
}


@functools.cache
def said(what: str) -> tuple[Sentence, ...]:
    """Read once, for it takes seconds."""
    return tuple(SAID[what]())


@pytest.mark.parametrize("what", SAID)
def test_a_sentence_is_short(what: str) -> None:
    prose.hold(said(what))


@pytest.mark.parametrize("what", SAID)
def test_a_sentence_is_one_rule(what: str) -> None:
    assert [str(each) for each in said(what) if not prose.is_one_rule(each.text)] == []


@pytest.mark.parametrize("what", SAID)
def test_the_words_are_those_of_the_field(what: str) -> None:
    assert [(word, str(each)) for each in said(what) for word in prose.out(each.text)] == []


def test_a_help_is_one_to_three_sentences() -> None:
    """A fourth belongs in the guide."""
    assert [row.name for row in ROWS if len(prose.of_text(row.help)) > 3] == []
